/** `dlba serve`: one proxy process. */
import { runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { announceReady } from "../node/role.ts";
import { handoverPath, HandoverPort, Predecessor } from "./handover.ts";
import { Server } from "./server.ts";
import { createTable, othersServe } from "./table_files.ts";

export interface ServeOptions {
  readonly configFile: string;
  /** Instead of the VIP. */
  readonly listen?: string | undefined;
  /** Which of the node's proxy processes this is, from 0. */
  readonly worker: number;
  /** Take the listening sockets of the process that is this worker now; it drains and ends. */
  readonly takeOver: boolean;
}

/** Serves until SIGTERM or SIGINT, or until a successor takes over. Throws UsageError where it cannot start. */
export async function runServe(config: Config, node: NodeConfig, options: ServeOptions): Promise<void> {
  const { configFile, listen, worker, takeOver } = options;
  const dir = runDir(config, node);
  const path = handoverPath(dir, worker);
  const { mapping, table } = createTable(dir, worker, config);
  try {
    const address = listen ?? config.array.vip;
    const predecessor = takeOver ? new Predecessor(path) : undefined;
    const inherited = predecessor?.takeSockets() ?? [];
    const server = new Server({ config, configFile, address, table, inherited, isAlone: !othersServe(dir) });
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => server.stop());
    const port = new HandoverPort(path, server.loop, server);
    console.error(`serve: listening on ${server.addresses.join(", ")}`);
    announceReady();
    predecessor?.release();
    await server.run();
    port.close();
  } finally {
    mapping.close();
  }
}
