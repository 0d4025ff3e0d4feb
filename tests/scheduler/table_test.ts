import assert from "node:assert/strict";
import fc from "fast-check";
import { Verdict } from "../../core/scheduler/verdicts.ts";
import { u32ToIp } from "../../core/scheduler/addresses.ts";
import type { Scheduler } from "../../core/scheduler/scheduler.ts";
import { arrayOver, testArray, testConfig, type TestNode } from "./array.ts";
import { ipv6Frame, tcpFrame, tcpHeader } from "./frames.ts";
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

/** The bucket of the frame's client. */
function bucketOf(scheduler: Scheduler, frame: Uint8Array): number {
  const { reader } = scheduler;
  reader.read(frame, frame.length);
  return scheduler.bucketOf(frame, reader.clientAt, reader.clientBytes, reader.clientPort);
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
    const { tables, state, upkeep, scheduler } = testArray(nodes);
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
        state.setFailed(step.node, step.kind === "fail");
        upkeep.refresh();
        if (step.kind === "fail") oracle.fail(step.node);
        else oracle.failed.delete(step.node);
      }
      for (let id = 0; id < nodes.length; id++) {
        assert.equal(tables.nodes.groups(id), oracle.groups(id), `IP groups of node ${id}`);
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
      const { tables, scheduler } = testArray(weights.map((weight) => ({ weight })), { table_size: size });
      for (let port = 0; port < size; port++) {
        const frame = tcpFrame({ fromPort: port });
        scheduler.schedule(frame, frame.length, 1);
      }
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, id) => {
        const due = size * weight / total;
        assert.ok(
          Math.abs(tables.nodes.groups(id) - due) <= due * 0.01,
          `${tables.nodes.groups(id)} of ${due}`,
        );
      });
    }),
    cases(20),
  );
});

Deno.test("a node that comes back takes only idle and unassigned buckets", () => {
  const { tables, state, upkeep, scheduler } = testArray([{}, {}]);
  const groups = () => [tables.nodes.groups(0), tables.nodes.groups(1)];
  const send = (port: number, flags: number, now: number) => {
    const frame = tcpFrame({ fromPort: port, flags });
    scheduler.schedule(frame, frame.length, now);
  };
  state.setFailed(1, true);
  upkeep.refresh();
  for (let port = 0; port < 100; port++) send(port, SYN, 0);
  assert.deepEqual(groups(), [100, 0]);
  state.setFailed(1, false);
  upkeep.refresh();
  for (let port = 0; port < 100; port++) send(port, SYN, 60);
  assert.deepEqual(groups(), [100, 0], "buckets in use stay");
  for (let port = 0; port < 100; port++) send(port, ACK, 1000);
  assert.deepEqual(groups(), [100, 0], "only a SYN moves an idle bucket");
  for (let port = 0; port < 100; port++) send(port, SYN, 2000);
  assert.deepEqual(groups(), [50, 50], "idle buckets move until both have as many");
});

Deno.test("the age of a bucket is signed: a clock one second behind does not make it ancient", () => {
  const { tables, scheduler } = testArray([{}, {}]);
  const frame = tcpFrame();
  scheduler.schedule(frame, frame.length, 500);
  const bucket = bucketOf(scheduler, frame);
  assert.equal(tables.buckets.age(bucket, 499), -1);
  const again = tcpFrame();
  assert.equal(scheduler.schedule(again, again.length, 499), Verdict.SELF);
});

Deno.test("a bucket of 5 minutes is stamped each 5 s, and moved when it was idle for 5 minutes, at most 5 s later", () => {
  const { tables, scheduler } = testArray([{ weight: 0 }, {}, {}], { bucket_timeout: "5m" });
  const send = (fromPort: number, now: number, flags = SYN) => {
    const frame = tcpFrame({ fromPort, flags });
    scheduler.schedule(frame, frame.length, now);
    return frame[5];
  };
  assert.equal(send(1, 1000), 0x0b);
  assert.equal(send(2, 1000), 0x0c);
  // Node 1 has a bucket more from here on: an idle bucket goes to node 2.
  assert.equal(send(3, 1000), 0x0b);
  const bucket = bucketOf(scheduler, tcpFrame({ fromPort: 1 }));
  send(1, 1004, ACK);
  assert.equal(tables.buckets.age(bucket, 1004), 4, "not yet stamped");
  assert.equal(send(1, 1304), 0x0b, "300 s after the last frame");
  assert.equal(tables.buckets.age(bucket, 1304), 0);
  assert.equal(send(1, 1609), 0x0c, "305 s after the last frame");
});

