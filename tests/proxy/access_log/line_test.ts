import assert from "node:assert/strict";
import fc from "fast-check";
import { lineStart, type LoggedExchange, mostBytes, writeLine } from "../../../core/proxy/access_log/line.ts";
import { LineBuffer } from "../../../core/proxy/access_log/line_buffer.ts";
import "../../soak.ts";

const TIME = "2026-11-25T03:13:21.499Z";

function lineOf(target: string, exchange: Partial<LoggedExchange> | undefined, id = "", host = "shop.example"): string {
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
  const out = new LineBuffer(1_000_000);
  const logged = {
    client: { client: "192.0.2.1", isTls: true },
    head: { method: "GET", host, target },
    exchange: whole,
    status: 200,
    bytesIn: 5,
    startedAt: 1,
    ending: "done",
    id,
  } as const;
  assert.ok(out.reserve(mostBytes(logged)));
  writeLine(out, lineStart(TIME), logged, 10.25);
  assert.ok(out.end <= mostBytes(logged));
  return new TextDecoder().decode(out.bytes.subarray(0, out.end));
}

Deno.test("writeLine() writes one line of JSON with all that is known of a request", () => {
  assert.deepEqual(JSON.parse(lineOf("/a?b", {}, "c0ffee")), {
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

Deno.test("writeLine() says of each request its own, whatever the one before it said", () => {
  const facts = (line: string) => {
    const { host, pool, back_end, persistence } = JSON.parse(line);
    return [host, pool, back_end, persistence];
  };
  assert.deepEqual(facts(lineOf("/", {})), ["shop.example", "web", 3, "cookie"]);
  assert.deepEqual(facts(lineOf("/", { verdict: "none" }, "", "other")), ["other", "web", 3, "none"]);
  assert.deepEqual(facts(lineOf("/", { lastKey: 4 })), ["shop.example", "web", 4, "cookie"]);
  assert.deepEqual(facts(lineOf("/", { poolName: "api" })), ["shop.example", "api", 3, "cookie"]);
  assert.deepEqual(facts(lineOf("/", {})), ["shop.example", "web", 3, "cookie"]);
});

Deno.test("writeLine() leaves out the phases that were not reached", () => {
  const phases = (line: string) => Object.keys(JSON.parse(line)).filter((key) => key.endsWith("_us"));
  assert.deepEqual(phases(lineOf("/", { respondedAt: 0 })), ["wait_us", "connect_us", "total_us"]);
  assert.deepEqual(phases(lineOf("/", { respondedAt: 0, sentAt: 0 })), ["wait_us", "total_us"]);
  assert.deepEqual(phases(lineOf("/", undefined)), ["total_us"]);
  assert.equal(JSON.parse(lineOf("/", { respondedAt: 0, lastKey: -1 })).back_end, null);
});

Deno.test("writeLine() is ASCII and holds any text, in the room that it asked for", () => {
  const text = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });
  fc.assert(fc.property(text, text, (target, host) => {
    const line = lineOf(target, {}, "", host);
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.ok(/^[ -~]*\n$/.test(line));
    assert.equal(JSON.parse(line).target, target);
    assert.equal(JSON.parse(line).host, host);
  }));
});

Deno.test("LineBuffer.decimal() writes any whole number", () => {
  fc.assert(fc.property(fc.oneof(fc.nat(), fc.nat(999), fc.maxSafeNat()), (value) => {
    const out = new LineBuffer(65_536);
    out.decimal(value);
    assert.equal(new TextDecoder().decode(out.bytes.subarray(0, out.end)), String(value));
  }));
});

Deno.test("LineBuffer grows as far as it may, and keeps what it holds", () => {
  const out = new LineBuffer(200_000);
  out.quoted("begin");
  assert.ok(out.reserve(150_000));
  assert.ok(!out.reserve(200_000));
  assert.equal(new TextDecoder().decode(out.bytes.subarray(0, out.end)), "begin");
});
