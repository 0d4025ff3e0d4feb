import assert from "node:assert/strict";
import fc from "fast-check";
import { Verdict, VERDICT_NAMES } from "../../core/scheduler/verdicts.ts";
import { testArray } from "./array.ts";
import { bent, icmpFrame, tcpFrame } from "./frames.ts";
import { cases } from "../soak.ts";

interface Fixture {
  readonly says: string;
  readonly frame: Uint8Array;
  /** Captured bytes, where fewer than the frame has. */
  readonly length?: number;
  readonly verdict: Verdict;
}

const tcp = tcpFrame();
const icmp = icmpFrame(3);
const {
  FORWARDED,
  ALREADY_SCHEDULED,
  ARP,
  PING,
  TRUNCATED,
  NOT_IPV4,
  VLAN,
  BAD_IP,
  NOT_FOR_VIP,
  FRAGMENT,
  NOT_TCP,
  OTHER_PORT,
} = Verdict;

/** Node 1 owns everything here: node 0, the scheduler, has weight 0. */
const FIXTURES: readonly Fixture[] = [
  { says: "SYN to port 443", frame: tcp, verdict: FORWARDED },
  { says: "SYN to port 80", frame: tcpFrame({ toPort: 80 }), verdict: FORWARDED },
  { says: "ACK", frame: tcpFrame({ flags: 16 }), verdict: FORWARDED },
  { says: "RST", frame: tcpFrame({ flags: 4 }), verdict: FORWARDED },
  { says: "FIN and ACK", frame: tcpFrame({ flags: 17 }), verdict: FORWARDED },
  { says: "no flag at all", frame: tcpFrame({ flags: 0 }), verdict: FORWARDED },
  { says: "every flag", frame: tcpFrame({ flags: 255 }), verdict: FORWARDED },
  { says: "client port 0", frame: tcpFrame({ fromPort: 0 }), verdict: FORWARDED },
  { says: "client port 65535", frame: tcpFrame({ fromPort: 65535 }), verdict: FORWARDED },
  { says: "client 0.0.0.0", frame: tcpFrame({ from: "0.0.0.0" }), verdict: FORWARDED },
  { says: "client 255.255.255.255", frame: tcpFrame({ from: "255.255.255.255" }), verdict: FORWARDED },
  { says: "4 bytes of IP options", frame: tcpFrame({ ipOptions: 4 }), verdict: FORWARDED },
  { says: "40 bytes of IP options", frame: tcpFrame({ ipOptions: 40 }), verdict: FORWARDED },
  { says: "a full frame of 1,514 bytes", frame: tcpFrame({ payload: 1460 }), verdict: FORWARDED },
  { says: "a jumbo frame", frame: tcpFrame({ payload: 8960 }), verdict: FORWARDED },
  { says: "padding behind a short packet", frame: tcpFrame({ payload: 3 }), verdict: FORWARDED },
  { says: "a first fragment: it bears the ports", frame: tcpFrame({ moreFragments: true }), verdict: FORWARDED },
  { says: "do-not-fragment set", frame: bent(tcp, 20, 0x40), verdict: FORWARDED },
  {
    says: "sent to another MAC (flooded)",
    frame: tcpFrame({ destinationMac: "02:00:00:00:00:0b" }),
    verdict: FORWARDED,
  },
  {
    says: "sent by node 1: scheduled already",
    frame: tcpFrame({ sourceMac: "02:00:00:00:00:0b" }),
    verdict: ALREADY_SCHEDULED,
  },
  {
    says: "sent by the scheduler itself",
    frame: tcpFrame({ sourceMac: "02:00:00:00:00:0a" }),
    verdict: ALREADY_SCHEDULED,
  },
  {
    says: "an ICMP error passed on by node 1",
    frame: icmpFrame(3, { sourceMac: "02:00:00:00:00:0b" }),
    verdict: ALREADY_SCHEDULED,
  },
  {
    says: "ICMP echo request passed on by node 1",
    frame: icmpFrame(8, { sourceMac: "02:00:00:00:00:0b" }),
    verdict: ALREADY_SCHEDULED,
  },
  { says: "ARP", frame: tcpFrame({ etherType: 0x0806 }), verdict: ARP },
  { says: "ICMP echo request", frame: icmpFrame(8), verdict: PING },
  { says: "ICMP echo reply", frame: icmpFrame(0), verdict: NOT_TCP },
  { says: "ICMP redirect", frame: icmpFrame(5), verdict: NOT_TCP },
  { says: "ICMP unreachable about a packet of the VIP", frame: icmp, verdict: FORWARDED },
  { says: "ICMP time exceeded about one", frame: icmpFrame(11), verdict: FORWARDED },
  { says: "ICMP parameter problem about one", frame: icmpFrame(12), verdict: FORWARDED },
  {
    says: "ICMP error with more than 8 bytes of the TCP header",
    frame: icmpFrame(3, { quoted: 48 }),
    verdict: FORWARDED,
  },
  { says: "ICMP error with 7 bytes of the TCP header", frame: icmpFrame(3, { quoted: 27 }), verdict: TRUNCATED },
  { says: "ICMP error that quotes nothing", frame: icmpFrame(3, { quoted: 0 }), verdict: TRUNCATED },
  {
    says: "ICMP error about a packet of another address",
    frame: icmpFrame(3, { from: "192.0.2.11" }),
    verdict: NOT_FOR_VIP,
  },
  { says: "ICMP error about another port", frame: icmpFrame(3, { fromPort: 22 }), verdict: OTHER_PORT },
  { says: "ICMP error about UDP", frame: icmpFrame(3, { protocol: 17 }), verdict: NOT_TCP },
  { says: "ICMP error about a later fragment", frame: icmpFrame(3, { fragmentOffset: 185 }), verdict: NOT_TCP },
  { says: "ICMP error that quotes IPv6", frame: bent(icmp, 42, 0x60), verdict: BAD_IP },
  { says: "ICMP error that quotes a header length of 16", frame: bent(icmp, 42, 0x44), verdict: BAD_IP },
  { says: "ICMP of 4 bytes", frame: bent(icmp, 17, 24), verdict: TRUNCATED },
  { says: "no byte at all", frame: tcp, length: 0, verdict: TRUNCATED },
  { says: "13 bytes: not even an Ethernet header", frame: tcp, length: 13, verdict: TRUNCATED },
  { says: "an Ethernet header alone", frame: tcp, length: 14, verdict: TRUNCATED },
  { says: "an IP header cut short", frame: tcp, length: 33, verdict: TRUNCATED },
  { says: "a TCP header cut short", frame: tcp, length: 40, verdict: TRUNCATED },
  { says: "cut one byte before its total length", frame: tcp, length: 53, verdict: TRUNCATED },
  { says: "captured exactly to its total length", frame: tcp, length: 54, verdict: FORWARDED },
  { says: "a packet that ends within the TCP header", frame: bent(tcp, 17, 39), verdict: TRUNCATED },
  { says: "a total length beyond the frame", frame: bent(tcp, 16, 0xff), verdict: TRUNCATED },
  { says: "IPv6", frame: tcpFrame({ etherType: 0x86dd }), verdict: NOT_IPV4 },
  { says: "an EtherType below 1536 (802.3 length)", frame: tcpFrame({ etherType: 46 }), verdict: NOT_IPV4 },
  { says: "802.1Q tag", frame: tcpFrame({ etherType: 0x8100 }), verdict: VLAN },
  { says: "802.1ad tag", frame: tcpFrame({ etherType: 0x88a8 }), verdict: VLAN },
  { says: "IP version 6 behind EtherType IPv4", frame: bent(tcp, 14, 0x65), verdict: BAD_IP },
  { says: "IP version 0", frame: bent(tcp, 14, 0x05), verdict: BAD_IP },
  { says: "header length 0", frame: bent(tcp, 14, 0x40), verdict: BAD_IP },
  { says: "header length 16", frame: bent(tcp, 14, 0x44), verdict: BAD_IP },
  { says: "header length 60 in a packet of 40 bytes", frame: bent(tcp, 14, 0x4f), verdict: BAD_IP },
  { says: "total length 0", frame: bent(tcp, 17, 0), verdict: BAD_IP },
  { says: "total length 19", frame: bent(tcp, 17, 19), verdict: BAD_IP },
  { says: "to a node's own address", frame: tcpFrame({ to: "192.0.2.11" }), verdict: NOT_FOR_VIP },
  { says: "to the address below the VIP", frame: tcpFrame({ to: "192.0.2.9" }), verdict: NOT_FOR_VIP },
  { says: "to the broadcast address", frame: tcpFrame({ to: "255.255.255.255" }), verdict: NOT_FOR_VIP },
  { says: "a later fragment", frame: tcpFrame({ fragmentOffset: 185 }), verdict: FRAGMENT },
  { says: "a fragment at offset 1", frame: tcpFrame({ fragmentOffset: 1 }), verdict: FRAGMENT },
  { says: "UDP", frame: tcpFrame({ protocol: 17 }), verdict: NOT_TCP },
  { says: "protocol 0", frame: tcpFrame({ protocol: 0 }), verdict: NOT_TCP },
  { says: "protocol 255", frame: tcpFrame({ protocol: 255 }), verdict: NOT_TCP },
  { says: "TCP to port 22", frame: tcpFrame({ toPort: 22 }), verdict: OTHER_PORT },
  { says: "TCP to port 0", frame: tcpFrame({ toPort: 0 }), verdict: OTHER_PORT },
  { says: "TCP to the status port", frame: tcpFrame({ toPort: 7600 }), verdict: OTHER_PORT },
];

