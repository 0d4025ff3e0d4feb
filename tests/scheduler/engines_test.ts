/** Both engines on the same frames: the program in the kernel, by bpf_prog_test_run, and the pcap engine's pure core. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { bootSeconds } from "../../ffi/clock.ts";
import { Verdict, VERDICT_NAMES } from "../../core/scheduler/verdicts.ts";
import { type TestArray, testArray } from "./array.ts";
import { FIXTURES } from "./fixtures.ts";
import { tcpFrame } from "./frames.ts";
import { type Kernel, kernelArray } from "./kernel.ts";
import { cases } from "../soak.ts";

const ignore = Deno.uid() !== 0;
const XDP_DROP = 1, XDP_PASS = 2, XDP_TX = 3;
/** What the kernel takes for a frame in a test run: an Ethernet header. */
const LEAST_BYTES = 14;

/** What the program does with a frame of that verdict. */
function actionOf(verdict: Verdict): number {
  if (verdict === Verdict.FORWARDED || verdict === Verdict.ANSWERED) return XDP_TX;
  const dropped: Verdict[] = [
    Verdict.FRAGMENT,
    Verdict.OTHER_PROTOCOL,
    Verdict.OTHER_PORT,
    Verdict.NO_NODE,
    Verdict.NOT_ACTIVE,
  ];
  return dropped.includes(verdict) ? XDP_DROP : XDP_PASS;
}

const out = new Uint8Array(65_536);

/** Gives the frame to both, and compares verdict, action and bytes. */
function both(kernel: Kernel, array: TestArray, frame: Uint8Array, says: string): Verdict {
  const before = kernel.array.tables.counts.toObject();
  const copy = Uint8Array.from(frame);
  const verdict = array.scheduler.schedule(copy, copy.length, bootSeconds());
  const run = kernel.program.testRun(Uint8Array.from(frame), out);
  const after = kernel.array.tables.counts.toObject();
  const counted = VERDICT_NAMES.filter((name) => after[name] !== before[name]);
  assert.deepEqual(counted, [VERDICT_NAMES[verdict]], says);
  assert.equal(run.action, actionOf(verdict), says);
  assert.deepEqual(out.slice(0, run.length), copy, says);
  return verdict;
}

/** Fails unless both have the same tables and counters. */
function assertEqualTables(one: TestArray, other: TestArray): void {
  const { tables: a } = one, { tables: b } = other;
  assert.deepEqual(a.counts.toObject(), b.counts.toObject());
  for (let node = 0; node < 256; node++) {
    assert.equal(a.nodes.groups(node), b.nodes.groups(node), `IP groups of node ${node}`);
    assert.equal(a.counts.frames(node), b.counts.frames(node), `frames of node ${node}`);
  }
  for (let bucket = 0; bucket < a.buckets.size; bucket++) {
    assert.equal(a.buckets.node(bucket), b.buckets.node(bucket), `bucket ${bucket}`);
  }
}

for (const hash of ["modulo", "keyed"] as const) {
  Deno.test({
    name: `both engines agree on every described frame, hash: ${hash}`,
    ignore,
    fn() {
      const nodes = [{ weight: 0 }, { weight: 1 }];
      using kernel = kernelArray(nodes, { hash });
      const array = testArray(nodes, { hash });
      for (const { says, frame, length = frame.length, verdict } of FIXTURES) {
        if (length < LEAST_BYTES) continue;
        assert.equal(both(kernel, array, frame.slice(0, length), says), verdict, says);
      }
      assertEqualTables(kernel.array, array);
    },
  });
}

/** A frame of any bytes, or a described one with some changed, cut or repeated. */
const anyFrame = (() => {
  const noise = fc.uint8Array({ minLength: LEAST_BYTES, maxLength: 160 });
  const changes = fc.array(fc.tuple(fc.nat(110), fc.nat(255)), { maxLength: 5 });
  const mutated = fc.tuple(fc.constantFrom(...FIXTURES.map(({ frame }) => frame)), changes, fc.nat(120)).map(
    ([frame, changes, cut]) => {
      const copy = frame.slice(0, Math.min(frame.length, cut > 90 ? 1500 : Math.max(LEAST_BYTES, frame.length - cut)));
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy;
    },
  );
  return fc.oneof({ weight: 1, arbitrary: noise }, { weight: 5, arbitrary: mutated });
})();

