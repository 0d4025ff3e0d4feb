/** `deno task bench http`: our server beside HAProxy and nginx, each part from its own file. */
import { LoadGenerator } from "../load/generator.ts";
import { Progress } from "../progress.ts";
import { type Bench, type Found, together } from "../report.ts";
import { FEW, LOAD_CORE, MANY, PROXIES, type Proxy, ProxySetup, type Size, SIZES, TUNED_PEERS } from "../setup.ts";
import { warmUp } from "../wrk.ts";
import { type CpuResult, measureCpu } from "./cpu.ts";
import { measureHeap } from "./heap.ts";
import { measureIdleHttp } from "./idle.ts";
import { measureLatency } from "./latency.ts";
import { measureSlowClients } from "./slow_clients.ts";

const QUICK = { rounds: 3, cpuSeconds: 1, seconds: 0.8, warmUpRequests: 100_000, settleMs: 1_000, tuned: false };
const FULL = { rounds: 7, cpuSeconds: 4, seconds: 4, warmUpRequests: 200_000, settleMs: 4_000, tuned: true };
type Plan = typeof QUICK;

export const bench: Bench = async ({ quick }) => {
  const plan = quick ? QUICK : FULL;
  const load = new LoadGenerator(LOAD_CORE);
  const progress = new Progress("http");
  const found: Found[] = [];
  try {
    // Memory first, in processes that did nothing else.
    progress.say("memory of idle connections");
    found.push(await measureIdleHttp(plan));
    progress.say("heap over a million requests");
    found.push(await ProxySetup.with({ proxies: ["ours"], heapHook: true }, ([ours]) => measureHeap(ours!, load)));
    await ProxySetup.with({ proxies: plan.tuned ? [...PROXIES, ...TUNED_PEERS] : PROXIES }, async (all) => {
      const proxies = all.slice(0, PROXIES.length);
      for (const size of Object.keys(SIZES) as Size[]) {
        progress.say(`CPU and latency, answers of ${size}`);
        found.push(...await measureSize(size, proxies, all, load, plan));
      }
      progress.say("slow clients");
      found.push(await measureSlowClients(proxies, { ...plan, load }));
    });
    progress.say("done");
  } finally {
    await load.stop();
  }
  return { name: "http", ...together(found) };
};

/** @param all with the tuned peers, which count for large bodies */
async function measureSize(
  size: Size,
  proxies: readonly Proxy[],
  all: readonly Proxy[],
  load: LoadGenerator,
  plan: Plan,
): Promise<Found[]> {
  const found = [];
  const measured = size === "1MiB" ? all : proxies;
  await warmUp(measured, size);
  for (const connections of [FEW, MANY]) {
    const cpu: CpuResult = await measureCpu(measured, size, connections, { ...plan, seconds: plan.cpuSeconds });
    found.push(cpu);
    if (size === "100B") {
      found.push({ rows: await measureLatency(proxies, size, connections, cpu.rates, { ...plan, load }), bars: [] });
    }
  }
  return found;
}
