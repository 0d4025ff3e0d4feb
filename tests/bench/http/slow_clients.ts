/** What 100 slow clients do to the latency of the good ones. */
import { delay } from "../../../core/delay.ts";
import type { LoadGenerator } from "../load/generator.ts";
import { cpuNanoseconds } from "../process.ts";
import { type Bar, bar, median, type Row, row, unknownBar } from "../report.ts";
import type { Proxy, ProxyName } from "../setup.ts";
import { SLOW_CLIENTS, SLOW_WAYS, SlowClients, type Way } from "./slowhttptest.ts";

const LIMIT = 2;
const BAR = "http.slow_clients.p99_ratio";
/** The good clients: a rate that leaves every proxy most of its time. */
const GOOD = { path: "/100B", connections: 32, rate: 4_000 } as const;
/** Seconds of load a sample: slow clients stir once a second. */
const SECONDS = 1;
/**
 * When slow readers arrive their first bytes fill the sockets' buffers: 0.2 s of work for each proxy, then hardly any. Samples begin when
 * every proxy was below this share of its core for one step, or after the longest wait, ms.
 */
const SETTLED_SHARE = 0.05;
const SETTLE_STEP_MS = 100;
const SETTLE_MAX_MS = 4_000;
/** Not counted: what slow clients make a proxy run is compiled in it. */
const WARM_UP = -1;
/** Below this share of the rate asked for, or of the slow clients, the figures say nothing. */
const ENOUGH = 0.9;

interface Sample {
  /** us */
  readonly p99: number;
  /** Share of the rate asked for that was answered. */
  readonly rate: number;
  /** Slow clients that were still connected at the end. */
  readonly slow: number;
}

type Case = "without" | Way;
type Samples = ReadonlyMap<Case, Sample[]>;

export async function measureSlowClients(
  proxies: readonly Proxy[],
  { rounds, load }: { readonly rounds: number; readonly load: LoadGenerator },
): Promise<{ readonly rows: readonly Row[]; readonly bars: readonly Bar[] }> {
  const cases: readonly Case[] = ["without", ...SLOW_WAYS];
  const samples = new Map<ProxyName, Samples>(
    proxies.map(({ name }) => [name, new Map(cases.map((way) => [way, []]))]),
  );
  const measure = async (round: number, proxy: Proxy, way: Case, slow?: SlowClients) => {
    const { p99, rate } = await load.paced({ port: proxy.port, seconds: SECONDS, ...GOOD });
    if (round === WARM_UP) return;
    samples.get(proxy.name)!.get(way)!.push({ p99, rate: rate / GOOD.rate, slow: slow?.connected ?? 0 });
  };
  for (let round = WARM_UP; round < rounds; round++) {
    for (const proxy of proxies) await measure(round, proxy, "without");
    for (const way of SLOW_WAYS) {
      // All proxies have theirs at once, which saves waiting: once settled they cost none of them 1 % of its core.
      const slow = await Promise.all(proxies.map(({ port }) => SlowClients.start(way, port)));
      try {
        await settled(proxies);
        for (const [i, proxy] of proxies.entries()) await measure(round, proxy, way, slow[i]);
      } finally {
        await Promise.all(slow.map((clients) => clients.stop()));
      }
    }
  }
  const rows: Row[] = [];
  for (const [name, of] of samples) {
    for (const [way, found] of of) {
      rows.push(row(`http.slow_clients.${name}.${way}.p99`, "us", found.map(({ p99 }) => p99)));
      if (way !== "without") rows.push(row(`http.slow_clients.${name}.${way}.p99_ratio`, "ratio", [ratio(of, way)]));
    }
  }
  return { rows, bars: [barOf(samples.get("ours")!)] };
}

async function settled(proxies: readonly Proxy[]): Promise<void> {
  const trees = proxies.map(({ tree }) => tree);
  for (let waited = 0; waited < SETTLE_MAX_MS; waited += SETTLE_STEP_MS) {
    const before = trees.map(cpuNanoseconds);
    await delay(SETTLE_STEP_MS);
    const limit = SETTLED_SHARE * SETTLE_STEP_MS * 1e6;
    if (trees.every((tree, i) => cpuNanoseconds(tree) - before[i]! < limit)) return;
  }
}

/** p99 with slow clients to p99 without. Of the medians: one sample's p99 holds whatever the machine did in that second. */
function ratio(of: Samples, way: Way): number {
  const p99 = (of: readonly Sample[]) => median(of.map(({ p99 }) => p99));
  return p99(of.get(way)!) / p99(of.get("without")!);
}

/** The worst of the ways to be slow. */
function barOf(of: Samples): Bar {
  for (const way of SLOW_WAYS) {
    const slow = Math.min(...of.get(way)!.map(({ slow }) => slow));
    if (slow < ENOUGH * SLOW_CLIENTS) {
      return unknownBar(BAR, LIMIT, "lower", `only ${slow} of ${SLOW_CLIENTS} clients slow by ${way} stayed connected`);
    }
  }
  if (of.get("without")!.some(({ rate }) => rate < ENOUGH)) {
    return unknownBar(BAR, LIMIT, "lower", "the load generator did not reach its rate without slow clients");
  }
  return bar(BAR, Math.max(...SLOW_WAYS.map((way) => ratio(of, way))), LIMIT, "lower");
}
