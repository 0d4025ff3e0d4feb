/** What each policy does with 2 to 100 back ends: how evenly it spreads, what moves when one leaves, and that it keeps to who has room. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Least } from "../../../core/proxy/policies/least.ts";
import type { Policy } from "../../../core/proxy/policies/policy.ts";
import { RandomOfTwo } from "../../../core/proxy/policies/random_of_two.ts";
import { RoundRobin } from "../../../core/proxy/policies/round_robin.ts";
import { hashText } from "../../../core/proxy/policies/text_hash.ts";
import { UrlHash } from "../../../core/proxy/policies/url_hash.ts";
import { candidates, deviation, seeded, tally, type TestCandidate } from "./candidates.ts";
import "../../soak.ts";

const COUNTS = [2, 3, 10, 30, 100];
const WEIGHT = (i: number) => [1, 2, 5][i % 3]!;
const HASHES = Array.from({ length: 200_000 }, (_, i) => hashText(`/item/${i}.jpg?v=${i % 7}`, 1));

function urlHash(all: readonly TestCandidate[], bound?: number): UrlHash {
  return new UrlHash(all.map(({ index, weight }) => ({ name: String(index + 1), weight })), bound);
}

/** Every policy over the same back ends. */
function policies(all: readonly TestCandidate[]): [name: string, policy: Policy][] {
  return [
    ["round robin", new RoundRobin()],
    ["least connections", new Least("connections")],
    ["least response time", new Least("response_time")],
    ["random of two", new RandomOfTwo(seeded(7))],
    ["URL hash", urlHash(all)],
    ["URL hash with bounded loads", urlHash(all, 1.25)],
  ];
}

Deno.test("every policy spreads requests that are under way at once by weight", () => {
  for (const count of COUNTS) {
    for (const [name] of policies(candidates(count))) {
      const all = candidates(count, WEIGHT);
      const policy = policies(all).find(([other]) => other === name)![1];
      const times = 200 * count;
      const taken = tally(count, times, (i) => {
        const chosen = policy.choose(all, HASHES[i]!)!;
        chosen.inUse++;
        return chosen.index;
      });
      // Chance leaves each hash its own error: 200 requests a back end are within four times 1/sqrt(200 * 1 / 2.67).
      const limit = name === "URL hash" ? 0.5 : name.startsWith("URL") ? 0.3 : 0.06;
      assert.ok(deviation(taken, WEIGHT) < limit, `${name}, ${count}: ${deviation(taken, WEIGHT)}`);
    }
  }
});

Deno.test("round robin goes round in turn, and a heavy one is not taken several times in a row", () => {
  const policy = new RoundRobin();
  const all = candidates(3, (i) => [3, 1, 1][i]!);
  const turns = Array.from({ length: 10 }, () => policy.choose(all)!.index);
  assert.deepEqual(turns, [0, 1, 0, 2, 0, 0, 1, 0, 2, 0]);
});

Deno.test("least connections takes the least loaded for its weight, and of equals each in turn", () => {
  const policy = new Least("connections");
  const all = candidates(3, (i) => [1, 1, 4][i]!);
  all[0]!.inUse = 1;
  all[1]!.inUse = 2;
  all[2]!.inUse = 3;
  assert.equal(policy.choose(all)!.index, 2);
  const equal = candidates(4);
  assert.deepEqual(new Set(Array.from({ length: 4 }, () => policy.choose(equal)!.index)).size, 4);
});

Deno.test("least response time takes the faster one until more requests are there than it is faster", () => {
  const policy = new Least("response_time");
  const [fast, slow] = candidates(2) as [TestCandidate, TestCandidate];
  fast.responseMs = 10;
  slow.responseMs = 45;
  for (let i = 0; i < 4; i++) {
    assert.equal(policy.choose([fast, slow]), fast);
    fast.inUse++;
  }
  assert.equal(policy.choose([fast, slow]), slow);
});

Deno.test("random of two keeps the longest queue near the average where one choice would not", () => {
  const all = candidates(100);
  const policy: Policy = new RandomOfTwo(seeded(3));
  for (let i = 0; i < 10_000; i++) policy.choose(all, 0)!.inUse++;
  // log log n / log 2 above the average of 100 (Mitzenmacher, 2001); one choice gives some 30.
  assert.ok(Math.max(...all.map(({ inUse }) => inUse)) <= 105);
});

Deno.test("URL hash moves nothing but what one that leaves had, and that to all the others", () => {
  for (const count of COUNTS) {
    const all = candidates(count);
    const policy = urlHash(all);
    const before = HASHES.map((hash) => policy.choose(all, hash)!.index);
    const left = all.slice(1);
    const moved = new Array<number>(count).fill(0);
    HASHES.forEach((hash, i) => {
      const now = policy.choose(left, hash)!.index;
      if (before[i] !== 0) assert.equal(now, before[i]);
      else moved[now]!++;
    });
    if (count <= 10) assert.ok(deviation(moved.slice(1)) < 0.15, `${count}: ${moved}`);
    assert.deepEqual(HASHES.map((hash) => policy.choose(all, hash)!.index), before, "and takes all of it back");
  }
});

Deno.test("URL hash gives one that bears a part of its weight that part of what it had, the same each time", () => {
  const all = candidates(10);
  const policy = urlHash(all);
  const before = HASHES.map((hash) => policy.choose(all, hash)!.index);
  all[4]!.fraction = all[4]!.share = 0.25;
  const list = [...all];
  const after = HASHES.map((hash) => policy.choose(list, hash)!.index);
  const had = before.filter((index) => index === 4).length;
  const has = after.filter((index) => index === 4).length;
  assert.ok(Math.abs(has / had - 0.25) < 0.03, `${has / had}`);
  // What it keeps it had before, and nobody else's moved.
  after.forEach((index, i) => assert.ok(index === before[i] || before[i] === 4 || index !== 4));
  after.forEach((index, i) => before[i] === 4 || assert.equal(index, before[i]));
});

Deno.test("URL hash with bounded loads keeps one hot URL from filling one back end", () => {
  const all = candidates(10);
  const policy = urlHash(all, 1.25);
  for (let i = 0; i < 1_000; i++) policy.choose(all, HASHES[0]!)!.inUse++;
  assert.ok(Math.max(...all.map(({ inUse }) => inUse)) <= 126);
});

Deno.test("every policy takes whoever has room, and nobody when none has", () => {
  fc.assert(fc.property(
    fc.array(fc.record({ room: fc.boolean(), inUse: fc.nat(50), ms: fc.nat(1_000) }), { minLength: 1, maxLength: 20 }),
    fc.nat(),
    (states, hash) => {
      const all = candidates(states.length, WEIGHT);
      states.forEach(({ room, inUse, ms }, i) => Object.assign(all[i]!, { hasRoom: room, inUse, responseMs: ms }));
      for (const [name, policy] of policies(all)) {
        const chosen = policy.choose(all, hash);
        assert.equal(chosen !== undefined, all.some(({ hasRoom }) => hasRoom), name);
        assert.ok(chosen === undefined || chosen.hasRoom, name);
      }
    },
  ));
});
