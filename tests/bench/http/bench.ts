/** `deno task bench http`: CPU a request through our server, HAProxy and nginx. */
import { cpuNanoseconds } from "../process.ts";
import { type Bar, bar, type Bench, median, type Row, row } from "../report.ts";
import { HttpSetup, LOAD_CORE, PROXIES, type Proxy, type ProxyName } from "./setup.ts";

const SIZES = { "100B": 100, "10KB": 10_240, "1MiB": 1_048_576 } as const;
const CONNECTIONS = [32, 256] as const;
/** HAProxy is the bar everywhere, nginx at 256 connections. */
const LIMIT = 1.0;

interface Sample {
  readonly cpuUs: number;
  readonly rate: number;
}

export const bench: Bench = async ({ quick }) => {
  const rounds = quick ? 3 : 7;
  const seconds = quick ? 2 : 4;
  const setup = await HttpSetup.start(SIZES);
  const rows: Row[] = [];
  const bars: Bar[] = [];
  try {
    for (const size of Object.keys(SIZES)) {
      for (const connections of CONNECTIONS) {
        const samples = await measure(setup.proxies, `/${size}`, connections, rounds, seconds);
        const name = `http.${size}.c${connections}`;
        for (const proxy of PROXIES) {
          const of = samples.get(proxy)!;
          rows.push(row(`${name}.${proxy}.cpu`, "us/request", of.map((sample) => sample.cpuUs)));
          rows.push(row(`${name}.${proxy}.rate`, "requests/s", of.map((sample) => sample.rate)));
        }
        const cpu = (proxy: ProxyName) => median(samples.get(proxy)!.map((sample) => sample.cpuUs));
        bars.push(bar(`${name}.cpu_vs_haproxy`, cpu("ours") / cpu("haproxy"), LIMIT, "lower"));
        if (connections === 256) bars.push(bar(`${name}.cpu_vs_nginx`, cpu("ours") / cpu("nginx"), LIMIT, "lower"));
      }
    }
  } finally {
    await setup.stop();
  }
  return { name: "http", rows, bars };
};

async function measure(
  proxies: readonly Proxy[],
  path: string,
  connections: number,
  rounds: number,
  seconds: number,
): Promise<Map<ProxyName, Sample[]>> {
  const samples = new Map<ProxyName, Sample[]>(PROXIES.map((name) => [name, []]));
  // The first round warms up and is not counted.
  for (let round = -1; round < rounds; round++) {
    for (const proxy of proxies) {
      const sample = await sampleOf(proxy, path, connections, round < 0 ? 1 : seconds);
      if (round >= 0) samples.get(proxy.name)!.push(sample);
    }
  }
  return samples;
}

async function sampleOf(
  { name, port, tree }: Proxy,
  path: string,
  connections: number,
  seconds: number,
): Promise<Sample> {
  const before = cpuNanoseconds(tree);
  const url = `http://127.0.0.1:${port}${path}`;
  const wrk = ["wrk", "-t1", `-c${connections}`, `-d${seconds}s`, url];
  const { stdout } = await new Deno.Command("taskset", { args: ["-c", String(LOAD_CORE), ...wrk] }).output();
  const text = new TextDecoder().decode(stdout);
  const nanoseconds = cpuNanoseconds(tree) - before;
  const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  const failed = /Non-2xx.*|Socket errors.*/.exec(text);
  if (requests === 0 || failed) throw new Error(`${name} failed under load: ${failed?.[0] ?? text}`);
  return { cpuUs: nanoseconds / requests / 1000, rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]) };
}
