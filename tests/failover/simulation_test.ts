import assert from "node:assert/strict";
import { FACTOR } from "../soak.ts";
import { runSchedule } from "./faults.ts";
import { USUAL_NO_OWNER_MS } from "./referee.ts";

/** With `deno task soak` 100,000. */
const SCHEDULES = FACTOR === 1 ? 500 : 1000 * FACTOR;
/** The schedules begin here: another run may begin elsewhere. */
const FIRST_SEED = Number(Deno.env.get("DLBA_SEED") ?? 1);

Deno.test(`the election over ${SCHEDULES} random schedules of faults keeps what docs/failover.md promises`, () => {
  let claims = 0;
  const slow: number[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
    const { referee, owners, story } = runSchedule(seed);
    const replay = `deno run -A tests/failover/faults.ts ${seed}\n${story.join("\n")}`;
    assert.equal(referee.failure, undefined, `seed ${seed}: ${referee.failure}; to see it again: ${replay}`);
    assert.equal(owners.length, 1, `seed ${seed}: nodes ${owners} have the VIP when all is well again: ${replay}`);
    claims += referee.claims;
    if (referee.worstNone > USUAL_NO_OWNER_MS) slow.push(seed);
  }
  assert.ok(
    slow.length <= SCHEDULES / 1000,
    `seeds ${slow}: nobody had the VIP for longer than ${USUAL_NO_OWNER_MS} ms`,
  );
  assert.ok(claims > SCHEDULES * 2, `the faults moved the VIP ${claims} times in ${SCHEDULES} schedules`);
});

Deno.test("a schedule replays by its seed", () => {
  const [one, other] = [runSchedule(7), runSchedule(7)];
  assert.deepEqual(one.story, other.story);
  assert.notDeepEqual(one.story, runSchedule(13).story);
});
