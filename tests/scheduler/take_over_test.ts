import assert from "node:assert/strict";
import fc from "fast-check";
import { UNASSIGNED } from "../../core/scheduler/bucket_table.ts";
import { decodeChanges, encodeChanges } from "../../core/scheduler/changes.ts";
import { FollowerTable } from "../../core/scheduler/follower_table.ts";
import { LiveBuckets } from "../../core/scheduler/live_buckets.ts";
import { takeOver } from "../../core/scheduler/take_over.ts";
import { testArray } from "./array.ts";
import "../soak.ts";

const SIZE = 1024;
const NODES = 4;
const NOW = 5000;
const isNode = (node: number) => node >= 0 && node < NODES;
const assignment = fc.tuple(fc.nat(SIZE - 1), fc.integer({ min: -1, max: NODES - 1 }));

function fourNodes() {
  return testArray([{}, {}, {}, {}]).tables;
}

Deno.test("a follower's copy equals the scheduler's table, over take-overs of the scheduler too", () => {
  const step = fc.oneof(assignment, fc.constant("epoch" as const), fc.constant("fetch" as const));
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const tables = fourNodes(), copy = fourNodes().buckets;
    const follower = new FollowerTable(copy, isNode);
    const fetch = () => follower.apply(decodeChanges(encodeChanges(tables.changesSince(follower.cursor))), false);
    for (const step of [...steps, "fetch" as const]) {
      if (step === "epoch") tables.settings.epoch++;
      else if (step !== "fetch") tables.buckets.setNode(...step);
      else {
        fetch();
        for (let bucket = 0; bucket < SIZE; bucket++) assert.equal(copy.node(bucket), tables.buckets.node(bucket));
        assert.equal(follower.cursor!.epoch, tables.settings.epoch);
      }
    }
  }));
});

Deno.test("an engine that goes by its table of before gets the copy when it is poured, whole", () => {
  fc.assert(fc.property(fc.array(fc.tuple(assignment, fc.boolean(), fc.boolean()), { maxLength: 60 }), (steps) => {
    const tables = fourNodes(), engine = fourNodes().buckets;
    const nodesOf = (buckets: typeof engine) => Array.from({ length: SIZE }, (_, bucket) => buckets.node(bucket));
    const follower = new FollowerTable(engine, isNode);
    let isFrozen = false;
    for (const [[bucket, node], isEpoch, thaws] of steps) {
      const before = nodesOf(engine);
      tables.buckets.setNode(bucket, node);
      if (isEpoch) tables.settings.epoch++;
      isFrozen = isFrozen ? !thaws : isEpoch;
      follower.apply(tables.changesSince(follower.cursor), isFrozen);
      assert.deepEqual(nodesOf(engine), isFrozen ? before : nodesOf(tables.buckets));
    }
    follower.pour();
    if (steps.length > 0) assert.deepEqual(nodesOf(engine), nodesOf(tables.buckets));
  }));
});

Deno.test("FollowerTable refuses what cannot be, and keeps its copy", () => {
  const copy = fourNodes().buckets;
  const follower = new FollowerTable(copy, isNode);
  const cursor = { epoch: 1, incarnation: 2, version: 3 };
  const apply = (full: boolean, ...pairs: number[]) =>
    follower.apply({ cursor, full, pairs: Int32Array.from(pairs) }, false);
  assert.throws(() => apply(false, 3, 1), /Changes to a table that was never sent/);
  apply(true, 3, 1, 4, 2);
  for (const pairs of [[SIZE, 1], [-1, 1], [3, NODES], [3, -2], [3, 2, 2 ** 31 - 1, 1]]) {
    for (const full of [true, false]) assert.throws(() => apply(full, ...pairs), RangeError);
  }
  assert.deepEqual([3, 4, 5].map((bucket) => copy.node(bucket)), [1, 2, UNASSIGNED]);
  assert.deepEqual(follower.cursor, cursor);
  follower.forget();
  assert.equal(follower.cursor, undefined);
});

Deno.test("takeOver() gives each bucket to who holds connections in it, and frees those of the dead", () => {
  const held = fc.array(fc.tuple(fc.nat(SIZE - 1), fc.integer({ min: 1, max: NODES - 1 })), { maxLength: 40 });
  fc.assert(fc.property(fc.array(assignment, { maxLength: 200 }), held, (assignments, held) => {
    const tables = fourNodes(), { buckets, nodes, settings } = tables;
    for (const [bucket, node] of assignments) buckets.setNode(bucket, node);
    const before = Array.from({ length: SIZE }, (_, bucket) => buckets.node(bucket));
    const live = [1, 2, 3].map((node) => new LiveBuckets(node, SIZE));
    for (const [bucket, node] of held) live[node - 1]!.add(bucket);
    const found = takeOver(tables, { epoch: 7, dead: [0], live, now: NOW });

    let moved = 0;
    const groups = [0, 0, 0, 0];
    for (let bucket = 0; bucket < SIZE; bucket++) {
      const holders = held.filter(([other]) => other === bucket).map(([, node]) => node);
      const owner = buckets.node(bucket);
      if (owner !== UNASSIGNED) groups[owner]!++;
      if (holders.includes(before[bucket]!)) assert.equal(owner, before[bucket]);
      else if (holders.length > 0) {
        moved++;
        assert.ok(holders.includes(owner));
      } else assert.equal(owner, before[bucket] === 0 ? UNASSIGNED : before[bucket]);
      assert.equal(buckets.age(bucket, NOW), 0);
    }
    assert.equal(found, moved);
    assert.deepEqual([0, 1, 2, 3].map((node) => nodes.groups(node)), groups);
    assert.equal(settings.epoch, 7);
    assert.ok(nodes.isOut(0));
  }));
});

Deno.test("LiveBuckets are bits of their table's size, and of no other", () => {
  const live = new LiveBuckets(2, 1030);
  for (const bucket of [0, 7, 8, 1029]) live.add(bucket);
  const copy = new LiveBuckets(2, 1030, live.bits.slice());
  assert.deepEqual(Array.from({ length: 1030 }, (_, i) => i).filter((bucket) => copy.has(bucket)), [0, 7, 8, 1029]);
  assert.equal(copy.count, 4);
  for (const bytes of [0, 128, 130]) assert.throws(() => new LiveBuckets(2, 1030, new Uint8Array(bytes)), RangeError);
});
