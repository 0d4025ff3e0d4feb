import assert from "node:assert/strict";
import fc from "fast-check";
import { PollLedger } from "../../core/status/poll_ledger.ts";
import "../soak.ts";

Deno.test("PollLedger fails a node at the second miss in a row with misses = 2", () => {
  const ledger = new PollLedger(2);
  assert.deepEqual([false, true, false, false, false].map((answered) => ledger.record(7, answered)), [
    false,
    false,
    false,
    true,
    false,
  ]);
  assert.ok(ledger.hasFailed(7));
  assert.equal(ledger.record(7, true), true, "one answer brings it back");
  assert.equal(ledger.hasFailed(7), false);
});

Deno.test("PollLedger agrees with the last polls of each node, whatever their order", () => {
  const poll = fc.tuple(fc.nat(3), fc.boolean());
  fc.assert(fc.property(fc.array(poll, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (polls, misses) => {
    const ledger = new PollLedger(misses);
    polls.forEach(([id, answered], index) => {
      const before = ledger.hasFailed(id);
      const changed = ledger.record(id, answered);
      const own = polls.slice(0, index + 1).filter(([other]) => other === id).map(([, result]) => result);
      const failed = own.length >= misses && own.slice(-misses).every((result) => !result);
      assert.equal(ledger.hasFailed(id), failed);
      assert.equal(changed, failed !== before);
    });
  }));
});
