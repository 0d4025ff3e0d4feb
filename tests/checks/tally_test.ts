import assert from "node:assert/strict";
import { Tally } from "../../core/checks/tally.ts";

Deno.test("Tally: the first check counts at once, then as many in a row as the rules say", () => {
  const tally = new Tally({ rise: 2, fall: 3 });
  const states = [1, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1].map((check) => {
    tally.record(check === 1);
    return Number(tally.isUp);
  });
  assert.deepEqual(states, [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1]);
});

Deno.test("Tally.record() says when the state changed", () => {
  const tally = new Tally({ rise: 1, fall: 2 });
  assert.deepEqual([false, true, true, false, false, false].map((check) => tally.record(check)), [
    true,
    true,
    false,
    false,
    true,
    false,
  ]);
});
