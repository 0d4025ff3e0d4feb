/** `dlba serve`: one proxy process. */
import { runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { announceReady } from "../node/role.ts";
import { Server } from "./server.ts";
import { createTable } from "./table_files.ts";

export interface ServeOptions {
  readonly configFile: string;
  /** Instead of the VIP. */
  readonly listen?: string | undefined;
  /** Which of the node's proxy processes this is, from 0. */
  readonly worker: number;
}

/** Serves until SIGTERM or SIGINT. Throws UsageError where it cannot start. */
export async function runServe(config: Config, node: NodeConfig, options: ServeOptions): Promise<void> {
  const { configFile, listen, worker } = options;
  const { mapping, table } = createTable(runDir(config, node), worker, config);
  try {
    const address = listen ?? config.array.vip;
    const server = new Server({ config, configFile, address, table });
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => server.stop());
    console.error(`serve: listening on ${server.addresses.join(", ")}`);
    announceReady();
    await server.run();
  } finally {
    mapping.close();
  }
}
