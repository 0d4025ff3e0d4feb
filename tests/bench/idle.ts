/** What an idle kept-alive connection costs in resident memory. */
import { delay } from "../../core/delay.ts";
import { LoadGenerator } from "./load/generator.ts";
import { connectionsAt, residentBytes } from "./process.ts";
import { type Row, row } from "./report.ts";
import type { KeyType } from "./certificate.ts";
import { LOAD_CORE, PROXIES, type Proxy, ProxySetup } from "./setup.ts";

const PATH = "/100B";
/**
 * Few: the buffers that many busy connections leave behind would take the idle ones in, and hide what they cost (HAProxy: 530 bytes after a
 * warm-up with 256 connections, 1,150 after one with 8).
 */
const WARM_UP_CONNECTIONS = 8;
/** Nothing is compiled at run time in these. */
const PEER_WARM_UP_REQUESTS = 20_000;
/** A handshake runs code of its own, and is not compiled by requests. */
const WARM_UP_HANDSHAKES = 500;

export interface IdleOptions {
  readonly rounds: number;
  /** Ordinary load for ours first, so that code is compiled and the heap has its size: so many requests. */
  readonly warmUpRequests: number;
  /** Time between the last request and reading the memory, ms. */
  readonly settleMs: number;
}

interface IdlePlan extends IdleOptions {
  readonly connections: number;
  readonly tls?: KeyType;
}

/** Bytes a connection, one figure a round. */
export type IdleBytes = Readonly<Record<typeof PROXIES[number], number[]>>;

/**
 * Growth of the resident memory by so many connections with one request each. No collection is forced. Every round has fresh
 * processes: an allocator, or a heap, keeps what an earlier round gave back.
 */
export async function measureIdle(plan: IdlePlan): Promise<IdleBytes> {
  const bytes: IdleBytes = { ours: [], haproxy: [], nginx: [] };
  const setup = { proxies: PROXIES, tls: plan.tls };
  for (let round = 0; round < plan.rounds; round++) {
    const found = await ProxySetup.with(setup, (proxies) => bytesEach(proxies, plan));
    PROXIES.forEach((name, i) => bytes[name].push(found[i]!));
  }
  return bytes;
}

export function idleRows(prefix: string, bytes: IdleBytes): Row[] {
  return PROXIES.map((name) => row(`${prefix}.idle_connection.${name}`, "bytes/connection", bytes[name]));
}

async function bytesEach(proxies: readonly Proxy[], plan: IdlePlan): Promise<number[]> {
  // A process may open 20,000 files: one for each proxy.
  const loads = proxies.map(() => new LoadGenerator(LOAD_CORE));
  try {
    for (const [i, proxy] of proxies.entries()) await warmUp(proxy, loads[i]!, plan);
    await delay(plan.settleMs);
    const baselines = proxies.map(({ tree }) => residentBytes(tree));
    for (const [i, { target }] of proxies.entries()) {
      await loads[i]!.hold({ ...target, path: PATH, connections: plan.connections });
    }
    await delay(plan.settleMs);
    const grown = proxies.map(({ tree }, i) => residentBytes(tree) - baselines[i]!);
    for (const { name, port } of proxies) {
      const left = connectionsAt(port);
      if (left !== plan.connections) throw new Error(`${name} holds ${left} of ${plan.connections} idle connections`);
    }
    return grown.map((bytes) => bytes / plan.connections);
  } finally {
    for (const load of loads) await load.stop();
  }
}

async function warmUp({ name, target }: Proxy, load: LoadGenerator, { warmUpRequests }: IdlePlan): Promise<void> {
  const requests = name === "ours" ? warmUpRequests : PEER_WARM_UP_REQUESTS;
  await load.counted({ ...target, path: PATH, connections: WARM_UP_CONNECTIONS, requests });
  if (!target.isTls) return;
  await load.handshakes({
    port: target.port,
    connections: WARM_UP_CONNECTIONS,
    handshakes: WARM_UP_HANDSHAKES,
    isResuming: false,
  });
}
