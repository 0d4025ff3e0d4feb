import assert from "node:assert/strict";
import { Advisor } from "../../core/speederize/advisor.ts";
import { HeavyHitters } from "../../core/speederize/heavy_hitters.ts";
import { LoadGate } from "../../core/speederize/load_gate.ts";
import { type SampledPath, Sampler } from "../../core/speederize/sampler.ts";
import { advise } from "./advised.ts";
import { zipfTrace } from "./zipf.ts";

function sampled(path: string, hits: number, more: Partial<SampledPath> = {}): SampledPath {
  return {
    path,
    hits,
    error: 0,
    counted: hits,
    bytes: 1_000,
    latency_ms: 0,
    cacheable: 1,
    lifetime_s: 3_600,
    clients: 1,
    ...more,
  };
}

Deno.test("HeavyHitters keeps every key above its share, and bounds its errors", () => {
  const trace = zipfTrace(20_000, 0.9, 7);
  const hitters = new HeavyHitters<null>(500, () => null);
  const real = new Map<string, number>();
  const requests = 200_000;
  for (let i = 0; i < requests; i++) {
    const { path } = trace.next();
    real.set(path, (real.get(path) ?? 0) + 1);
    hitters.hit(path);
  }
  const found = new Map(hitters.all().map((hitter) => [hitter.key, hitter]));
  assert.equal(found.size, 500);
  for (const [path, count] of real) {
    const hitter = found.get(path);
    if (count > requests / 500) assert.ok(hitter, path);
    if (hitter) assert.ok(hitter.hits - hitter.error <= count && count <= hitter.hits, path);
  }
});

Deno.test("Sampler looks at its share, and starts anew with each window", () => {
  let at = 0;
  const sampler = new Sampler(10, 0.25, () => (at++ % 100) / 100);
  let taken = 0;
  for (let i = 0; i < 1_000; i++) {
    if (!sampler.takes()) continue;
    taken++;
    sampler.saw({ path: "/a", bytes: 100, latencyMs: 2, lifetimeS: i % 2 * 60, client: `${i}` });
  }
  assert.equal(taken, 250);
  const { responses, paths } = sampler.takeWindow();
  assert.equal(responses, 1_000);
  assert.deepEqual({ ...paths[0], clients: 0, cacheable: 0 }, {
    ...sampled("/a", 250, { bytes: 100, latency_ms: 2, lifetime_s: 60, clients: 0, cacheable: 0 }),
  });
  assert.ok(paths[0]!.clients > 16);
  assert.deepEqual(sampler.takeWindow(), { responses: 0, paths: [] });
});

Deno.test("the advisor takes what saves most, and nothing that a CDN may not keep", () => {
  const advisor = new Advisor({ maxUrls: 2, share: 1 });
  advisor.step(
    [
      sampled("/often", 100),
      sampled("/large", 20, { bytes: 50_000 }),
      sampled("/private", 1_000, { cacheable: 0, lifetime_s: 0 }),
      sampled("/once", 1),
      sampled("/some", 50),
    ],
    30,
    new Set(),
  );
  assert.deepEqual([...advisor.chosen].sort(), ["/large", "/often"]);
  assert.deepEqual(advisor.advice.map(({ path, reason }) => [path, reason]), [
    ["/large", "saves most"],
    ["/often", "saves most"],
    ["/some", "saves less"],
    ["/private", "not cacheable"],
    ["/once", "asked for too seldom"],
  ]);
});

Deno.test("the advisor does not flap: what moves stays until it is clearly worse", () => {
  const advisor = new Advisor({ maxUrls: 1, share: 1 });
  const step = (a: number, b: number) => {
    advisor.step([sampled("/a", a), sampled("/b", b)], 30, new Set());
    return [...advisor.chosen];
  };
  assert.deepEqual(step(100, 90), ["/a"]);
  for (let i = 0; i < 10; i++) assert.deepEqual(step(90 + 20 * (i % 2), 100), ["/a"]);
  for (let i = 0; i < 4; i++) step(10, 100);
  assert.deepEqual([...advisor.chosen], ["/b"]);
});

Deno.test("what moved and is seen by references alone stays; without them it goes", () => {
  const advisor = new Advisor({ maxUrls: 5, share: 1 });
  advisor.step([sampled("/a", 100)], 30, new Set());
  for (let i = 0; i < 20; i++) {
    advisor.step([sampled("/a", 100, { counted: 0, bytes: 0, cacheable: 0, lifetime_s: 0 })], 30, new Set());
  }
  assert.deepEqual([...advisor.chosen], ["/a"]);
  for (let i = 0; i < 60; i++) advisor.step([sampled("/b", 100)], 30, new Set());
  assert.deepEqual([...advisor.chosen], ["/b"]);
});

Deno.test("a path whose copy failed is withdrawn, and comes back", () => {
  const advisor = new Advisor({ maxUrls: 5, share: 1 });
  advisor.step([sampled("/a", 100)], 30, new Set());
  advisor.step([sampled("/a", 100)], 30, new Set(["/a"]));
  assert.equal(advisor.chosen.size, 0);
  assert.equal(advisor.advice[0]!.reason, "withdrawn");
  advisor.step([sampled("/a", 100)], 30, new Set());
  assert.deepEqual([...advisor.chosen], ["/a"]);
});

Deno.test("on a Zipf trace the advisor saves at least 80 % of what an oracle would", () => {
  for (const [exponent, seed] of [[0.7, 1], [0.9, 2], [1.1, 3]] as const) {
    const { ratio, changes } = advise(zipfTrace(5_000, exponent, seed), 200, 0.2, 8, 40_000);
    assert.ok(ratio >= 0.8, `exponent ${exponent}: ${ratio}`);
    assert.ok(changes <= 200, `exponent ${exponent}: ${changes} changes`);
  }
});

Deno.test("LoadGate changes above the one and below the other, not between", () => {
  const gate = new LoadGate(100, 200);
  const after = (rate: number) => {
    gate.take(rate);
    return gate.toCdn;
  };
  assert.deepEqual([50, 150, 201, 150, 101, 99, 150].map(after), [false, false, true, true, true, false, false]);
});