Deno.test({
  name: "both engines agree on random and mutated frames",
  ignore,
  fn() {
    const nodes = [{ weight: 1 }, { weight: 3 }, { weight: 2 }, { enabled: false }, { draining: true }];
    using kernel = kernelArray(nodes);
    const array = testArray(nodes);
    const { numRuns } = cases(100_000);
    fc.assert(fc.property(anyFrame, (frame) => void both(kernel, array, frame, "")), { numRuns });
    assertEqualTables(kernel.array, array);
    const counted = Object.values(array.tables.counts.toObject()).reduce((sum, count) => sum + count, 0);
    assert.equal(counted, numRuns);
  },
});

Deno.test({
  name: "both engines keep the same frames with the same verdicts for who traces",
  ignore,
  fn() {
    using kernel = kernelArray([{ weight: 0 }, {}]);
    const array = testArray([{ weight: 0 }, {}]);
    const traced = FIXTURES.filter(({ frame, length = frame.length }) => length >= LEAST_BYTES);
    for (const { tables } of [kernel.array, array]) tables.settings.captureUntil = bootSeconds() + 100;
    for (const { says, frame, length = frame.length } of traced) both(kernel, array, frame.slice(0, length), says);
    traced.forEach(({ says, verdict }, number) => {
      const [one, other] = [kernel.array, array].map(({ tables }) => tables.captures.read(number));
      assert.deepEqual(one, other, says);
      assert.equal(one!.verdict, verdict, says);
    });
    assert.equal(array.tables.captures.read(traced.length), undefined);
    for (const { tables } of [kernel.array, array]) tables.settings.captureUntil = 0;
    both(kernel, array, tcpFrame(), "nobody traces");
    assert.equal(kernel.array.tables.settings.captured, traced.length);
  },
});

type Step =
  | { readonly kind: "frame"; readonly client: number; readonly port: number; readonly flags: number }
  | { readonly kind: "fail" | "recover"; readonly node: number }
  | { readonly kind: "age"; readonly port: number; readonly seconds: number }
  | { readonly kind: "active"; readonly until: number; readonly grace: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("frame" as const),
      client: fc.nat(3),
      port: fc.nat(40),
      flags: fc.constantFrom(2, 16, 18, 4),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("fail" as const, "recover" as const), node: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("age" as const),
      port: fc.nat(40),
      // Away from where a second between two clocks would decide: a bucket of 60 s is idle at 61, one of 5 minutes at 305.
      seconds: fc.constantFrom(-2, 0, 3, 59, 63, 303, 307, 5000, 40_000, 65_500, 70_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("active" as const),
      until: fc.constantFrom(0, 2 ** 30),
      grace: fc.constantFrom(0, 2 ** 30),
    }),
  },
);

Deno.test({
  name: "both engines keep the same tables while nodes fail, buckets age and the scheduler ends",
  ignore,
  fn() {
    const node = fc.record({ weight: fc.integer({ min: 0, max: 4 }), enabled: fc.boolean(), draining: fc.boolean() });
    const arrays = fc.array(node, { minLength: 4, maxLength: 4 }).map((nodes) => [...nodes, { weight: 1 }]);
    const settings = fc.record({
      table_size: fc.constantFrom(1024, 1025),
      bucket_timeout: fc.constantFrom("60s", "5m", "16h"),
    });
    fc.assert(
      fc.property(arrays, settings, fc.array(step, { maxLength: 60 }), (nodes, settings, steps) => {
        using kernel = kernelArray(nodes, settings);
        const array = testArray(nodes, settings);
        const each = (work: (one: TestArray) => void) => [kernel.array, array].forEach(work);
        for (const step of steps) {
          if (step.kind === "frame") {
            const from = `198.51.100.${step.client}`;
            both(kernel, array, tcpFrame({ from, fromPort: step.port, flags: step.flags }), JSON.stringify(step));
          } else if (step.kind === "age") {
            each(({ tables }) => tables.buckets.touch(step.port, bootSeconds() - step.seconds));
          } else if (step.kind === "active") {
            each(({ tables }) => tables.settings.serveUntil(step.until, step.grace));
          } else {
            each(({ state, upkeep }) => {
              state.setFailed(step.node, step.kind === "fail");
              upkeep.refresh();
            });
          }
        }
        assertEqualTables(kernel.array, array);
      }),
      cases(30),
    );
  },
});

Deno.test({
  name: "the kernel takes a bucket of a failed node for unassigned before it is swept",
  ignore,
  fn() {
    using kernel = kernelArray([{ weight: 0 }, {}, {}]);
    const { tables } = kernel.array;
    const frame = Uint8Array.from(tcpFrame());
    kernel.program.testRun(frame, out);
    assert.equal(out[5], 0x0b);
    tables.nodes.setOut(1, true);
    kernel.program.testRun(frame, out);
    assert.equal(out[5], 0x0c);
    assert.deepEqual([tables.nodes.groups(1), tables.nodes.groups(2)], [0, 1]);
  },
});
