import assert from "node:assert/strict";
import { ipToBytes, macToBytes } from "../../core/scheduler/addresses.ts";
import { arpAnnouncement, arpProbe, asksByArp, claimsByArp } from "../../core/scheduler/arp.ts";
import { asksByNd, claimsByNd, ndAnnouncement, ndProbe } from "../../core/scheduler/nd.ts";
import { testArray } from "./array.ts";
import { arpFrame, bent, CLIENT6, CLIENT_MAC, solicitation, VIP, VIP6 } from "./frames.ts";

const OWN = macToBytes("02:00:00:00:00:0a");
const CLIENT = "192.0.2.77";
const VIP_BYTES = ipToBytes(VIP).subarray(12);
const { reader } = testArray([{}]).scheduler;

Deno.test("ARP: who asks for a VIP and who claims one", () => {
  const read = (frame: Uint8Array) => {
    const asks = asksByArp(frame, frame.length, 14, reader), claims = claimsByArp(frame, frame.length, 14, reader);
    assert.ok(!(asks && claims));
    return asks ? "asks" : claims ? "claims" : "other";
  };
  assert.equal(read(arpFrame(1, CLIENT, VIP)), "asks");
  assert.equal(read(arpFrame(1, "0.0.0.0", VIP)), "asks", "an ARP probe is answered too");
  assert.equal(read(arpFrame(1, VIP, VIP)), "claims", "gratuitous, request form");
  assert.equal(read(arpFrame(2, VIP, CLIENT)), "claims", "a reply");
  assert.equal(read(arpFrame(1, CLIENT, CLIENT)), "other");
  assert.equal(read(arpFrame(2, CLIENT, VIP)), "other", "a reply to the VIP's owner");
  for (let length = 0; length < 42; length++) assert.equal(read(arpFrame(1, CLIENT, VIP).slice(0, length)), "other");
  for (const [at, value] of [[15, 6], [16, 0x86], [18, 8], [19, 16], [21, 9]] as const) {
    assert.equal(read(bent(arpFrame(1, CLIENT, VIP), at, value)), "other", `byte ${at}`);
  }
});

Deno.test("ARP: the answer names the VIP to the asker alone", () => {
  const { scheduler } = testArray([{}]);
  const frame = arpFrame(1, CLIENT, VIP);
  scheduler.schedule(frame, frame.length, 1);
  const asker = macToBytes(CLIENT_MAC), client = ipToBytes(CLIENT).subarray(12);
  const header = [8, 6, 0, 1, 8, 0, 6, 4, 0, 2];
  assert.deepEqual([...frame.subarray(0, 42)], [
    ...asker,
    ...OWN,
    ...header,
    ...OWN,
    ...VIP_BYTES,
    ...asker,
    ...client,
  ]);
  assert.ok(frame.subarray(42).every((octet) => octet === 0), "padding");
});

Deno.test("ARP: the announcement has the request form that Linux takes, the probe claims nothing", () => {
  const announcement = arpAnnouncement(VIP_BYTES, OWN);
  assert.deepEqual([...announcement.subarray(0, 6)], [255, 255, 255, 255, 255, 255]);
  assert.equal(announcement[21], 1);
  assert.deepEqual([announcement.slice(28, 32), announcement.slice(38, 42)], [VIP_BYTES, VIP_BYTES]);
  assert.ok(claimsByArp(announcement, announcement.length, 14, reader));
  const probe = arpProbe(VIP_BYTES, OWN);
  assert.deepEqual([...probe.subarray(28, 32)], [0, 0, 0, 0]);
  assert.ok(asksByArp(probe, probe.length, 14, reader));
});

/** The sum over pseudo header and message, its checksum included: 0xffff when that is right (RFC 8200 section 8.1). */
function icmp6Sum(frame: Uint8Array): number {
  let sum = 32 + 58;
  for (let at = 22; at < 86; at += 2) sum += (frame[at]! << 8) | frame[at + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

Deno.test("neighbour discovery: the answer names the VIP to the asker alone", () => {
  const { scheduler } = testArray([{}]);
  const frame = solicitation(VIP6);
  scheduler.schedule(frame, frame.length, 1);
  assert.deepEqual(frame.subarray(0, 6), macToBytes(CLIENT_MAC));
  assert.deepEqual(frame.subarray(6, 12), OWN);
  assert.deepEqual(frame.subarray(22, 38), ipToBytes(VIP6));
  assert.deepEqual(frame.subarray(38, 54), ipToBytes(CLIENT6));
  assert.deepEqual([...frame.subarray(54, 56), frame[58]], [136, 0, 0x60], "advertisement, solicited, override");
  assert.deepEqual(frame.subarray(62, 78), ipToBytes(VIP6));
  assert.deepEqual([...frame.subarray(78)], [2, 1, ...OWN]);
  assert.equal(icmp6Sum(frame), 0xffff);
});

Deno.test("neighbour discovery: announcement and probe, and what claims a VIP", () => {
  const claims = (frame: Uint8Array) => claimsByNd(frame, frame.length, 14, reader);
  const announcement = ndAnnouncement(ipToBytes(VIP6), OWN);
  assert.ok(claims(announcement));
  assert.equal(icmp6Sum(announcement), 0xffff);
  const probe = ndProbe(ipToBytes(VIP6), OWN);
  assert.ok(asksByNd(probe, probe.length, 14, reader) && !claims(probe));
  assert.equal(icmp6Sum(probe), 0xffff);
  assert.deepEqual(probe.subarray(38, 54), ipToBytes("ff02::1:ff00:10"));
  assert.ok(claims(solicitation(VIP6, { from: "::" })), "duplicate address detection");
  assert.ok(!claims(solicitation(VIP6)));
  assert.ok(!claims(solicitation("2001:db8::11", { from: "::" })));
});
