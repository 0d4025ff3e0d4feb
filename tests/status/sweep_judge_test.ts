import assert from "node:assert/strict";
import fc from "fast-check";
import { type CheckResult, SweepJudge } from "../../core/status/sweep_judge.ts";
import "../soak.ts";

const ALONE_MS = 3000;
const SELF = 0;

/** A judge of so many nodes whose others were all heard at 0. */
function judgeOf(nodes: number, failed: number[] = []) {
  const members = Array.from({ length: nodes }, (_, id) => id);
  const judge = new SweepJudge(SELF, members, failed, ALONE_MS, 0);
  for (const id of members) if (!failed.includes(id)) judge.heard(id, 0);
  return judge;
}

/** A sweep from `from` to `to` that asks these nodes, all at once; who is up is heard at its end. */
function sweep(judge: SweepJudge, results: Record<number, CheckResult>, from: number, to: number) {
  const sweep = judge.begin(from);
  for (const [id, result] of Object.entries(results)) {
    judge.asking(Number(id), from);
    sweep.results.set(Number(id), result);
    if (result !== "silent") judge.answered(Number(id), to);
  }
  return judge.end(sweep, to);
}

const UP = "up", SILENT = "silent", REFUSES = "refuses";

Deno.test("SweepJudge fails a silent node, and takes it back once it answers", () => {
  const judge = judgeOf(3);
  assert.deepEqual(sweep(judge, { 0: UP, 1: SILENT, 2: UP }, 100, 200), { failed: [1], back: [], held: [] });
  assert.ok(judge.hasFailed(1));
  assert.deepEqual(sweep(judge, { 0: UP, 1: SILENT, 2: UP }, 300, 400), { failed: [], back: [], held: [] });
  assert.deepEqual(sweep(judge, { 0: UP, 1: UP, 2: UP }, 500, 600), { failed: [], back: [1], held: [] });
});

Deno.test("SweepJudge changes nothing when more than half of the nodes fail in one sweep", () => {
  const judge = judgeOf(5);
  assert.deepEqual(sweep(judge, { 0: UP, 1: SILENT, 2: SILENT, 3: SILENT, 4: UP }, 100, 200), {
    failed: [],
    back: [],
    held: [1, 2, 3],
  });
  assert.deepEqual(sweep(judge, { 0: UP, 1: SILENT, 2: SILENT, 3: UP, 4: UP }, 300, 400).failed, [1, 2]);
  // Of the three that are left two are more than half.
  assert.deepEqual(sweep(judge, { 0: UP, 3: SILENT, 4: SILENT }, 500, 600).held, [3, 4]);
  assert.deepEqual(sweep(judge, { 0: UP, 3: SILENT, 4: UP }, 700, 800).failed, [3]);
  assert.deepEqual(sweep(judge, { 0: UP, 4: SILENT }, 900, 1000).failed, [4], "one of two is not more than half");
});

Deno.test("SweepJudge counts whom a hurried sweep did not ask as silent unless he was heard meanwhile", () => {
  const judge = judgeOf(4);
  judge.heard(2, 150);
  assert.deepEqual(sweep(judge, { 1: SILENT }, 100, 200).failed, [1]);
  const other = judgeOf(4);
  other.heard(2, 99);
  other.heard(3, 99);
  assert.deepEqual(sweep(other, { 1: SILENT }, 100, 200).held, [1]);
});

Deno.test("SweepJudge counts as silent who stopped answering pings, though he was heard since the other fell silent", () => {
  const judge = judgeOf(3);
  const sweep = judge.begin(100);
  judge.asking(1, 100);
  judge.heard(2, 150);
  sweep.results.set(1, SILENT);
  assert.deepEqual(judge.end(sweep, 1600, [2]).held, [1]);
  assert.deepEqual(judge.end(sweep, 1700).failed, [1]);
});

