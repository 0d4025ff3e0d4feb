import assert from "node:assert/strict";
import fc from "fast-check";
import { Verdict } from "../../core/scheduler/verdicts.ts";
import { testArray, type TestNode } from "./array.ts";
import { tcpFrame } from "./frames.ts";
import { cases } from "../soak.ts";

const SYN = 2, ACK = 16;

/** The seed's tables, slow and plain: a Map of buckets, groups counted by looking. */
class Oracle {
  readonly buckets = new Map<number, { node: number; at: number }>();
  readonly failed = new Set<number>();

  constructor(readonly nodes: readonly TestNode[], readonly size: number, readonly timeout: number) {}

  groups(node: number): number {
    return [...this.buckets.values()].filter((bucket) => bucket.node === node).length;
  }

  frame(ip: number, port: number, syn: boolean, now: number): number {
    const bucket = Number((BigInt(ip) + BigInt(port)) % BigInt(this.size));
    const entry = this.buckets.get(bucket);
    if (entry && !(syn && now - entry.at > this.timeout)) {
      entry.at = now;
      return entry.node;
    }
    this.buckets.delete(bucket);
    const usable = this.nodes.map((node, id) => ({ id, weight: node.enabled === false ? 0 : node.weight ?? 1 }))
      .filter(({ id, weight }) => weight > 0 && !this.failed.has(id));
    const share = ({ id, weight }: { id: number; weight: number }) => this.groups(id) / weight;
    usable.sort((one, other) => share(one) - share(other) || one.id - other.id);
    const best = usable[0]?.id ?? -1;
    if (best >= 0) this.buckets.set(bucket, { node: best, at: now });
    return best;
  }

  fail(node: number): void {
    this.failed.add(node);
    for (const [bucket, entry] of this.buckets) if (entry.node === node) this.buckets.delete(bucket);
  }
}

type Step =
  | { readonly kind: "frame"; readonly client: number; readonly port: number; readonly syn: boolean }
  | { readonly kind: "fail" | "recover"; readonly node: number }
  | { readonly kind: "wait"; readonly seconds: number };

const node = fc.record({ weight: fc.integer({ min: 0, max: 4 }), enabled: fc.boolean() });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("frame" as const),
      client: fc.nat(255),
      port: fc.nat(65535),
      syn: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("fail" as const, "recover" as const), node: fc.nat(3) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.constantFrom(1, 59, 60, 61, 3600) }),
  },
);

Deno.test("the tables agree with a slow oracle, frame by frame", () => {
  const arrays = fc.array(node, { minLength: 4, maxLength: 4 }).map((
    nodes,
  ) => [...nodes, { weight: 1, enabled: true }]);
  fc.assert(fc.property(arrays, fc.array(step, { maxLength: 120 }), (nodes, steps) => {
    const { tables, scheduler } = testArray(nodes);
    const oracle = new Oracle(nodes, 1024, 60);
    let now = 1000;
    for (const step of steps) {
      if (step.kind === "wait") now += step.seconds;
      else if (step.kind === "frame") {
        const from = `198.51.100.${step.client}`;
        const frame = tcpFrame({ from, fromPort: step.port, flags: step.syn ? SYN : ACK });
        const verdict = scheduler.schedule(frame, frame.length, now);
        const expected = oracle.frame(0xc6336400 + step.client, step.port, step.syn, now);
        assert.equal(verdict, expected < 0 ? Verdict.NO_NODE : expected === 0 ? Verdict.SELF : Verdict.FORWARDED);
        if (expected > 0) assert.equal(frame[5], 10 + expected, "the frame is addressed to the node");
      } else {
        tables.nodeState.setFailed(step.node, step.kind === "fail");
        scheduler.refresh();
        if (step.kind === "fail") oracle.fail(step.node);
        else oracle.failed.delete(step.node);
      }
      for (let id = 0; id < nodes.length; id++) {
        assert.equal(tables.nodeCounts.ipGroups[id], oracle.groups(id), `IP groups of node ${id}`);
      }
    }
    for (let bucket = 0; bucket < 1024; bucket++) {
      const owner = tables.buckets.node(bucket);
      assert.equal(owner, oracle.buckets.get(bucket)?.node ?? -1, `bucket ${bucket}`);
      assert.ok(owner < 0 || !oracle.failed.has(owner), "no bucket ever maps to a failed node");
    }
  }));
});

