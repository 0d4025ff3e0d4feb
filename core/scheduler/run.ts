/** `dlba scheduler`: the engine of this node as a process. */
import { runDir } from "../config/paths.ts";
import { schedulerRestartPaths, takeable } from "../config/takeable.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { isBpffs } from "../../ffi/bpffs.ts";
import { Mapping } from "../../ffi/mapping.ts";
import { onReload } from "../node/reload.ts";
import { announceReady } from "../node/role.ts";
import { graceSeconds, isElected } from "../failover/plan.ts";
import { Leadership } from "../failover/leadership.ts";
import { chooseEngine } from "./choose_engine.ts";
import { lockEngine } from "./engine_lock.ts";
import { EngineState } from "./engine_state.ts";
import { hashKeyOf } from "./hash_key.ts";
import { NODE_STATE_FILE, NodeState } from "./node_table.ts";
import { detachPinned, PIN_FOLDER } from "./pinned_program.ts";
import { vipsOf } from "./services.ts";
import { ElectedDuty, FixedDuty } from "./vip_duty.ts";

/** Runs until SIGTERM or SIGINT. Throws UsageError where the engine cannot start, with nothing left of it. */
export async function runScheduler(config: Config, node: NodeConfig, configFile: string): Promise<void> {
  const log = (line: string) => console.error(`scheduler ${node.name}: ${line}`);
  const dir = runDir(config, node);
  // statusd writes it; who it found failed stays failed until it says otherwise.
  const mapping = Mapping.create(`${dir}/${NODE_STATE_FILE}`, NodeState.BYTES);
  using _lock = await lockEngine(dir, node.name);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.abort());
  try {
    const hashKey = hashKeyOf(config, configFile);
    const engine = chooseEngine({ config, node, dir, state: new NodeState(mapping.buffer), hashKey, log });
    const elected = isElected(config) ? electedDuty(dir, graceSeconds(config), log) : undefined;
    let endReload = () => {};
    try {
      await engine.run(stop.signal, elected?.duty ?? new FixedDuty(), () => {
        const does = elected ? "stands by to answer" : "answers";
        log(
          `${does} ARP for ${vipsOf(config).join(", ")} on ${node.interface}, engine ${engine.tables.settings.engine}`,
        );
        endReload = onReload({ dir, role: "scheduler", configFile, config, log }, ({ config: after }) => {
          engine.take(takeable(config, after));
          return schedulerRestartPaths(config, after);
        });
        announceReady();
      });
    } finally {
      endReload();
      elected?.close();
      engine.close();
    }
  } finally {
    mapping.close();
  }
}

function electedDuty(dir: string, graceTime: number, log: (line: string) => void) {
  const { leadership, mapping } = Leadership.open(dir);
  const { engine, mapping: engineMapping } = EngineState.open(dir);
  const close = () => {
    mapping.close();
    engineMapping.close();
  };
  return { duty: new ElectedDuty(leadership, engine, graceTime, log), close };
}

/**
 * `dlba scheduler --detach`: takes the xdp engine's program from the interface; true when there was one. Throws UsageError where the engine's
 * process runs: it would announce the VIP before an interface without a program.
 */
export async function detachScheduler(config: Config, node: NodeConfig): Promise<boolean> {
  const dir = runDir(config, node), folder = `${dir}/${PIN_FOLDER}`;
  if (!isBpffs(folder)) return false;
  using _lock = await lockEngine(dir, node.name);
  return detachPinned(folder);
}
