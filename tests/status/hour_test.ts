/** The last hour. */
import assert from "node:assert/strict";
import { Hour, HOUR_SECONDS, sumOfHours } from "../../core/status/hour.ts";
import type { RequestCounts } from "../../core/status/tables.ts";

const counts = (requests: number, own_answers = 0, clients_open = 0): RequestCounts => ({
  clients_open,
  requests,
  own_answers,
  unknown_back_end: 0,
  rate_limited: 0,
  log_dropped: 0,
});

Deno.test("Hour has a value a second", () => {
  const hour = new Hour();
  assert.deepEqual(hour.report(), { until: 0, requests: [], own_answers: [], open: [] });
  hour.add(1000, counts(50, 5, 7));
  hour.add(1001, counts(60, 5, 8));
  hour.add(1001, counts(61, 5, 8));
  hour.add(1002, counts(71, 7, 9));
  assert.deepEqual(hour.report(), { until: 1002, requests: [0, 10, 12], own_answers: [0, 0, 2], open: [7, 8, 9] });
});

Deno.test("Hour spreads what came in seconds that were left out", () => {
  const hour = new Hour();
  hour.add(1000, counts(0));
  hour.add(1004, counts(40));
  assert.deepEqual(hour.report().requests, [0, 10, 10, 10, 10]);
});

Deno.test("Hour shows no rate below 0, and forgets what is older than an hour", () => {
  const hour = new Hour();
  hour.add(1000, counts(100));
  hour.add(1001, counts(3));
  assert.deepEqual(hour.report().requests, [0, 0]);
  for (let second = 1002; second < 1000 + 2 * HOUR_SECONDS; second++) hour.add(second, counts(second));
  const { until, requests } = hour.report();
  assert.deepEqual([until, requests.length], [1000 + 2 * HOUR_SECONDS - 1, HOUR_SECONDS]);
  assert.ok(requests.every((value) => value === 1));
  hour.add(until + 2 * HOUR_SECONDS, counts(5));
  assert.deepEqual(hour.report().requests, [0]);
});

Deno.test("sumOfHours() adds second by second", () => {
  const hour = (until: number, ...values: number[]) => ({ until, requests: values, own_answers: values, open: values });
  assert.deepEqual(sumOfHours([hour(10, 1, 2, 3), hour(9, 10, 20, 30), hour(10, 100)]).requests, [10, 21, 32, 103]);
  assert.deepEqual(sumOfHours([]).requests, []);
  assert.equal(sumOfHours([hour(10_000, 1), hour(10, 1)]).requests.length, HOUR_SECONDS);
});