Deno.test("a bucket of the longest timeout tells its age; after 2^16 s that begins anew", () => {
  const { tables, scheduler } = testArray([{ weight: 0 }, {}, {}], { bucket_timeout: "16h" });
  const send = (now: number) => {
    const frame = tcpFrame();
    scheduler.schedule(frame, frame.length, now);
    return frame[5];
  };
  const idle = tables.settings.idleAge;
  assert.equal(idle, 57_600 + 900);
  assert.equal(send(70_000), 0x0b);
  tables.nodes.addGroups(1, 1);
  assert.equal(send(70_000 + idle - 1), 0x0b);
  assert.equal(send(70_000 + idle - 1 + 65_536), 0x0b, "18 hours without a frame: it counts as in use once more");
  assert.equal(send(70_000 + idle - 1 + 65_536 + idle), 0x0c);
});

Deno.test("bucketOf() is (32 bit address + 16 bit port) % size, past 32 bits too, IPv6 folded to 32 bits", () => {
  const { scheduler } = testArray([{}]);
  const port = fc.nat(65535);
  fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), port, (ip, port) => {
    const frame = tcpFrame({ from: u32ToIp(ip), fromPort: port });
    assert.equal(bucketOf(scheduler, frame), Number((BigInt(ip) + BigInt(port)) % 1024n));
  }));
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), port, (address, port) => {
    const frame = ipv6Frame(tcpHeader(port));
    frame.set(address, 22);
    const view = new DataView(address.slice().buffer);
    const folded = [0, 4, 8, 12].reduce((sum, at) => sum ^ BigInt(view.getUint32(at)), 0n);
    assert.equal(bucketOf(scheduler, frame), Number((folded + BigInt(port)) % 1024n));
  }));
});

Deno.test("a table that is adopted has its groups counted, and the buckets of nodes that are gone freed", () => {
  const { config, tables } = testArray([{}, {}]);
  tables.buckets.setNode(1, 1);
  tables.buckets.setNode(2, 1);
  tables.buckets.setNode(3, 7);
  tables.buckets.setNode(4, 30_000);
  tables.buckets.setNode(5, -77);
  tables.nodes.addGroups(1, 99);
  arrayOver(config, tables);
  assert.deepEqual([tables.nodes.groups(0), tables.nodes.groups(1)], [0, 2]);
  for (const bucket of [3, 4, 5]) assert.equal(tables.buckets.node(bucket), -1);
});

Deno.test("a draining node keeps its buckets, also idle ones where no other can take them; a disabled node has none", () => {
  const { tables, scheduler } = testArray([{ weight: 0 }, {}]);
  const change = (one: TestNode, other: TestNode) =>
    arrayOver(testConfig([{ weight: 0 }, one, other]), tables).scheduler;
  const send = (by: Scheduler, fromPort: number, now: number) => {
    const frame = tcpFrame({ fromPort });
    return [by.schedule(frame, frame.length, now), frame[5]];
  };
  assert.deepEqual(send(scheduler, 1, 0), [Verdict.FORWARDED, 0x0b]);
  const draining = change({ draining: true }, {});
  assert.deepEqual(send(draining, 1, 60), [Verdict.FORWARDED, 0x0b], "in use");
  assert.deepEqual(send(draining, 2, 60), [Verdict.FORWARDED, 0x0c], "a new one");
  assert.deepEqual(
    send(change({ draining: true }, { draining: true }), 1, 1000),
    [Verdict.FORWARDED, 0x0b],
    "idle, and nobody else",
  );
  assert.deepEqual(send(change({ draining: true }, {}), 1, 5000), [Verdict.FORWARDED, 0x0c], "idle");
  assert.deepEqual(send(change({}, { enabled: false }), 1, 5000), [Verdict.FORWARDED, 0x0b], "its owner is disabled");
});
