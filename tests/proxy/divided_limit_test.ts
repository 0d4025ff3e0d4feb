import assert from "node:assert/strict";
import fc from "fast-check";
import { divide, DividedLimits, limitOf } from "../../core/proxy/divided_limit.ts";
import "../soak.ts";

Deno.test("divide() gives parts by weight that add up to the whole", () => {
  assert.deepEqual(divide(10, [{ weight: 1 }, { weight: 1 }, { weight: 1 }]), [4, 3, 3]);
  assert.deepEqual(divide(100, [{ weight: 2 }, { weight: 1 }, { weight: 1 }]), [50, 25, 25]);
  const weights = fc.array(fc.integer({ min: 1, max: 256 }), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(fc.nat(65_535), weights, (total, list) => {
    const sum = list.reduce((one, other) => one + other, 0);
    const parts = divide(total, list.map((weight) => ({ weight })));
    assert.equal(parts.reduce((one, other) => one + other, 0), total);
    parts.forEach((part, i) => assert.ok(Math.abs(part - total * list[i]! / sum) < 1));
  }));
});

Deno.test("limitOf() of all processes of all nodes is the limit, and never 0", () => {
  const nodes = [{ id: 3, weight: 2 }, { id: 7, weight: 1 }];
  const all = (total: number) =>
    nodes.flatMap(({ id }) => [0, 1].map((worker) => limitOf(total, { nodes, nodeId: id, workers: 2, worker })));
  assert.deepEqual(all(100), [34, 33, 17, 16]);
  assert.deepEqual(all(2), [1, 1, 1, 1]);
  assert.deepEqual(all(0), [0, 0, 0, 0]);
  assert.equal(limitOf(100, { nodes, nodeId: 9, workers: 1, worker: 0 }), 1, "a node that does not serve");
});

Deno.test("DividedLimits gives the part of a node that has failed to the others, and back", () => {
  const nodes = [{ id: 3, weight: 2 }, { id: 7, weight: 1 }, { id: 9, weight: 1 }];
  const failed = new Set<number>();
  const limits = new DividedLimits({ nodes, nodeId: 7, workers: 1, worker: 0 }, (id) => failed.has(id));
  const backEnds = [{ limit: 0, config: { max_connections: 100 } }, { limit: 0, config: { max_connections: 0 } }];
  const parts = () => {
    limits.divide(backEnds);
    return backEnds.map(({ limit }) => limit);
  };
  assert.deepEqual(parts(), [25, 0]);
  failed.add(3);
  assert.deepEqual(parts(), [50, 0]);
  failed.add(9);
  assert.deepEqual(parts(), [100, 0]);
  failed.clear();
  assert.deepEqual(parts(), [25, 0]);
});
