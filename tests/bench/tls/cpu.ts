/** CPU time a request over kept-alive TLS connections; handshakes are measured apart. */
import { delay } from "../../../core/delay.ts";
import { Interleaved } from "../interleaved.ts";
import { bytesAcknowledged, cpuNanoseconds } from "../process.ts";
import { bar, type Found, median, type Row, row } from "../report.ts";
import { FEW, type Proxy, type ProxySetup, type Size, SIZES } from "../setup.ts";
import { runWrk } from "../wrk.ts";

/** For the handshakes of all connections, with room; ms. */
const LEAD_MS = 800;
/** wrk counts its seconds a little late, never early; ms that are left at its end. */
const TAIL_MS = 100;

interface Sample {
  readonly cpuUs: number;
  readonly rate: number;
}

export interface TlsCpuPlan {
  readonly size: Size;
  readonly connections: number;
  readonly rounds: number;
  /** A sample's, its lead included. */
  readonly seconds: number;
}

export async function measureTlsCpu(
  proxies: readonly Proxy[],
  setup: ProxySetup,
  plan: TlsCpuPlan,
): Promise<Found> {
  const found = await Interleaved.measure(proxies, plan.rounds, (proxy) => sampleOf(proxy, setup, plan));
  const name = `tls.${plan.size}.c${plan.connections}`;
  const cpuUs = (sample: Sample) => sample.cpuUs;
  const rows: Row[] = found.names.flatMap((proxy) => [
    row(`${name}.${proxy}.cpu`, "us/request", found.values(proxy, cpuUs)),
    row(`${name}.${proxy}.rate`, "requests/s", found.values(proxy, ({ rate }) => rate)),
  ]);
  const bars = found.peers.map((peer) => {
    const limit = peer === "nginx" ? 1 : limitOf(plan);
    return bar(`${name}.cpu_vs_${peer}`, median(found.ratios(peer, cpuUs)), limit, "lower");
  });
  return { rows, bars };
}

/** Beside HAProxy. */
function limitOf({ size, connections }: TlsCpuPlan): number {
  if (size === "1MiB") return 0.9;
  return connections === FEW ? 0.95 : 0.85;
}

/** Between two looks while wrk runs: how many requests were answered, and what the proxy ran meanwhile. */
async function sampleOf(
  proxy: Proxy,
  setup: ProxySetup,
  { size, connections, seconds }: TlsCpuPlan,
): Promise<Sample> {
  const load = runWrk({ proxy, size, connections, seconds });
  try {
    await delay(LEAD_MS);
    const first = await look(proxy, setup, size);
    await delay(seconds * 1000 - LEAD_MS - TAIL_MS);
    const last = await look(proxy, setup, size);
    const requests = last.requests - first.requests;
    return {
      cpuUs: (last.nanoseconds - first.nanoseconds) / requests / 1000,
      rate: requests / ((last.at - first.at) / 1000),
    };
  } finally {
    await load;
  }
}

interface Look {
  readonly requests: number;
  readonly nanoseconds: number;
  /** ms */
  readonly at: number;
}

/** Time goes by while the requests are counted: the CPU is that of the middle. */
async function look({ tree, port }: Proxy, setup: ProxySetup, size: Size): Promise<Look> {
  const before = { nanoseconds: cpuNanoseconds(tree), at: performance.now() };
  // Large answers begin and end in waves of all connections, but their bytes flow evenly.
  const requests = size === "1MiB" ? await bytesAcknowledged(port) / SIZES[size] : await setup.answered();
  const after = { nanoseconds: cpuNanoseconds(tree), at: performance.now() };
  return {
    requests,
    nanoseconds: (before.nanoseconds + after.nanoseconds) / 2,
    at: (before.at + after.at) / 2,
  };
}
