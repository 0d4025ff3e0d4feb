/** `dlba failover`: the failover daemon of a node. */
import { besideConfig, runDir, stateDir } from "../config/paths.ts";
import { failoverRestartPaths } from "../config/takeable.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { bootMilliseconds, bootSeconds } from "../../ffi/clock.ts";
import { onReload } from "../node/reload.ts";
import { announceReady } from "../node/role.ts";
import { EngineState } from "../scheduler/engine_state.ts";
import { ArraySecret } from "../secrets/array_secret.ts";
import { serveOrders } from "./control.ts";
import { Daemon } from "./daemon.ts";
import { DurableFile, type Kept } from "./durable_file.ts";
import { Election } from "./election.ts";
import { Envelopes, KEY_BYTES } from "./envelope.ts";
import { NO_EPOCH } from "./epoch.ts";
import { Leadership } from "./leadership.ts";
import { electionPlan } from "./plan.ts";
import { Senses } from "./senses.ts";
import { TableCopy } from "./table_copy.ts";
import { Wire } from "./wire.ts";

const LABEL = "failover messages";

/** Runs until SIGTERM or SIGINT. Throws UsageError where it cannot start. */
export async function runFailover(config: Config, node: NodeConfig, configFile: string): Promise<void> {
  const log = (line: string) => console.error(`failover ${node.name}: ${line}`);
  const dir = runDir(config, node);
  const secret = ArraySecret.load(besideConfig(configFile, `${config.array.secrets}/array.key`));
  const keys = { current: secret.derive(LABEL, KEY_BYTES), previous: secret.derivePrevious(LABEL, KEY_BYTES) };
  const durable = new DurableFile(`${stateDir()}/failover/${config.array.name}-${node.name}`);
  const kept = startedAnew(durable, config);
  const { leadership } = Leadership.open(dir);
  const { engine } = EngineState.open(dir);
  const senses = new Senses(config, node, engine);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.abort());
  const election = new Election(electionPlan(config, node), kept, heldEpoch(leadership, node), bootMilliseconds());
  const copy = new TableCopy(config, node, dir);
  const daemon = new Daemon({
    config,
    node,
    election,
    boot: kept.boot,
    senses,
    copy,
    durable,
    leadership,
    engine,
    log,
  });
  const others = config.nodes.filter((other) => other !== node).map(({ id }) => id);
  const wire = await Wire.open(
    config,
    node,
    new Envelopes(node.id, kept.boot, others, keys),
    (from, message) => daemon.take({ kind: "message", from, message }),
  );
  // Who votes, and by which times, a daemon takes at its start: until then the membership stands as it is.
  const endReload = onReload(
    { dir, role: "failover", configFile, config, log },
    ({ config: after }) => failoverRestartPaths(config, after),
  );
  announceReady();
  try {
    await Promise.all([
      daemon.run(wire, stop.signal),
      serveOrders(dir, (order) => daemon.obey(order), stop.signal),
    ]);
  } finally {
    endReload();
    wire.close();
    senses.close();
    durable.close();
  }
}

/** What the last process kept, with a boot number of this one, on disk. The membership of an array that never voted is the config's. */
function startedAnew(durable: DurableFile, config: Config): Kept {
  const last = durable.kept;
  const members = config.nodes.filter(({ enabled }) => enabled).map(({ id }) => id).sort((one, other) => one - other);
  const kept = {
    // Above the last one even where the clock was set back, and where the file was lost above what the others heard.
    boot: Math.max((last?.boot ?? 0) + 1, Date.now()),
    promised: last?.promised ?? NO_EPOCH,
    membership: withinConfig(last?.membership, members) ?? { epoch: NO_EPOCH, sequence: 0, members },
  };
  durable.write(kept);
  return kept;
}

/** A node that the config has no longer cannot vote. Undefined where none is left. */
function withinConfig(membership: Kept["membership"] | undefined, configured: readonly number[]) {
  const members = membership?.members.filter((id) => configured.includes(id));
  return membership && members && members.length > 0 ? { ...membership, members } : undefined;
}

/** By which a predecessor of this process still has the VIP. */
function heldEpoch(leadership: Leadership, node: NodeConfig): number {
  const state = leadership.read();
  return state && state.scheduler === node.id && state.activeUntil > bootSeconds() ? state.epoch : NO_EPOCH;
}
