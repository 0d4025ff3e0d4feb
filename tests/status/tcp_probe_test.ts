import assert from "node:assert/strict";
import { FrameReader } from "../../core/scheduler/frame.ts";
import { Verdict } from "../../core/scheduler/verdicts.ts";
import { readAnswer, resetFrame, synFrame } from "../../core/status/tcp_probe.ts";
import { testArray } from "../scheduler/array.ts";
import { bent, tcpFrame, VIP } from "../scheduler/frames.ts";

const PATH = { ownMac: "02:00:00:00:00:0a", ownAddress: "192.0.2.11", vip: VIP, port: 80 };

Deno.test("a probe is a SYN to the VIP at the node's MAC, with sound checksums", () => {
  const { tables } = testArray([{}]);
  const reader = new FrameReader(tables.settings.vips, tables.services);
  for (
    const [frame, opens] of [
      [synFrame(PATH, "02:00:00:00:00:0b", 20_001, 0xffffffff), true],
      [resetFrame(PATH, "02:00:00:00:00:0b", 20_001, 0xffffffff), false],
    ] as const
  ) {
    assert.equal(reader.read(frame, frame.length), Verdict.FORWARDED);
    assert.deepEqual([reader.clientPort, reader.opens, frame[5], frame[11]], [20_001, opens, 0x0b, 0x0a]);
    assert.equal(sum(frame, 14, 34, 0), 0xffff);
    assert.equal(sum(frame, 26, 54, 6 + 20), 0xffff);
  }
  assert.deepEqual([...resetFrame(PATH, "02:00:00:00:00:0b", 1, 0xffffffff).subarray(38, 42)], [0, 0, 0, 0]);
});

function sum(frame: Uint8Array, from: number, to: number, begin: number): number {
  let total = begin;
  for (let at = from; at < to; at += 2) total += (frame[at]! << 8) | frame[at + 1]!;
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  return total;
}

Deno.test("readAnswer() knows an acceptance and a refusal, and takes nothing else for one", () => {
  const answer = (flags: number, acknowledged = 77) =>
    bent(tcpFrame({ flags, fromPort: 80, toPort: 20_001, ipOptions: 4 }), 46, 0, 47, 0, 48, 0, 49, acknowledged);
  const read = (frame: Uint8Array) => readAnswer(frame, frame.length, 0);
  assert.deepEqual(read(answer(0x12)), { toPort: 20_001, acknowledged: 77, accepts: true });
  assert.deepEqual(read(answer(0x14)), { toPort: 20_001, acknowledged: 77, accepts: false });
  for (const flags of [0x02, 0x10, 0x11, 0x13]) assert.equal(read(answer(flags)), undefined, `flags ${flags}`);
  assert.equal(readAnswer(answer(0x12), 57, 0), undefined, "cut short");
  assert.equal(read(bent(answer(0x12), 23, 17)), undefined, "UDP");
});
