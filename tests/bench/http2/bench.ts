/** `deno task bench http2`: CPU a request over HTTP/2 in clear, beside HAProxy and nginx, to the same back ends over HTTP/1.1. */
import { Interleaved } from "../interleaved.ts";
import { cpuNanoseconds } from "../process.ts";
import { Progress } from "../progress.ts";
import { bar, type Bench, type Found, median, type Row, row, together } from "../report.ts";
import { PROXIES, type Proxy, ProxySetup, type Size } from "../setup.ts";
import { type H2Load, runH2load } from "./h2load.ts";

/** What is asked for, and the most of HAProxy's CPU time that it may cost. */
const LOADS: readonly (H2Load & { readonly size: Size; readonly limit: number })[] = [
  { size: "100B", connections: 8, streams: 32, limit: 1.2 },
  { size: "1MiB", connections: 8, streams: 4, limit: 1.0 },
];
/** The first requests of a size are not like those that follow. */
const WARM_UP_S = 3;
const QUICK = { rounds: 3, seconds: 2 };
const FULL = { rounds: 7, seconds: 5 };

interface Sample {
  readonly cpuUs: number;
  readonly rate: number;
}

export const bench: Bench = async ({ quick }) => {
  const plan = quick ? QUICK : FULL;
  const progress = new Progress("http2");
  const found = await ProxySetup.with({ proxies: PROXIES, http2: true }, async (proxies) => {
    const found: Found[] = [];
    for (const load of LOADS) {
      progress.say(`answers of ${load.size}, ${load.connections} connections of ${load.streams} streams`);
      for (const proxy of proxies) await runH2load(proxy, load, WARM_UP_S);
      found.push(await measure(proxies, load, plan));
    }
    return found;
  });
  progress.say("done");
  return { name: "http2", ...together(found) };
};

async function measure(proxies: readonly Proxy[], load: typeof LOADS[number], plan: typeof QUICK): Promise<Found> {
  const found = await Interleaved.measure(proxies, plan.rounds, (proxy) => sampleOf(proxy, load, plan.seconds));
  const name = `http2.${load.size}.c${load.connections}m${load.streams}`;
  const cpuUs = (sample: Sample) => sample.cpuUs;
  const rows: Row[] = found.names.flatMap((proxy) => [
    row(`${name}.${proxy}.cpu`, "us/request", found.values(proxy, cpuUs)),
    row(`${name}.${proxy}.rate`, "requests/s", found.values(proxy, ({ rate }) => rate)),
  ]);
  rows.push(row(`${name}.cpu_vs_nginx`, "ratio, no limit", found.ratios("nginx", cpuUs)));
  const ratio = median(found.ratios("haproxy", cpuUs));
  return { rows, bars: [bar(`${name}.cpu_vs_haproxy`, ratio, load.limit, "lower")] };
}

async function sampleOf(proxy: Proxy, load: H2Load & { readonly size: Size }, seconds: number): Promise<Sample> {
  const { tree } = proxy;
  const before = cpuNanoseconds(tree);
  const requests = await runH2load(proxy, load, seconds);
  return { cpuUs: (cpuNanoseconds(tree) - before) / requests / 1000, rate: requests / seconds };
}
