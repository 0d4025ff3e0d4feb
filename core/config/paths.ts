/** Where a node keeps what is not in `dlba.yaml`. */
import { dirname, resolve } from "node:path";
import type { Config, NodeConfig } from "./schema.ts";

/** Sockets and shared tables; gone after a reboot. `DLBA_RUN_DIR` moves it (a test, a user without root). */
export function runDir(config: Config, node: NodeConfig): string {
  return resolve(Deno.env.get("DLBA_RUN_DIR") ?? "/run/dlba", config.array.name, node.name);
}

/** What this machine keeps over a reboot, as the settings that `dlba setup-node --undo` restores. `DLBA_STATE_DIR` moves it. */
export function stateDir(): string {
  return resolve(Deno.env.get("DLBA_STATE_DIR") ?? "/var/lib/dlba");
}

/** A path of the config file, taken relative to the file's own folder. */
export function besideConfig(configFile: string, path: string): string {
  return resolve(dirname(configFile), path);
}