Deno.test("a full table spreads within 1 % of the weights", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(weights, (weights) => {
      const size = 16_384;
      const { tables, scheduler } = testArray(weights.map((weight) => ({ weight })), size);
      for (let port = 0; port < size; port++) {
        const frame = tcpFrame({ fromPort: port });
        scheduler.schedule(frame, frame.length, 1);
      }
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, id) => {
        const due = size * weight / total;
        assert.ok(
          Math.abs(tables.nodeCounts.ipGroups[id]! - due) <= due * 0.01,
          `${tables.nodeCounts.ipGroups[id]} of ${due}`,
        );
      });
    }),
    cases(20),
  );
});

Deno.test("a node that comes back takes only idle and unassigned buckets", () => {
  const { tables, scheduler } = testArray([{}, {}]);
  const send = (port: number, flags: number, now: number) => {
    const frame = tcpFrame({ fromPort: port, flags });
    scheduler.schedule(frame, frame.length, now);
  };
  tables.nodeState.setFailed(1, true);
  scheduler.refresh();
  for (let port = 0; port < 100; port++) send(port, SYN, 0);
  assert.equal(tables.nodeCounts.ipGroups[0], 100);
  tables.nodeState.setFailed(1, false);
  scheduler.refresh();
  for (let port = 0; port < 100; port++) send(port, SYN, 60);
  assert.deepEqual([...tables.nodeCounts.ipGroups.slice(0, 2)], [100, 0], "buckets in use stay");
  for (let port = 0; port < 100; port++) send(port, ACK, 1000);
  assert.deepEqual([...tables.nodeCounts.ipGroups.slice(0, 2)], [100, 0], "only a SYN moves an idle bucket");
  for (let port = 0; port < 100; port++) send(port, SYN, 2000);
  assert.deepEqual([...tables.nodeCounts.ipGroups.slice(0, 2)], [50, 50], "idle buckets move until both have as many");
});

Deno.test("the age of a bucket is signed: a clock one second behind does not make it ancient", () => {
  const { tables, scheduler } = testArray([{}, {}]);
  const frame = tcpFrame();
  scheduler.schedule(frame, frame.length, 500);
  const bucket = tables.buckets.bucketOf(0xc6336407, 40_000);
  assert.equal(tables.buckets.age(bucket, 499), -1);
  const again = tcpFrame();
  assert.equal(scheduler.schedule(again, again.length, 499), Verdict.SELF);
});

Deno.test("bucketOf() is (32 bit address + 16 bit port) % size, past 32 bits too", () => {
  const { tables } = testArray([{}]);
  fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.nat(65535), (ip, port) => {
    assert.equal(tables.buckets.bucketOf(ip, port), Number((BigInt(ip) + BigInt(port)) % 1024n));
  }));
});

Deno.test("a scheduler that adopts a table counts its groups, and frees the buckets of nodes that are gone", async () => {
  const { Scheduler } = await import("../../core/scheduler/scheduler.ts");
  const { config, tables } = testArray([{}, {}]);
  tables.buckets.setNode(1, 1);
  tables.buckets.setNode(2, 1);
  tables.buckets.setNode(3, 7);
  tables.nodeCounts.ipGroups[1] = 99;
  new Scheduler(config, config.nodes[0]!, tables);
  assert.deepEqual([...tables.nodeCounts.ipGroups.slice(0, 2)], [0, 2]);
  assert.equal(tables.buckets.node(3), -1);
});