for (const { says, frame, length = frame.length, verdict } of FIXTURES) {
  Deno.test(`frame fixture: ${says}`, () => {
    const { tables, scheduler } = testArray([{ weight: 0 }, { weight: 1 }]);
    const sent = frame.slice();
    assert.equal(VERDICT_NAMES[scheduler.schedule(sent, length, 7)], VERDICT_NAMES[verdict]);
    const counts = [...tables.verdicts.counts];
    assert.equal(counts[verdict], 1);
    assert.equal(counts.reduce((sum, count) => sum + count, 0), 1, "one verdict, one count");
    if (verdict === FORWARDED) {
      const macs = [2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a];
      assert.deepEqual([...sent.subarray(0, 12)], macs, "to node 1, from the scheduler");
      assert.equal(tables.nodeCounts.frames[1], 1);
    } else assert.deepEqual(sent.subarray(0, 12), frame.subarray(0, 12), "not readdressed");
    assert.deepEqual(sent.subarray(12), frame.subarray(12), "the packet is never touched");
  });
}

Deno.test("an ICMP error goes where its connection's frames go", () => {
  const { scheduler } = testArray([{}, {}, {}, {}], 1024);
  for (let port = 1000; port < 1100; port++) {
    const syn = tcpFrame({ fromPort: port });
    const error = icmpFrame(3, { toPort: port });
    const verdict = scheduler.schedule(syn, syn.length, 1);
    assert.equal(scheduler.schedule(error, error.length, 1), verdict);
    if (verdict === FORWARDED) assert.deepEqual(error.subarray(0, 6), syn.subarray(0, 6));
  }
});

