/** CPU time a request and requests a second, of each proxy with as much load as it takes. */
import { Interleaved } from "../interleaved.ts";
import { cpuNanoseconds } from "../process.ts";
import { type Bar, bar, median, type Row, row } from "../report.ts";
import { type Proxy, type ProxyName, type Size } from "../setup.ts";
import { runWrk } from "../wrk.ts";

/** Of the CPU time of HAProxy and of nginx, as most operators run them. */
const LIMIT = 1.0;

interface Sample {
  readonly cpuUs: number;
  readonly rate: number;
}

export interface CpuResult {
  readonly rows: readonly Row[];
  readonly bars: readonly Bar[];
  /** Requests a second by proxy: medians. */
  readonly rates: ReadonlyMap<ProxyName, number>;
}

export async function measureCpu(
  proxies: readonly Proxy[],
  size: Size,
  connections: number,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<CpuResult> {
  const found = await Interleaved.measure(
    proxies,
    rounds,
    (proxy) => sampleOf(proxy, size, connections, seconds),
  );
  const name = `http.${size}.c${connections}`;
  const cpuUs = (sample: Sample) => sample.cpuUs;
  const rate = (sample: Sample) => sample.rate;
  const rows: Row[] = [];
  const bars: Bar[] = [];
  for (const proxy of found.names) {
    rows.push(row(`${name}.${proxy}.cpu`, "us/request", found.values(proxy, cpuUs)));
    rows.push(row(`${name}.${proxy}.rate`, "requests/s", found.values(proxy, rate)));
  }
  for (const peer of found.peers) {
    const ratios = found.ratios(peer, cpuUs);
    // The tuned peers at 1 MiB are for comparison: no limit was set for them.
    if (peer === "haproxy" || peer === "nginx") {
      bars.push(bar(`${name}.cpu_vs_${peer}`, median(ratios), LIMIT, "lower"));
    } else rows.push(row(`${name}.cpu_vs_${peer}`, "ratio, no limit", ratios));
  }
  return { rows, bars, rates: new Map(found.names.map((proxy) => [proxy, median(found.values(proxy, rate))])) };
}

async function sampleOf(proxy: Proxy, size: Size, connections: number, seconds: number): Promise<Sample> {
  const { tree } = proxy;
  const before = cpuNanoseconds(tree);
  const { requests, rate } = await runWrk({ proxy, size, connections, seconds });
  if (requests === 0) throw new Error(`${proxy.name} answered none of ${connections} requests in ${seconds} s`);
  return { cpuUs: (cpuNanoseconds(tree) - before) / requests / 1000, rate };
}
