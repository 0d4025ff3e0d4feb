/** Our reader of requests against the reference reader: the same verdict, however the bytes are split. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { cases } from "../soak.ts";
import { readProduction } from "./production_reader.ts";
import { readReference, type Verdict } from "./reference_parser.ts";
import { CORPUS } from "./smuggling/corpus.ts";
import { CANARY } from "./smuggling/verdict.ts";

/** Longer strings of the corpus are of limits, which the reference reader does not know. */
const MAX_SEED = 300;
const SEEDS = CORPUS.filter(({ bytes }) => bytes.length <= MAX_SEED);

/** What tells two readers apart more often than any byte would. */
const ODD = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\0",
  "\t",
  " ",
  "  ",
  ":",
  ";",
  ",",
  "=",
  '"',
  "\\",
  "/",
  "#",
  "*",
  "[",
  "]",
  "%",
]
  .concat(["\x0b", "\x7f", "\x80", "\xa0", "\xff", "0", "5", "a", "G", "-", "+", "_", "@", "?"])
  .concat([
    "Host: b\r\n",
    "Host:\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 05\r\n",
    "Transfer-Encoding: chunked\r\n",
  ])
  .concat([
    "Transfer-Encoding:\r\n",
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
    " folded\r\n",
    "chunked",
    "http://b",
  ])
  .concat(["HTTP/1.0", "HTTP/1.1", "0\r\n\r\n", "5\r\nhello\r\n", ";a=b", "X: y\r\n"]);

/** Requests that are valid, and of many kinds. */
const valid = fc.record({
  before: fc.constantFrom("", "", "", "\r\n", "\r\n\r\n"),
  method: fc.constantFrom("GET", "POST", "HEAD", "OPTIONS", "DELETE", "TRACE", "X-Y", "get"),
  target: fc.constantFrom("/", "/a?b", "//a", "*", "http://b", "HTTP://b:80/c?d", "https://[::1]?q", "/%41"),
  version: fc.constantFrom("1.1", "1.1", "1.1", "1.0", "1.2"),
  host: fc.constantFrom("a", "a:80", "a:", "[::1]:8080", "[1:2:3:4:5:6:1.2.3.4]", "127.0.0.1", "A.example."),
  fields: fc.array(
    fc.constantFrom(
      "X:\t y ",
      "Cookie: a=b",
      "Connection: close",
      "Connection: x, host",
      "Expect: 100-continue",
      "X: \xe9",
      "Y:",
      "TE: trailers",
    ),
    { maxLength: 3 },
  ),
  body: fc.constantFrom(
    ["", ""],
    ["Content-Length: 5\r\n", "hello"],
    ["Content-Length: 0\r\n", ""],
    ["content-length:\t04 \r\n", "\r\n\r\n"],
    ["Transfer-Encoding: chunked\r\n", "0\r\n\r\n"],
    ["transfer-encoding:CHUNKED\r\n", '3\r\nhel\r\n02 ; a = "b;\\""\r\nlo\r\n00;x\r\nT: u\r\n\r\n'],
    ["Transfer-Encoding: chunked\r\n", "a\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"],
    ["Transfer-Encoding: chunked\r\n", "1\r\nx\r\n".repeat(15) + '1;a="[ ]\xff\\\x80"\r\ny\r\n0\r\n\r\n'],
  ),
  rest: fc.constantFrom("", "", "GET /2 HTTP/1.1\r\n\r\n", "\r\n", "\0"),
}).map(({ before, method, target, version, host, fields, body: [framing, body], rest }) =>
  `${before}${method} ${target} HTTP/${version}\r\nHost: ${host}\r\n${fields.map((field) => `${field}\r\n`).join("")}` +
  `${framing}\r\n${body}${rest}`
);

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const mutation = fc.record({
  at: place,
  /** Bytes that go. */
  drop: fc.constantFrom(0, 0, 0, 1, 1, 2, 5, 20),
  put: fc.oneof(fc.constantFrom("", ...ODD), fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte))),
});

const strings = fc.tuple(
  fc.oneof(valid, fc.constantFrom(...SEEDS.map(({ bytes }) => bytes))),
  fc.oneof(fc.constant([]), fc.array(mutation, { minLength: 1, maxLength: 3 })),
).map(([seed, mutations]) =>
  mutations.reduce((text, { at, drop, put }) => {
    const from = Math.floor(at * (text.length + 1));
    return text.slice(0, from) + put + text.slice(from + drop);
  }, seed)
);

/** Where the reference reader waits for the end of a head or a body, ours may know already that it is none. */
function check(text: string, pieces: readonly string[], expected: Verdict): void {
  const verdict = readProduction(pieces);
  if (expected.kind === "incomplete" && verdict.kind === "refused") return;
  if (expected.kind === "refused" && verdict.kind === "refused") return;
  assert.deepEqual(verdict, expected, `${JSON.stringify(text)} in ${JSON.stringify(pieces)}`);
}

function checkSplits(text: string): void {
  const expected = readReference(text);
  check(text, [text], expected);
  for (let at = 1; at < text.length; at++) check(text, [text.slice(0, at), text.slice(at)], expected);
}

Deno.test("readReference() agrees with the smuggling corpus", () => {
  for (const one of SEEDS) {
    const verdict = readReference(one.bytes + CANARY);
    const shown = `${one.name}: ${JSON.stringify(verdict)}`;
    if (one.verdict !== "forwarded") {
      assert.notEqual(verdict.kind, "accepted", shown);
      continue;
    }
    assert.ok(verdict.kind === "accepted", shown);
    const { method, target, host = "a", body = "" } = one.requests[0]!;
    const { rest: _, kind: __, ...seen } = verdict;
    assert.deepEqual(seen, { method, target, host, body }, shown);
  }
});

Deno.test("parseRequest() and IncomingBody give the reference verdict for the corpus at every split into two", () => {
  const wrong: string[] = [];
  for (const { name, bytes } of SEEDS) {
    try {
      checkSplits(bytes);
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error;
      wrong.push(`${name}: ${error.message}`);
    }
  }
  assert.equal(wrong.length, 0, wrong.join("\n"));
});

Deno.test("parseRequest() and IncomingBody give the reference verdict at every split into two, for what nearly is a request", () => {
  fc.assert(fc.property(strings, checkSplits), cases(1_500));
});

Deno.test("parseRequest() and IncomingBody give the reference verdict in three pieces and byte by byte", () => {
  const check3 = (text: string, cuts: readonly (readonly [number, number])[]) => {
    const expected = readReference(text);
    for (const [one, other] of cuts) {
      const [a, b] = [one, other].map((at) => Math.floor(at * text.length)).sort((x, y) => x - y) as [number, number];
      check(text, [text.slice(0, a), text.slice(a, b), text.slice(b)], expected);
    }
    check(text, text.split(""), expected);
  };
  fc.assert(
    fc.property(strings, fc.array(fc.tuple(place, place), { minLength: 10, maxLength: 10 }), check3),
    cases(1_500),
  );
});
