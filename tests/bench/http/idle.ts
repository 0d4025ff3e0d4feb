/** What an idle kept-alive connection costs in resident memory. */
import { delay } from "../../../core/delay.ts";
import { LoadGenerator } from "../load/generator.ts";
import { residentBytes } from "../process.ts";
import { type Bar, bar, median, type Row, row } from "../report.ts";
import { HttpSetup, LOAD_CORE, PROXIES, type Proxy } from "./setup.ts";

const CONNECTIONS = 8_000;
const LIMIT_BYTES = 2_048;
const PATH = "/100B";
/**
 * Few: the buffers that many busy connections leave behind would take the idle ones in, and hide what they cost (HAProxy: 530 bytes after a
 * warm-up with 256 connections, 1,150 after one with 8).
 */
const WARM_UP_CONNECTIONS = 8;
/** Nothing is compiled at run time in these. */
const PEER_WARM_UP_REQUESTS = 20_000;

export interface IdleOptions {
  readonly rounds: number;
  /** Ordinary load for ours first, so that code is compiled and the heap has its size: so many requests. */
  readonly warmUpRequests: number;
  /** Time between the last request and reading the memory, ms. */
  readonly settleMs: number;
}

/**
 * Growth of the resident memory by 8,000 connections with one request each. No collection is forced. Every round has fresh
 * processes: an allocator, or a heap, keeps what an earlier round gave back.
 */
export async function measureIdle(
  options: IdleOptions,
): Promise<{ readonly rows: readonly Row[]; readonly bars: readonly Bar[] }> {
  const bytes = PROXIES.map((): number[] => []);
  for (let round = 0; round < options.rounds; round++) {
    const found = await HttpSetup.with({ proxies: PROXIES }, (proxies) => bytesEach(proxies, options));
    found.forEach((value, i) => bytes[i]!.push(value));
  }
  const rows = PROXIES.map((name, i) => row(`http.idle_connection.${name}`, "bytes/connection", bytes[i]!));
  const ours = bytes[PROXIES.indexOf("ours")]!;
  return { rows, bars: [bar("http.idle_connection_bytes", median(ours), LIMIT_BYTES, "lower")] };
}

async function bytesEach(proxies: readonly Proxy[], { warmUpRequests, settleMs }: IdleOptions): Promise<number[]> {
  // A process may open 20,000 files: one for each proxy.
  const loads = proxies.map(() => new LoadGenerator(LOAD_CORE));
  try {
    for (const [i, { name, port }] of proxies.entries()) {
      const requests = name === "ours" ? warmUpRequests : PEER_WARM_UP_REQUESTS;
      await loads[i]!.counted({ port, path: PATH, connections: WARM_UP_CONNECTIONS, requests });
    }
    await delay(settleMs);
    const baselines = proxies.map(({ tree }) => residentBytes(tree));
    for (const [i, { port }] of proxies.entries()) await loads[i]!.hold({ port, path: PATH, connections: CONNECTIONS });
    await delay(settleMs);
    return proxies.map(({ tree }, i) => (residentBytes(tree) - baselines[i]!) / CONNECTIONS);
  } finally {
    for (const load of loads) await load.stop();
  }
}
