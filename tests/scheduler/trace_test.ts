import assert from "node:assert/strict";
import { CAPTURE_SLOTS } from "../../core/scheduler/capture_ring.ts";
import { pcapngFrame, pcapngHeader } from "../../core/scheduler/pcapng.ts";
import { traceClient } from "../../core/scheduler/trace.ts";
import { Verdict } from "../../core/scheduler/verdicts.ts";
import { testArray } from "./array.ts";
import { CLIENT, CLIENT6, ipv6Frame, tcpFrame, tcpHeader } from "./frames.ts";

Deno.test("traceClient() says where the next frames go, as they then do", () => {
  const { scheduler, tables, config, state, upkeep } = testArray([{ weight: 0 }, {}, {}]);
  const trace = (now: number) => traceClient(tables, config, CLIENT, 40_000, now);
  const unassigned = trace(100);
  assert.deepEqual([unassigned.node, unassigned.age_s, unassigned.opening_goes_to], [null, null, "n1"]);
  const frame = tcpFrame();
  assert.equal(scheduler.schedule(frame, frame.length, 100), Verdict.FORWARDED);
  const used = trace(107);
  assert.deepEqual([used.node, used.age_s, used.opening_goes_to, used.other_goes_to], ["n1", 7, "n1", "n1"]);
  assert.equal(used.bucket, scheduler.bucketOf(frame, 26, 4, 40_000));
  const idle = trace(161);
  assert.deepEqual([idle.opening_goes_to, idle.other_goes_to], ["n2", "n1"]);
  assert.match(idle.why, /idle for longer than 60 s/);
  state.setFailed(1, true);
  tables.nodes.setOut(1, true);
  assert.match(trace(107).why, /n1 is failed or disabled; n2 has the fewest IP groups per weight/);
  upkeep.refresh();
  assert.equal(trace(107).node, null);
  tables.settings.serveUntil(50, 60);
  assert.deepEqual([trace(107).opening_goes_to, trace(107).why], [
    null,
    "the bucket is unassigned; no node can be had",
  ]);
  assert.equal(trace(110).why, "this node does not schedule");
});

Deno.test("traceClient() finds an IPv6 client's bucket", () => {
  const { scheduler, tables, config } = testArray([{ weight: 0 }, {}], { hash: "keyed" });
  const frame = ipv6Frame(tcpHeader());
  scheduler.schedule(frame, frame.length, 5);
  assert.equal(traceClient(tables, config, CLIENT6, 40_000, 5).node, "n1");
});

Deno.test("the ring gives each frame once it is there, and none that was overwritten", () => {
  const { scheduler, tables } = testArray([{ weight: 0 }, {}]);
  tables.settings.captureUntil = 10;
  const send = (now: number) => {
    const frame = tcpFrame({ payload: 400 });
    scheduler.schedule(frame, frame.length, now);
  };
  for (let i = 0; i < CAPTURE_SLOTS + 5; i++) send(9);
  assert.equal(tables.captures.read(4), undefined);
  assert.equal(tables.captures.read(CAPTURE_SLOTS + 5), undefined);
  const { length, bytes, verdict } = tables.captures.read(5)!;
  assert.deepEqual([length, bytes.length, verdict], [454, 240, Verdict.FORWARDED]);
  send(10);
  assert.equal(tables.settings.captured, CAPTURE_SLOTS + 5, "nobody traces any more");
});

Deno.test("a pcapng file is blocks of their own length, of a multiple of four bytes", () => {
  const header = pcapngHeader("eth0");
  const file = Uint8Array.from([
    ...header,
    ...pcapngFrame(tcpFrame().subarray(0, 55), 60, 1_790_000_000_123, "forwarded"),
    ...pcapngFrame(new Uint8Array(0), 0, 0, "truncated"),
  ]);
  const view = new DataView(file.buffer);
  const types: number[] = [];
  for (let at = 0; at < file.length;) {
    const length = view.getUint32(at + 4, true);
    assert.equal(length % 4, 0);
    assert.equal(view.getUint32(at + length - 4, true), length);
    types.push(view.getUint32(at, true));
    at += length;
  }
  assert.deepEqual(types, [0x0a0d0d0a, 1, 6, 6]);
  const word = (index: number) => view.getUint32(header.length + index * 4, true);
  assert.equal(word(3) * 2 ** 32 + word(4), 1_790_000_000_123_000);
  assert.deepEqual([word(5), word(6)], [55, 60]);
  assert.match(new TextDecoder().decode(file), /forwarded[^]*truncated/);
});
