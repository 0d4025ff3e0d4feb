/** Which engine runs: that of the config, or with `auto` the first that this machine can. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import type { Engine } from "./engine.ts";
import type { NodeState } from "./node_table.ts";
import { PcapEngine } from "./pcap_engine.ts";
import { detachPinned, PIN_FOLDER } from "./pinned_program.ts";
import { createTableFile, removeTableFile, TABLE_FILE } from "./table_file.ts";
import type { SchedulerTables } from "./tables.ts";
import { Upkeep } from "./upkeep.ts";
import { XdpEngine } from "./xdp_engine.ts";

export interface EnginePlan {
  readonly config: Config;
  readonly node: NodeConfig;
  /** The node's run folder. */
  readonly dir: string;
  readonly state: NodeState;
  /** 16 bytes, where the config says `hash: keyed`. */
  readonly hashKey: Uint8Array | undefined;
  readonly log: (line: string) => void;
}

/** Throws UsageError where none can run. */
export function chooseEngine(plan: EnginePlan): Engine {
  const wanted = plan.config.scheduler.engine;
  if (wanted === "pcap") return pcapEngine(plan);
  try {
    return xdpEngine(plan);
  } catch (error) {
    if (wanted === "xdp" || !(error instanceof UsageError)) throw error;
    const engine = pcapEngine(plan);
    plan.log(`engine auto: pcap, because xdp cannot run here: ${error.message}`);
    return engine;
  }
}

function xdpEngine({ config, node, dir, log, ...plan }: EnginePlan): Engine {
  const engine = new XdpEngine(
    config,
    node,
    `${dir}/${PIN_FOLDER}`,
    upkeepOf({ config, node, dir, log, ...plan }),
    log,
  );
  // What a pcap engine left: readers look at the tables of the engine that runs.
  removeTableFile(`${dir}/${TABLE_FILE}`);
  return engine;
}

function pcapEngine(plan: EnginePlan): Engine {
  const { config, node, dir, log } = plan;
  // The kernel would go on scheduling, and leave no frame to this engine.
  if (detachPinned(`${dir}/${PIN_FOLDER}`)) log("detached the xdp engine that was here");
  const tables = createTableFile(`${dir}/${TABLE_FILE}`, config.scheduler.table_size);
  try {
    return new PcapEngine(config, node, tables, upkeepOf(plan)(tables), log);
  } catch (error) {
    tables.close();
    throw error;
  }
}

function upkeepOf({ config, node, state, hashKey }: EnginePlan): (tables: SchedulerTables) => Upkeep {
  return (tables) => new Upkeep(config, node, tables, state, hashKey);
}
