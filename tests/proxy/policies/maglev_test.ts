import assert from "node:assert/strict";
import fc from "fast-check";
import { maglevTable, TABLE_SIZE } from "../../../core/proxy/policies/maglev.ts";
import { deviation, tally } from "./candidates.ts";
import "../../soak.ts";

const COUNTS = [2, 3, 10, 30, 100];

function entries(count: number, weight: (index: number) => number = () => 1) {
  return Array.from({ length: count }, (_, i) => ({ name: String(i + 1), weight: weight(i) }));
}

Deno.test("maglevTable() gives each of 2 to 100 equal entries its part to within 1 %", () => {
  for (const count of COUNTS) {
    const table = maglevTable(entries(count));
    assert.ok(deviation(tally(count, TABLE_SIZE, (slot) => table[slot]!)) < 0.01, `${count}`);
  }
});

Deno.test("maglevTable() gives entries of different weight their parts to within 1 %", () => {
  const weight = (i: number) => [1, 2, 5][i % 3]!;
  for (const count of COUNTS) {
    const table = maglevTable(entries(count, weight));
    assert.ok(deviation(tally(count, TABLE_SIZE, (slot) => table[slot]!), weight) < 0.01, `${count}`);
  }
});

Deno.test("maglevTable() moves under 2 % beyond what it must when one of ten entries leaves", () => {
  const all = entries(10);
  const before = maglevTable(all);
  for (let leaver = 0; leaver < all.length; leaver++) {
    const left = all.filter((_, i) => i !== leaver);
    const after = maglevTable(left);
    let moved = 0;
    before.forEach((owner, slot) => {
      if (owner !== leaver && left[after[slot]!]!.name !== all[owner]!.name) moved++;
    });
    assert.ok(moved / TABLE_SIZE < 0.02, `${leaver}: ${moved / TABLE_SIZE}`);
  }
});

Deno.test("maglevTable() is the same for the same list, and leaves out who has weight 0", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(256), { minLength: 1, maxLength: 40 }), (weights) => {
      fc.pre(weights.some((weight) => weight > 0));
      const list = weights.map((weight, i) => ({ name: `n${i}`, weight }));
      const table = maglevTable(list, 1009);
      assert.deepEqual(table, maglevTable(list, 1009));
      assert.ok(table.every((index) => weights[index]! > 0));
    }),
    { numRuns: 50 },
  );
});

Deno.test("maglevTable() throws without entries that could take a slot", () => {
  assert.throws(() => maglevTable([]), RangeError);
  assert.throws(() => maglevTable([{ name: "1", weight: 0 }]), RangeError);
});
