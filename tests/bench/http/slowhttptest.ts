/** Slow clients by slowhttptest(1), an attack tool that has the ways in which a client can be slow. */
import { delay } from "../../../core/delay.ts";
import { connectionsAt, startPinned, stop } from "../process.ts";
import { LOAD_CORE } from "../setup.ts";

export const SLOW_CLIENTS = 100;
/** Longest wait until they are all connected, ms. */
const CONNECT_MS = 5_000;
/** Seconds after which they would end by themselves. */
const LENGTH_S = 60;

/** A head, or a body, of which a few bytes come each second; answers of 1 MiB read 32 bytes a second through a small window. */
const WAYS = {
  head: { flags: ["-H", "-i", "1", "-x", "10"], path: "/100B" },
  body: { flags: ["-B", "-i", "1", "-x", "10", "-s", "8192"], path: "/upload" },
  read: { flags: ["-X", "-n", "1", "-z", "32", "-w", "512", "-y", "1024", "-k", "3"], path: "/1MiB" },
} as const;

export type Way = keyof typeof WAYS;
export const SLOW_WAYS = Object.keys(WAYS) as Way[];

export class SlowClients {
  private constructor(readonly port: number, readonly others: number, readonly child: Deno.ChildProcess) {}

  /** Resolves once all are connected, or 5 s have passed. */
  static async start(way: Way, port: number): Promise<SlowClients> {
    const { flags, path } = WAYS[way];
    const count = ["-c", String(SLOW_CLIENTS), "-r", String(5 * SLOW_CLIENTS), "-l", String(LENGTH_S)];
    const command = ["slowhttptest", ...flags, ...count, "-u", `http://127.0.0.1:${port}${path}`];
    const clients = new SlowClients(port, connectionsAt(port), startPinned(LOAD_CORE, command, "/dev/null"));
    for (let waited = 0; waited < CONNECT_MS && clients.connected < SLOW_CLIENTS; waited += 50) await delay(50);
    return clients;
  }

  /** How many of them are connected now. */
  get connected(): number {
    return connectionsAt(this.port) - this.others;
  }

  async stop(): Promise<void> {
    await stop(this.child);
    for (let waited = 0; waited < CONNECT_MS && this.connected > 0; waited += 50) await delay(50);
  }
}
