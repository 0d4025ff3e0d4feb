/** `deno task bench see`: what watching costs: `dlba top` of 8 nodes with 100 back ends, and a scrape of a node with 1,000. */
import { bar, type Bench, type Found, median, row, together } from "../report.ts";
import { cpuNanoseconds, processTree, residentBytes } from "../process.ts";
import { Progress } from "../progress.ts";
import { delay } from "../../../core/delay.ts";
import { WatchedArray } from "./array.ts";

/** Of the issue. */
const TOP_CPU_PERCENT = 2;
const TOP_RSS_MB = 30;
const SCRAPE_MS = 20;

const NODES = 8;
const BACK_ENDS = 100;
const MANY_BACK_ENDS = 1_000;
/** Until code that runs each second is compiled. */
const WARM_MS = 5_000;

const QUICK = { rounds: 3, seconds: 10, scrapes: 50 };
const FULL = { rounds: 5, seconds: 30, scrapes: 300 };
type Plan = typeof QUICK;

export const bench: Bench = async ({ quick }) => {
  const plan = quick ? QUICK : FULL;
  const progress = new Progress("see");
  progress.say(`dlba top, ${NODES} nodes, ${BACK_ENDS} back ends`);
  const top = await WatchedArray.with(NODES, BACK_ENDS, (array) => measureTop(array, plan));
  progress.say(`a scrape of ${MANY_BACK_ENDS} back ends`);
  const scrape = await WatchedArray.with(1, MANY_BACK_ENDS, (array) => measureScrape(array, plan));
  progress.say("done");
  return { name: "see", ...together([top, scrape]) };
};

/** In a terminal of 200 by 60, which shows all columns. */
async function measureTop(array: WatchedArray, { rounds, seconds }: Plan): Promise<Found> {
  const idle = array.startIdle(), top = array.startTop();
  await delay(WARM_MS);
  const cpu: number[] = [], megabytes: number[] = [];
  const pids = processTree(top.pid);
  for (let i = 0; i < rounds; i++) {
    const before = cpuNanoseconds(pids), began = performance.now();
    await delay(seconds * 1000);
    cpu.push((cpuNanoseconds(pids) - before) / 1e6 / (performance.now() - began) * 100);
    megabytes.push((residentBytes([pids.at(-1)!]) - residentBytes([processTree(idle.pid).at(-1)!])) / 1e6);
  }
  array.checkTop();
  return {
    rows: [row("see.top.cpu", "% of a core", cpu), row("see.top.rss", "MB over an idle script", megabytes)],
    bars: [
      bar("see.top.cpu_percent", median(cpu), TOP_CPU_PERCENT, "lower"),
      bar("see.top.rss_over_runtime_mb", median(megabytes), TOP_RSS_MB, "lower"),
    ],
  };
}

/** From connecting to the last byte. */
async function measureScrape(array: WatchedArray, { scrapes }: Plan): Promise<Found> {
  const times = await array.scrape(scrapes, MANY_BACK_ENDS);
  return {
    rows: [row("see.metrics.scrape", "ms", times)],
    bars: [bar("see.metrics.scrape_ms", median(times), SCRAPE_MS, "lower")],
  };
}
