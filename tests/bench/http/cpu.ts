/** CPU time a request and requests a second, of each proxy with as much load as it takes. */
import { cpuNanoseconds, pinned } from "../process.ts";
import { type Bar, bar, median, type Row, row } from "../report.ts";
import { LOAD_CORE, type Proxy, type ProxyName, type Size } from "./setup.ts";

/** HAProxy is the limit everywhere, nginx at many connections. */
const LIMIT = 1.0;
export const FEW = 32;
export const MANY = 256;

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
  const samples = new Map<ProxyName, Sample[]>(proxies.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const proxy of proxies) samples.get(proxy.name)!.push(await sampleOf(proxy, size, connections, seconds));
  }
  const name = `http.${size}.c${connections}`;
  const values = (proxy: ProxyName, of: keyof Sample) => samples.get(proxy)!.map((sample) => sample[of]);
  /** Round by round, as neighbours in time share what else the machine was doing. */
  const ratios = (peer: ProxyName) => {
    const peers = values(peer, "cpuUs");
    return values("ours", "cpuUs").map((cpuUs, round) => cpuUs / peers[round]!);
  };
  const rows: Row[] = [];
  const bars: Bar[] = [];
  for (const { name: proxy } of proxies) {
    rows.push(row(`${name}.${proxy}.cpu`, "us/request", values(proxy, "cpuUs")));
    rows.push(row(`${name}.${proxy}.rate`, "requests/s", values(proxy, "rate")));
  }
  for (const { name: peer } of proxies) {
    if (peer === "ours") continue;
    const isBar = peer === "haproxy" || (peer === "nginx" && connections === MANY);
    if (isBar) bars.push(bar(`${name}.cpu_vs_${peer}`, median(ratios(peer)), LIMIT, "lower"));
    else rows.push(row(`${name}.cpu_vs_${peer}`, "ratio, no limit", ratios(peer)));
  }
  return { rows, bars, rates: new Map(proxies.map((proxy) => [proxy.name, median(values(proxy.name, "rate"))])) };
}

/** A second of load that is not counted: the first requests of a size are not like those that follow. */
export async function warmUp(proxies: readonly Proxy[], size: Size): Promise<void> {
  for (const proxy of proxies) await sampleOf(proxy, size, MANY, 1);
}

async function sampleOf(proxy: Proxy, size: Size, connections: number, seconds: number): Promise<Sample> {
  const { name, port, tree } = proxy;
  const url = `http://127.0.0.1:${port}/${size}`;
  const [program, ...args] = pinned(LOAD_CORE, ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, url]);
  const before = cpuNanoseconds(tree);
  const { stdout } = await new Deno.Command(program!, { args }).output();
  const nanoseconds = cpuNanoseconds(tree) - before;
  const text = new TextDecoder().decode(stdout);
  const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  const failed = /Non-2xx.*|Socket errors.*/.exec(text);
  if (requests === 0 || failed) throw new Error(`${name} failed under load: ${failed?.[0] ?? text}`);
  return { cpuUs: nanoseconds / requests / 1000, rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]) };
}
