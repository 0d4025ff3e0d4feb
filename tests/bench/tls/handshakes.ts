/** Handshakes that a proxy does in a second of CPU time, full ones and resumed ones. */
import type { LoadGenerator } from "../load/generator.ts";
import { Interleaved } from "../interleaved.ts";
import { cpuNanoseconds } from "../process.ts";
import { type Bar, bar, type Found, median, type Row, row, unknownBar } from "../report.ts";
import type { Proxy, ProxyName } from "../setup.ts";

/** At a time. */
const CONNECTIONS = 32;
/** Not counted: code is compiled in them, and until then it costs a worker thread as well. */
const WARM_UP_HANDSHAKES = 3_000;
const LIMIT = 1.0;

interface Sample {
  /** Handshakes a second of CPU time. */
  readonly perCpu: number;
  /** Handshakes a second of the clock. */
  readonly perSecond: number;
  /** Tickets that a handshake brought. */
  readonly tickets: number;
  /** Share of handshakes. */
  readonly resumed: number;
}

export interface HandshakePlan {
  /** As in the bar's name. */
  readonly kind: "handshake_ecdsa" | "handshake_rsa" | "resumed";
  readonly rounds: number;
  /** In a sample. */
  readonly handshakes: number;
  readonly load: LoadGenerator;
}

export async function measureHandshakes(proxies: readonly Proxy[], plan: HandshakePlan): Promise<Found> {
  for (const proxy of proxies) await sampleOf(proxy, { ...plan, handshakes: WARM_UP_HANDSHAKES });
  const found = await Interleaved.measure(proxies, plan.rounds, (proxy) => sampleOf(proxy, plan));
  const name = `tls.${plan.kind}`;
  const rows: Row[] = found.names.flatMap((proxy) => [
    row(`${name}.${proxy}.rate`, "handshakes/CPU s", found.values(proxy, ({ perCpu }) => perCpu)),
    row(`${name}.${proxy}.per_second`, "handshakes/s", found.values(proxy, ({ perSecond }) => perSecond)),
    row(`${name}.${proxy}.tickets`, "tickets/handshake", found.values(proxy, ({ tickets }) => tickets)),
  ]);
  const ratios = (peer: ProxyName) => found.ratios(peer, ({ perCpu }) => perCpu);
  rows.push(row(`${name}.rate_vs_nginx`, "ratio, no limit", ratios("nginx")));
  return { rows, bars: [barOf(`${name}.rate_vs_haproxy`, plan.kind, found, median(ratios("haproxy")))] };
}

/** Work that was not done is no speed. */
function barOf(name: string, kind: HandshakePlan["kind"], found: Interleaved<Sample>, ratio: number): Bar {
  const unknown = (reason: string) => unknownBar(name, LIMIT, "higher", reason);
  for (const proxy of ["ours", "haproxy"] as const) {
    const resumed = found.values(proxy, (sample) => sample.resumed);
    const wanted = kind === "resumed" ? 1 : 0;
    if (resumed.some((share) => share !== wanted)) {
      return unknown(`of ${proxy}'s handshakes were resumed: ${resumed.map((share) => share.toFixed(3)).join(", ")}`);
    }
    if (found.values(proxy, ({ tickets }) => tickets).some((count) => count < 1)) {
      return unknown(`${proxy} gave no new ticket with each handshake, which is less work`);
    }
  }
  return bar(name, ratio, LIMIT, "higher");
}

async function sampleOf({ target: { port }, tree }: Proxy, plan: HandshakePlan): Promise<Sample> {
  const { handshakes, load, kind } = plan;
  const before = cpuNanoseconds(tree);
  const start = performance.now();
  const { resumed, tickets } = await load.handshakes({
    port,
    connections: CONNECTIONS,
    handshakes,
    isResuming: kind === "resumed",
  });
  const seconds = (performance.now() - start) / 1000;
  const cpuSeconds = (cpuNanoseconds(tree) - before) / 1e9;
  return {
    perCpu: handshakes / cpuSeconds,
    perSecond: handshakes / seconds,
    tickets: tickets / handshakes,
    resumed: resumed / handshakes,
  };
}
