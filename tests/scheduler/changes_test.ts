import assert from "node:assert/strict";
import fc from "fast-check";
import { ChangeLog, type Changes, decodeChanges, encodeChanges } from "../../core/scheduler/changes.ts";
import { createTableFile, openTableFile } from "../../core/scheduler/table_file.ts";
import { tablesInMemory } from "./array.ts";
import "../soak.ts";

const SIZE = 64;

/** Takes changes over into a copy, as another node does. */
function take(copy: Map<number, number>, { full, pairs }: Changes): void {
  if (full) copy.clear();
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i + 1]! < 0) copy.delete(pairs[i]!);
    else copy.set(pairs[i]!, pairs[i + 1]!);
  }
}

Deno.test("changesSince() keeps a copy equal, whenever it is asked", () => {
  const assignments = fc.array(fc.tuple(fc.nat(SIZE - 1), fc.integer({ min: -1, max: 5 }), fc.boolean()), {
    maxLength: 80,
  });
  fc.assert(fc.property(assignments, (steps) => {
    const table = tablesInMemory(SIZE).buckets;
    const log = new ChangeLog(table, 1, 77);
    const copy = new Map<number, number>();
    let changes = log.changesSince(undefined);
    take(copy, changes);
    for (const [bucket, node, ask] of steps) {
      table.setNode(bucket, node);
      if (!ask) continue;
      changes = log.changesSince(changes.cursor);
      assert.equal(changes.full, false);
      take(copy, changes);
      for (let b = 0; b < SIZE; b++) assert.equal(copy.get(b) ?? -1, table.node(b));
    }
  }));
});

Deno.test("changesSince() sends nothing when nothing changed, and no last access", () => {
  const table = tablesInMemory(SIZE).buckets;
  const log = new ChangeLog(table, 1, 77);
  table.setNode(3, 1);
  const { cursor } = log.changesSince(undefined);
  table.touch(3, 99);
  const changes = log.changesSince(cursor);
  assert.equal(changes.pairs.length, 0);
  assert.deepEqual(changes.cursor, cursor);
});

Deno.test("changesSince() sends the whole table for a cursor of another epoch, incarnation or future", () => {
  const table = tablesInMemory(SIZE).buckets;
  const log = new ChangeLog(table, 2, 77);
  table.setNode(3, 1);
  table.setNode(9, 4);
  const { cursor } = log.changesSince(undefined);
  for (
    const strange of [{ ...cursor, epoch: 1 }, { ...cursor, incarnation: 76 }, { ...cursor, version: 99 }, {
      ...cursor,
      version: -1,
    }]
  ) {
    const { full, pairs } = log.changesSince(strange);
    assert.ok(full);
    assert.deepEqual([...pairs], [3, 1, 9, 4]);
  }
});

Deno.test("changesSince() sends the whole table for a cursor of another process's log", async () => {
  // Two processes that read one table file counted versions from 0 under one name, and changes were lost.
  const dir = await Deno.makeTempDir();
  const engine = createTableFile(`${dir}/scheduler.tables`, 1024);
  const first = openTableFile(`${dir}/scheduler.tables`);
  engine.buckets.setNode(5, 2);
  const { cursor } = first.changesSince(undefined);
  first.close();
  const second = openTableFile(`${dir}/scheduler.tables`);
  second.changesSince(undefined);
  engine.buckets.setNode(6, 3);
  const changes = second.changesSince(cursor);
  assert.ok(changes.full);
  assert.deepEqual([...changes.pairs], [5, 2, 6, 3]);
  second.close();
  engine.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a table file outlives its engine, is adopted by the next, and refuses what is not one", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/run/scheduler.tables`;
  const first = createTableFile(path, 1024);
  first.buckets.setNode(5, 2);
  first.close();

  const reader = openTableFile(path);
  assert.equal(reader.buckets.node(5), 2);
  assert.deepEqual([...reader.changesSince(undefined).pairs], [5, 2]);
  const adopted = createTableFile(path, 1024);
  adopted.buckets.setNode(6, 3);
  assert.equal(reader.buckets.node(6), 3, "a reader sees what the engine writes");
  adopted.close();

  const other = createTableFile(path, 2048);
  assert.equal(other.buckets.node(5), -1, "another size is another table");
  assert.equal(reader.buckets.node(5), 2, "who mapped the old one keeps it");
  other.close();
  reader.close();

  for (const bytes of [0, 10, 64, 8192]) {
    await Deno.writeFile(path, new Uint8Array(bytes).fill(7));
    assert.throws(() => openTableFile(path), /is not a table file|Cannot map/);
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("changes arrive as they were sent, and nothing else is taken for them", () => {
  const pairs = fc.array(fc.integer({ min: -1, max: 1_048_575 }), { maxLength: 40 }).map((values) =>
    Int32Array.from(values.slice(0, values.length & ~1))
  );
  fc.assert(fc.property(pairs, fc.nat(), fc.boolean(), (pairs, version, full) => {
    const changes = { cursor: { epoch: 3, incarnation: 4_000_000_000, version }, full, pairs };
    assert.deepEqual(decodeChanges(encodeChanges(changes)), changes);
  }));
  for (const length of [0, 31, 33, 36]) assert.throws(() => decodeChanges(new Uint8Array(length)), RangeError);
});