Deno.test("a frame to the scheduler's own node is left as it is", () => {
  const { scheduler } = testArray([{}]);
  const frame = tcpFrame();
  assert.equal(scheduler.schedule(frame, frame.length, 1), Verdict.SELF);
  assert.deepEqual(frame, tcp);
});

Deno.test("two active schedulers with opposite tables do not bounce a frame", () => {
  const one = testArray([{ weight: 0 }, { weight: 1 }]);
  const frame = tcpFrame();
  assert.equal(one.scheduler.schedule(frame, frame.length, 1), FORWARDED);
  // Node 1 schedules too, by a table that gives everything to node 0.
  const other = testArray([{ weight: 1 }, { weight: 0 }]);
  assert.equal(other.scheduler.schedule(frame, frame.length, 1), ALREADY_SCHEDULED);
});

Deno.test("without a usable node a frame is dropped and counted", () => {
  const { scheduler, tables } = testArray([{}, {}]);
  for (const id of [0, 1]) tables.nodeState.setFailed(id, true);
  scheduler.refresh();
  const frame = tcpFrame();
  assert.equal(scheduler.schedule(frame, frame.length, 1), Verdict.NO_NODE);
});

Deno.test("random and mutated frames get exactly one verdict and never a crash", () => {
  const { scheduler, tables } = testArray([{}, {}, {}]);
  const noise = fc.uint8Array({ maxLength: 128 });
  const source = fc.constantFrom(tcp, icmp, tcpFrame({ ipOptions: 40, payload: 30 }), icmpFrame(11, { quoted: 60 }));
  const mutated = fc.tuple(source, fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 }), fc.nat(200))
    .map(([frame, changes, cut]) =>
      bent(frame, ...changes.flat().map((v, i) => i % 2 === 0 ? v % frame.length : v)).slice(
        0,
        Math.max(0, frame.length - (cut > 100 ? 0 : cut)),
      )
    );
  let frames = 0;
  fc.assert(
    fc.property(fc.oneof(noise, mutated), (frame) => {
      const rest = frame.slice(12);
      const verdict = scheduler.schedule(frame, frame.length, 5);
      assert.ok(verdict in VERDICT_NAMES);
      assert.deepEqual(frame.slice(12), rest);
      assert.equal(tables.verdicts.counts.reduce((sum, count) => sum + count, 0), ++frames);
    }),
    cases(20_000),
  );
});

Deno.test("the fixtures name each case once", () => {
  const says = FIXTURES.map((fixture) => fixture.says);
  assert.equal(new Set(says).size, says.length);
  assert.ok(says.length >= 60);
});
