/** `deno task bench l4`: what a frame costs through our scheduler, nftables, a reflector and a C program on libpcap. */
import { delay } from "../../../core/delay.ts";
import { encodeChanges } from "../../../core/scheduler/changes.ts";
import { tablesInMemory } from "../../scheduler/array.ts";
import { cpuNanoseconds, processTree } from "../process.ts";
import { type Bar, bar, type Bench, median, type Row, row } from "../report.ts";
import { BenchArray } from "./array.ts";
import { withPrograms } from "./build.ts";
import { kernelForwarding, pcapForwarding } from "./forwarding.ts";
import { programCost } from "./program_cost.ts";

const DUMP_BUCKETS = 65_536;
const DUMP_LIMIT_MS = 5;
const IDLE_CPU_LIMIT_PERCENT = 1;
const IDLE_RSS_LIMIT_MB = 120;
const IDLE_S = 8;
/** A scheduler that has just started compiles still, ms. */
const IDLE_AFTER_MS = 3000;

export const bench: Bench = async ({ quick }) => {
  const rounds = quick ? 3 : 7;
  const seconds = quick ? 1 : 3;
  return await withPrograms(async (programs) => {
    const parts = [programCost(programs.varied, quick ? 5 : 15), dump()];
    const array = await BenchArray.create(programs);
    try {
      parts.push(await kernelForwarding(array, rounds, seconds));
      parts.push(await pcapForwarding(array, rounds, seconds));
      parts.push(await idle(array));
    } finally {
      await array.close();
    }
    return { name: "l4", rows: parts.flatMap(({ rows }) => rows), bars: parts.flatMap(({ bars }) => bars) };
  });
};

/** The whole table for a reader that has nothing. */
function dump(): { rows: Row[]; bars: Bar[] } {
  const tables = tablesInMemory(DUMP_BUCKETS);
  for (let bucket = 0; bucket < DUMP_BUCKETS; bucket++) tables.buckets.setNode(bucket, bucket % 7);
  const samples = Array.from({ length: 21 }, () => {
    const began = performance.now();
    encodeChanges(tables.changesSince(undefined));
    return performance.now() - began;
  });
  return {
    rows: [row("l4.dump", "ms", samples)],
    bars: [bar("l4.dump_ms", median(samples), DUMP_LIMIT_MS, "lower")],
  };
}

/** CPU and memory of a scheduler that no frame reaches; the bars are of the engine that takes more. */
async function idle(array: BenchArray): Promise<{ rows: Row[]; bars: Bar[] }> {
  const rows: Row[] = [], cpus: number[] = [], sizes: number[] = [];
  for (const [engine, settings] of [["xdp", "engine: xdp, xdp_mode: native"], ["pcap", "engine: pcap"]] as const) {
    const tree = processTree(await array.startScheduler(settings));
    await delay(IDLE_AFTER_MS);
    const before = cpuNanoseconds(tree), began = performance.now();
    await delay(IDLE_S * 1000);
    const cpu = (cpuNanoseconds(tree) - before) / 1e6 / (performance.now() - began) * 100;
    const rss = tree.reduce((sum, pid) => sum + residentMb(pid), 0);
    await array.stopScheduler();
    rows.push(row(`l4.idle.${engine}.cpu`, "%", [cpu]), row(`l4.idle.${engine}.rss`, "MB", [rss]));
    cpus.push(cpu);
    sizes.push(rss);
  }
  return {
    rows,
    bars: [
      bar("l4.idle.cpu_percent", Math.max(...cpus), IDLE_CPU_LIMIT_PERCENT, "lower"),
      bar("l4.idle.rss_mb", Math.max(...sizes), IDLE_RSS_LIMIT_MB, "lower"),
    ],
  };
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) / 1024;
}
