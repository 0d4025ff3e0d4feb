/** Latencies at a constant rate that every proxy can hold: half of what the slowest of them answers at most. */
import type { LoadGenerator } from "../load/generator.ts";
import type { Latencies } from "../load/paced.ts";
import { type Row, row } from "../report.ts";
import type { Proxy, ProxyName, Size } from "../setup.ts";

export async function measureLatency(
  proxies: readonly Proxy[],
  size: Size,
  connections: number,
  rates: ReadonlyMap<ProxyName, number>,
  { rounds, seconds, load }: { readonly rounds: number; readonly seconds: number; readonly load: LoadGenerator },
): Promise<Row[]> {
  const rate = Math.round(Math.min(...proxies.map(({ name }) => rates.get(name)!)) / 2);
  const found = new Map<ProxyName, Latencies[]>(proxies.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, port } of proxies) {
      found.get(name)!.push(await load.paced({ port, path: `/${size}`, connections, rate, seconds }));
    }
  }
  const rows = [row(`http.${size}.c${connections}.paced_rate`, "requests/s", [rate])];
  for (const { name } of proxies) {
    for (const figure of ["p50", "p99", "lagP99"] as const) {
      const label = figure === "lagP99" ? "generator_lag_p99" : figure;
      rows.push(row(`http.${size}.c${connections}.${name}.${label}`, "us", found.get(name)!.map((of) => of[figure])));
    }
  }
  return rows;
}
