/** `dlba scheduler`: the engine of this node as a process. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { runDir } from "../config/paths.ts";
import { Mapping } from "../../ffi/mapping.ts";
import { announceReady } from "../node/role.ts";
import { NODE_STATE_FILE, NodeState } from "./node_table.ts";
import { PcapEngine } from "./pcap_engine.ts";
import { TABLE_FILE, TableFile } from "./table_file.ts";

/** Runs until SIGTERM or SIGINT. Throws UsageError where the engine cannot start, with nothing left of it. */
export async function runScheduler(config: Config, node: NodeConfig): Promise<void> {
  const log = (line: string) => console.error(`scheduler ${node.name}: ${line}`);
  const dir = runDir(config, node);
  // statusd writes it: who it found failed stays failed until it says otherwise.
  const state = Mapping.create(`${dir}/${NODE_STATE_FILE}`, NodeState.BYTES);
  const tables = TableFile.create(`${dir}/${TABLE_FILE}`, config.scheduler.table_size);
  const engine = new PcapEngine(config, node, tables, new NodeState(state.buffer), log);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.abort());
  try {
    await engine.run(stop.signal, () => {
      log(`answers ARP for ${config.array.vip} on ${node.interface}, engine pcap`);
      announceReady();
    });
  } finally {
    engine.close();
    state.close();
  }
}
