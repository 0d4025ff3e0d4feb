/** What the nodes said, put together. */
import assert from "node:assert/strict";
import { arrayView, lookOf } from "../../core/monitor/array_view.ts";
import { looksOf, nodeName, overviewOf } from "./overviews.ts";

const STALE_MS = 2_500;
const NOW = 11_000;
const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-6 * Math.max(1, expected), `${found} is not ${expected}`);

Deno.test("arrayView() adds up rates and open connections of all nodes", () => {
  const view = arrayView(looksOf({ nodes: 3, backEnds: 4 }), NOW, STALE_MS);
  near(view.requests_per_second, 100 + 200 + 300 + 3);
  near(view.own_answers_per_second, 3);
  assert.equal(view.open_connections, 50 + 100 + 150);
  assert.equal(view.scheduler, "n1");
  assert.deepEqual(view.nodes.map(({ name, role }) => [name, role]), [
    ["n1", "scheduler"],
    ["n2", "server"],
    ["n3", "server"],
  ]);
  near(view.nodes[1]!.hits_per_second, 200);
  for (const row of view.back_ends) near(row.hits_per_second, 600 / 4);
  near(view.back_ends[2]!.failures_per_second, 12);
  near(view.back_ends[3]!.avg_response_ms, 4.5);
  assert.equal(view.buckets!.assigned, 6000);
  near(view.buckets!.frames_per_second, 2500);
});

Deno.test("arrayView() shows a node stale that does not answer any more, and leaves its rates out", () => {
  const looks = looksOf({ nodes: 3, backEnds: 2 });
  const { last } = looks.get("n3")!;
  looks.set("n3", { last: { ...last, at: NOW - STALE_MS - 1 }, before: { ...last, at: 0 } });
  const view = arrayView(looks, NOW, STALE_MS);
  assert.deepEqual(view.nodes.map(({ is_stale }) => is_stale), [false, false, true]);
  near(view.nodes[2]!.stale_s!, 2.501);
  assert.equal(view.nodes[2]!.hits_per_second, 0);
  near(view.requests_per_second, 302);
  assert.equal(view.open_connections, 150);
  // What it served is not forgotten.
  near(view.back_ends[0]!.hits, 6 * 100 * 11 / 2);
});

Deno.test("arrayView() shows a node that never answered by what the scheduler says of it", () => {
  const looks = looksOf({ nodes: 3, backEnds: 2, states: { 1: "failed" } });
  looks.delete("n2");
  const view = arrayView(looks, NOW, STALE_MS);
  const { state, stale_s, is_stale, hits, open_connections } = view.nodes[1]!;
  assert.deepEqual([state, stale_s, is_stale, hits, open_connections], ["failed", null, true, 20, 1]);
});

Deno.test("arrayView() takes the word of the scheduler of the highest epoch", () => {
  const looks = looksOf({ nodes: 3, backEnds: 1 });
  const taken = { nodes: 3, backEnds: 1, scheduler: 2, epoch: 4 };
  for (const n of [1, 2]) {
    looks.set(nodeName(n), { last: lookOf(NOW, overviewOf(taken, n, 11), undefined), before: undefined });
  }
  const view = arrayView(looks, NOW, STALE_MS);
  assert.deepEqual([view.scheduler, view.epoch], ["n3", 4]);
  assert.equal(view.nodes[2]!.role, "scheduler");
});

Deno.test("arrayView() knows no states and no buckets where no scheduler answers", () => {
  const looks = looksOf({ nodes: 3, backEnds: 1 });
  looks.delete("n1");
  const view = arrayView(looks, NOW, STALE_MS);
  assert.deepEqual(view.nodes.map(({ state }) => state), ["unknown", "unknown", "unknown"]);
  assert.equal(view.buckets, null);
});

Deno.test("arrayView() shows no rate below 0 after counts began anew", () => {
  const view = arrayView(looksOf({ nodes: 2, backEnds: 2 }, 3, 10), NOW, 10_000);
  assert.equal(view.requests_per_second, 0);
  for (const row of view.back_ends) assert.equal(row.hits_per_second, 0);
});

Deno.test("arrayView() tells once what several nodes saw, in the order of time", () => {
  const event = (time: string, text: string) => ({
    time: `2026-11-24T12:00:${time}Z`,
    level: "warning" as const,
    text,
  });
  const looks = looksOf({ nodes: 2, backEnds: 1 });
  const withEvents = (n: number, events: ReturnType<typeof event>[]) =>
    looks.set(nodeName(n), {
      last: lookOf(NOW, overviewOf({ nodes: 2, backEnds: 1, events }, n, 11), undefined),
      before: undefined,
    });
  withEvents(0, [event("10.500", "n1 schedules, epoch 4"), event("40.000", "n1 schedules, epoch 4")]);
  withEvents(1, [event("10.100", "n1 schedules, epoch 4"), event("12.000", "certificate a.crt is replaced")]);
  assert.deepEqual(
    arrayView(looks, NOW, STALE_MS).events.map(({ time, node, text }) => [time.slice(17, 23), node, text]),
    [
      ["10.100", "n2", "n1 schedules, epoch 4"],
      ["12.000", "n2", "certificate a.crt is replaced"],
      ["40.000", "n1", "n1 schedules, epoch 4"],
    ],
  );
});
