import assert from "node:assert/strict";
import { macToBytes } from "../../core/scheduler/addresses.ts";
import { ARP_BYTES, VipArp } from "../../core/scheduler/arp.ts";

const OWN = macToBytes("02:00:00:00:00:0a");
const ASKER = macToBytes("02:00:00:00:00:c1");
const VIP = Uint8Array.of(192, 0, 2, 10);
const CLIENT = Uint8Array.of(192, 0, 2, 77);
const arp = new VipArp(VIP, OWN);

/** An ARP frame of anybody. */
function frame(operation: number, senderMac: Uint8Array, senderIp: Uint8Array, targetIp: Uint8Array): Uint8Array {
  const ethernet = [255, 255, 255, 255, 255, 255, ...senderMac, 8, 6];
  return Uint8Array.from([
    ...ethernet,
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    operation,
    ...senderMac,
    ...senderIp,
    0,
    0,
    0,
    0,
    0,
    0,
    ...targetIp,
  ]);
}

Deno.test("VipArp.read() knows who asks for the VIP and who claims it", () => {
  const read = (bytes: Uint8Array) => arp.read(bytes, bytes.length);
  assert.equal(read(frame(1, ASKER, CLIENT, VIP)), "asks");
  assert.equal(read(frame(1, ASKER, new Uint8Array(4), VIP)), "asks", "an ARP probe is answered too");
  assert.equal(read(frame(1, ASKER, VIP, VIP)), "claims", "gratuitous, request form");
  assert.equal(read(frame(2, ASKER, VIP, CLIENT)), "claims", "a reply");
  assert.equal(read(frame(1, OWN, VIP, VIP)), "other", "its own announcement");
  assert.equal(read(frame(1, ASKER, CLIENT, CLIENT)), "other");
  assert.equal(read(frame(2, ASKER, CLIENT, VIP)), "other", "a reply to the VIP's owner");
});

Deno.test("VipArp.read() takes malformed ARP for nothing", () => {
  const good = frame(1, ASKER, CLIENT, VIP);
  for (let length = 0; length < ARP_BYTES; length++) assert.equal(arp.read(good, length), "other");
  for (const [at, value] of [[15, 6], [16, 0x86], [18, 8], [19, 16], [21, 9]] as const) {
    const bad = good.slice();
    bad[at] = value;
    assert.equal(arp.read(bad, bad.length), "other", `byte ${at}`);
  }
});

Deno.test("VipArp.answer() names the VIP to the asker alone", () => {
  const answer = arp.answer(frame(1, ASKER, CLIENT, VIP));
  assert.deepEqual([...answer], [
    ...ASKER,
    ...OWN,
    8,
    6,
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    2,
    ...OWN,
    ...VIP,
    ...ASKER,
    ...CLIENT,
  ]);
});

Deno.test("VipArp.announcement() has the request form that Linux takes, the probe claims nothing", () => {
  const announcement = arp.announcement();
  assert.deepEqual([...announcement.subarray(0, 6)], [255, 255, 255, 255, 255, 255]);
  assert.equal(announcement[21], 1);
  assert.deepEqual([announcement.slice(28, 32), announcement.slice(38, 42)], [VIP, VIP]);
  const probe = arp.probe();
  assert.deepEqual([...probe.subarray(28, 32)], [0, 0, 0, 0]);
  assert.deepEqual(probe.slice(38, 42), VIP);
});
