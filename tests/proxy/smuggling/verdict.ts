/** Whether what came of a byte string is what its verdict says. */
import assert from "node:assert/strict";
import type { ExpectedRequest, ForwardedCase, RefusedCase } from "./case.ts";
import type { Answer } from "./client.ts";
import type { Record } from "./recording_back_end.ts";
import { type SeenRequest, valuesOf } from "./strict_request.ts";

/** Sent behind a string that is refused, whole or in its end: nobody may ever serve it. */
export const CANARY = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
/** Sent behind a string that is forwarded: served as the request it is, unless the string ends the connection. */
export const NEXT = "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const NEXT_SEEN: ExpectedRequest = { method: "GET", target: "/next" };

/** What a client sends for that string. */
export function sent(one: RefusedCase | ForwardedCase, canary = CANARY): string {
  return one.bytes + (one.verdict !== "forwarded" || one.then ? canary : NEXT);
}

export function checkRefused({ verdict }: RefusedCase, answer: Answer, record: Record): void {
  assert.deepEqual(answer.statuses, [Number(verdict)], "statuses");
  assert.equal(answer.end, "closed", "end of the connection");
  assert.deepEqual(record.malformed, [], "the back end got what is no HTTP");
  assert.deepEqual(record.requests, [], "the back end got a whole request");
  assert.ok(!record.bytes.includes("/smuggled"), "the back end got some of the canary");
}

export function checkForwarded(one: ForwardedCase, answer: Answer, record: Record): void {
  const expected = one.ends || one.then ? one.requests : [...one.requests, NEXT_SEEN];
  const statuses = expected.map(() => 200);
  if (one.then) statuses.push(Number(one.then));
  assert.deepEqual(record.malformed, [], "the back end got what is no HTTP");
  assert.deepEqual(answer.statuses, statuses, "statuses");
  assert.equal(answer.end, "closed", "end of the connection");
  const lines = (requests: readonly { method: string; target: string }[]) =>
    requests.map(({ method, target }) => `${method} ${target}`);
  assert.deepEqual(lines(record.requests), lines(expected), "requests");
  expected.forEach((wanted, i) => checkRequest(record.requests[i]!, wanted));
}

function checkRequest(
  seen: SeenRequest,
  { host = "a", body = "", has = [], lacks = [], trailers = [] }: ExpectedRequest,
) {
  assert.deepEqual(valuesOf(seen.fields, "host"), [host], "Host");
  assert.equal(seen.body, body, "body");
  for (const line of has) assert.ok(seen.fields.includes(line), `no ${line} among ${seen.fields.join(", ")}`);
  for (const name of lacks) assert.deepEqual(valuesOf(seen.fields, name), [], `${name} was passed on`);
  const strange = seen.trailers.filter((line) => !trailers.includes(line.slice(0, line.indexOf(":"))));
  assert.deepEqual(strange, [], "trailers");
}
