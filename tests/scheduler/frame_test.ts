import assert from "node:assert/strict";
import { Verdict, VERDICT_NAMES } from "../../core/scheduler/verdicts.ts";
import { arrayOver, tablesInMemory, testArray, testConfig } from "./array.ts";
import { FIXTURES } from "./fixtures.ts";
import { arpFrame, fragment6, icmpFrame, ipv6Frame, tcpFrame, tcpHeader } from "./frames.ts";

const SELF_MAC = [2, 0, 0, 0, 0, 0x0a];
const NODE_1_MAC = [2, 0, 0, 0, 0, 0x0b];
const { FORWARDED, ALREADY_SCHEDULED, ANSWERED, PING } = Verdict;

for (const { says, frame, length = frame.length, verdict } of FIXTURES) {
  Deno.test(`frame fixture: ${says}`, () => {
    const { tables, scheduler } = testArray([{ weight: 0 }, { weight: 1 }]);
    // In the midst of a batch.
    const start = 33;
    const batch = new Uint8Array(start + frame.length + 7).fill(0xa5);
    batch.set(frame, start);
    assert.equal(VERDICT_NAMES[scheduler.schedule(batch, length, 7, start)], VERDICT_NAMES[verdict]);
    const counts = Object.values(tables.counts.toObject());
    assert.equal(counts[verdict], 1);
    assert.equal(counts.reduce((sum, count) => sum + count, 0), 1, "one verdict, one count");
    const sent = batch.subarray(start, start + frame.length);
    assert.deepEqual(
      [...batch.subarray(0, start), ...batch.subarray(start + frame.length)],
      Array(start + 7).fill(0xa5),
    );
    assert.equal(tables.counts.frames(1), verdict === FORWARDED ? 1 : 0);
    if (verdict === ANSWERED) {
      assert.deepEqual(sent.subarray(0, 6), frame.subarray(6, 12), "to who asked");
      assert.deepEqual([...sent.subarray(6, 12)], SELF_MAC, "from the scheduler");
      return;
    }
    const to = verdict === FORWARDED ? NODE_1_MAC : [...frame.subarray(0, 6)];
    const from = verdict === FORWARDED || verdict === PING ? SELF_MAC : [...frame.subarray(6, 12)];
    assert.deepEqual([...sent.subarray(0, 12)], [...to, ...from]);
    assert.deepEqual(sent.subarray(12), frame.subarray(12), "the packet is never touched");
  });
}

Deno.test("an ICMP error goes where its connection's frames go", () => {
  const { scheduler } = testArray([{}, {}, {}, {}]);
  for (let port = 1000; port < 1100; port++) {
    const syn = tcpFrame({ fromPort: port });
    const error = icmpFrame(3, { toPort: port });
    const verdict = scheduler.schedule(syn, syn.length, 1);
    assert.equal(scheduler.schedule(error, error.length, 1), verdict);
    if (verdict === FORWARDED) assert.deepEqual(error.subarray(0, 6), syn.subarray(0, 6));
  }
});

Deno.test("a frame to the scheduler's own node bears its MAC as the sender's, so that the guard passes it", () => {
  const { scheduler } = testArray([{}]);
  const frame = tcpFrame();
  assert.equal(scheduler.schedule(frame, frame.length, 1), Verdict.SELF);
  assert.deepEqual(frame, tcpFrame({ sourceMac: "02:00:00:00:00:0a" }));
});

Deno.test("two active schedulers with opposite tables do not bounce a frame", () => {
  const one = testArray([{ weight: 0 }, { weight: 1 }]);
  const frame = tcpFrame();
  assert.equal(one.scheduler.schedule(frame, frame.length, 1), FORWARDED);
  assert.deepEqual([...frame.subarray(0, 12)], [...NODE_1_MAC, ...SELF_MAC]);
  // Node 1 schedules too, by a table that gives everything to node 0.
  const other = arrayOver(testConfig([{ weight: 1 }, { weight: 0 }]), tablesInMemory(1024), 1);
  assert.equal(other.scheduler.schedule(frame, frame.length, 1), ALREADY_SCHEDULED);
});

Deno.test("without a usable node a frame is dropped and counted", () => {
  const { scheduler, state, upkeep } = testArray([{}, {}]);
  for (const id of [0, 1]) state.setFailed(id, true);
  upkeep.refresh();
  const frame = tcpFrame();
  assert.equal(scheduler.schedule(frame, frame.length, 1), Verdict.NO_NODE);
});

Deno.test("the fixtures name each case once", () => {
  const says = FIXTURES.map((fixture) => fixture.says);
  assert.equal(new Set(says).size, says.length);
  assert.ok(says.length >= 150);
});

Deno.test("later fragments follow their first, and no other packet's", () => {
  const { scheduler } = testArray([{}, {}, {}]);
  const first = tcpFrame({ moreFragments: true });
  const verdict = scheduler.schedule(first, first.length, 100);
  const later = (id: number, now: number, from?: string) => {
    const frame = tcpFrame({ fragmentOffset: 185, ...(from ? { from } : {}) });
    frame[19] = id;
    return [scheduler.schedule(frame, frame.length, now), frame[5]];
  };
  assert.deepEqual(later(0, 100), [verdict, first[5]]);
  assert.deepEqual(later(0, 130), [verdict, first[5]], "after 30 s");
  assert.deepEqual(later(0, 131)[0], Verdict.FRAGMENT, "Linux has given it up");
  assert.deepEqual(later(1, 100)[0], Verdict.FRAGMENT, "another id");
  assert.deepEqual(later(0, 100, "198.51.100.9")[0], Verdict.FRAGMENT, "another source");
  const first6 = ipv6Frame(fragment6(6, 0, true, 9, tcpHeader()), { protocol: 44 });
  const later6 = ipv6Frame(fragment6(6, 60, false, 9, tcpHeader()), { protocol: 44 });
  assert.equal(scheduler.schedule(later6.slice(), later6.length, 100), Verdict.FRAGMENT, "it came before its first");
  const verdict6 = scheduler.schedule(first6, first6.length, 100);
  assert.equal(scheduler.schedule(later6, later6.length, 100), verdict6);
  assert.deepEqual(later6.subarray(0, 6), first6.subarray(0, 6));
});

Deno.test("a node that schedules no more goes on for a grace time with the buckets that have an owner, and answers no ARP", () => {
  const { scheduler, tables } = testArray([{ weight: 0 }, {}]);
  const known = tcpFrame();
  assert.equal(scheduler.schedule(known, known.length, 100), FORWARDED);
  tables.settings.serveUntil(110, 100_000);
  const send = (frame: Uint8Array, now: number) => scheduler.schedule(frame, frame.length, now);
  assert.equal(send(tcpFrame({ fromPort: 1 }), 109), FORWARDED);
  assert.equal(send(tcpFrame({ fromPort: 2 }), 110), Verdict.NOT_ACTIVE);
  assert.equal(send(tcpFrame(), 100_000), FORWARDED, "a stale bucket is not moved either");
  assert.equal(send(arpFrame(1, "192.0.2.77", "192.0.2.10"), 110), Verdict.NEIGHBOUR);
  assert.equal(send(tcpFrame(), 100_110), Verdict.NOT_ACTIVE, "the grace time is over");
  assert.equal(tables.counts.toObject().not_active, 2);
});
