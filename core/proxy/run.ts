/** `dlba serve`: one proxy process. */
import { runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { onReload } from "../node/reload.ts";
import { announceReady } from "../node/role.ts";
import { handoverPath, HandoverPort, Predecessor } from "./handover.ts";
import { LiveConfig } from "./live_config.ts";
import { Server } from "./server.ts";
import { othersServe } from "./table_files.ts";

export interface ServeOptions {
  readonly configFile: string;
  /** Instead of the VIP. */
  readonly listen?: string | undefined;
  /** Which of the node's proxy processes this is, from 0. */
  readonly worker: number;
  /** How many those are. */
  readonly workers: number;
  /** Take the listening sockets of the process that is this worker now; it drains and ends. */
  readonly takeOver: boolean;
}

/** Files of certificates are looked at so often, ms. */
const RENEW_MS = 2_000;

/** Serves until SIGTERM or SIGINT, or until a successor takes over. Throws UsageError where it cannot start. */
export async function runServe(config: Config, node: NodeConfig, options: ServeOptions): Promise<void> {
  const { configFile, listen, worker, takeOver } = options;
  const dir = runDir(config, node);
  const path = handoverPath(dir, worker);
  const parts = new LiveConfig(config, node, options, dir);
  try {
    const address = listen ?? config.array.vip;
    const predecessor = takeOver ? new Predecessor(path) : undefined;
    const inherited = predecessor?.takeSockets() ?? [];
    const isAlone = !othersServe(dir);
    const { tls } = parts;
    const server = new Server({ ...parts.forServer(), address, inherited, isAlone });
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => server.stop());
    const port = new HandoverPort(path, server.loop, server);
    console.error(`serve: listening on ${server.addresses.join(", ")}`);
    if (tls && !tls.tickets) {
      console.error("serve: no array secret: TLS sessions resume only where they began; dlba init");
    }
    parts.publish();
    const endReload = onReload(
      { dir, role: `serve ${worker}`, configFile, config, log },
      ({ config }) => parts.take(config, server),
    );
    announceReady();
    predecessor?.release();
    const renewal = setInterval(() => parts.renew(), RENEW_MS);
    parts.begin();
    await server.run();
    endReload();
    clearInterval(renewal);
    port.close();
  } finally {
    parts.close();
  }
}

function log(line: string): void {
  console.error(`serve: ${line}`);
}
