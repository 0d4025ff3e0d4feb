import assert from "node:assert/strict";
import fc from "fast-check";
import { accessLine } from "../../../core/proxy/access_log/line.ts";
import "../../soak.ts";

const TIME = "2026-11-25T03:13:21.499Z";

function lineOf(target: string, exchange: Partial<Parameters<typeof accessLine>[3]> | undefined, id = ""): string {
  const whole = exchange && {
    status: 200,
    poolName: "web",
    lastKey: 3,
    verdict: "cookie",
    assignedAt: 1.5,
    sentAt: 2,
    respondedAt: 10,
    bytesOut: 7,
    ...exchange,
  };
  const request = { method: "GET", host: "shop.example", target };
  return accessLine(TIME, { client: "192.0.2.1", isTls: true }, request, whole, 200, 5, 1, 10.25, "done", id);
}

Deno.test("accessLine() is one line of JSON with the same keys in the same order, whichever way it is made", () => {
  const usual = lineOf("/a?b", {}, "c0ffee");
  const unusual = lineOf("/a?\\", {}, "c0ffee");
  assert.equal(unusual, usual.replace("/a?b", "/a?\\\\"));
  assert.deepEqual(JSON.parse(usual), {
    time: TIME,
    client: "192.0.2.1",
    tls: true,
    method: "GET",
    host: "shop.example",
    target: "/a?b",
    status: 200,
    bytes_in: 5,
    bytes_out: 7,
    pool: "web",
    back_end: 3,
    persistence: "cookie",
    wait_us: 500,
    connect_us: 500,
    response_us: 8000,
    transfer_us: 250,
    total_us: 9250,
    end: "done",
    id: "c0ffee",
  });
});

Deno.test("accessLine() leaves out the phases that were not reached", () => {
  const phases = (line: string) => Object.keys(JSON.parse(line)).filter((key) => key.endsWith("_us"));
  assert.deepEqual(phases(lineOf("/", { respondedAt: 0 })), ["wait_us", "connect_us", "total_us"]);
  assert.deepEqual(phases(lineOf("/", { respondedAt: 0, sentAt: 0 })), ["wait_us", "total_us"]);
  assert.deepEqual(phases(lineOf("/", undefined)), ["total_us"]);
  assert.equal(JSON.parse(lineOf("/", { respondedAt: 0, lastKey: -1 })).back_end, null);
});

Deno.test("accessLine() holds any target that a head may have", () => {
  const character = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
  const target = fc.array(character, { maxLength: 40 }).map((all) => `/${all.join("").replaceAll('"', "")}`);
  fc.assert(fc.property(target, (text) => {
    const line = lineOf(text, {});
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.equal(JSON.parse(line).target, text);
  }));
});