Deno.test("SweepJudge counts as silent who answered in the sweep and was not heard since the other fell silent", () => {
  // Both lost their links after b had answered and before c was asked: c failed alone.
  const judge = judgeOf(3);
  const sweep = judge.begin(100);
  judge.asking(1, 100);
  judge.answered(1, 101);
  judge.asking(2, 200);
  sweep.results.set(1, UP).set(2, SILENT);
  assert.deepEqual(judge.end(sweep, 300).held, [2]);
  // In the next sweep b answers, as it had not fallen silent with c.
  const next = judge.begin(400);
  judge.asking(1, 400);
  judge.answered(1, 401);
  judge.asking(2, 500);
  next.results.set(1, UP).set(2, SILENT);
  assert.deepEqual(judge.end(next, 600).failed, [2]);
});

Deno.test("SweepJudge blames nobody while its own link was down, and begins to be alone when it came back", () => {
  const judge = judgeOf(3);
  judge.link(false, 100);
  assert.deepEqual(sweep(judge, { 1: SILENT }, 200, 10_000).held, [1]);
  judge.link(true, 10_100);
  assert.deepEqual(sweep(judge, { 0: UP, 1: SILENT, 2: UP }, 10_050, 10_200).held, [1], "it came back amid the sweep");
  judge.link(true, 10_250);
  assert.deepEqual(sweep(judge, { 1: SILENT, 2: SILENT }, 10_300, 13_099).held, [1, 2]);
  assert.deepEqual(sweep(judge, { 1: SILENT, 2: SILENT }, 13_100, 13_200).failed, [1, 2]);
});

Deno.test("SweepJudge serves alone once nobody was heard for alone_timeout with its link up", () => {
  const judge = judgeOf(3);
  judge.heard(2, 50);
  assert.deepEqual(sweep(judge, { 1: SILENT, 2: SILENT }, 2900, 3049).held, [1, 2]);
  assert.deepEqual(sweep(judge, { 1: SILENT, 2: SILENT }, 2900, 3050).failed, [1, 2]);
});

Deno.test("SweepJudge blames nobody for what it was itself too late to hear", () => {
  const judge = judgeOf(3);
  judge.late(150);
  assert.deepEqual(sweep(judge, { 1: SILENT, 2: UP }, 100, 200).held, [1]);
  assert.deepEqual(sweep(judge, { 1: SILENT, 2: UP }, 300, 400).failed, [1]);
});

Deno.test("SweepJudge fails who refuses, however many they are", () => {
  const judge = judgeOf(3);
  assert.deepEqual(sweep(judge, { 0: UP, 1: REFUSES, 2: REFUSES }, 100, 200), { failed: [1, 2], back: [], held: [] });
});

Deno.test("SweepJudge never fails more than half at once by silence unless it is alone, and knows only asked nodes", () => {
  const result = fc.constantFrom<CheckResult>(UP, UP, SILENT, REFUSES);
  const step = fc.record({
    results: fc.dictionary(fc.constantFrom("0", "1", "2", "3", "4"), result),
    ms: fc.integer({ min: 1, max: 2000 }),
    link: fc.boolean(),
    late: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const judge = judgeOf(5);
    const failed = new Set<number>();
    let now = 0, heard = 0, upSince: number | undefined = 0;
    for (const { results, ms, link, late } of steps) {
      const begun = now;
      judge.link(link, now);
      upSince = link ? upSince ?? now : undefined;
      if (late) judge.late(now);
      now += ms;
      const verdict = sweep(judge, results, begun, now);
      if (Object.entries(results).some(([id, found]) => id !== "0" && found !== SILENT)) heard = now;
      for (const id of verdict.back) assert.ok(failed.delete(id));
      const live = 5 - failed.size;
      const bySilence = verdict.failed.filter((id) => results[id] === SILENT);
      for (const id of verdict.failed) {
        assert.ok(!failed.has(id) && id in results);
        failed.add(id);
      }
      if (bySilence.length > 0) {
        assert.ok(upSince !== undefined && !late);
        const isAlone = now - Math.max(heard, upSince) >= ALONE_MS;
        assert.ok(isAlone || bySilence.length * 2 <= live);
      }
      for (let id = 0; id < 5; id++) assert.equal(judge.hasFailed(id), failed.has(id));
    }
  }));
});
