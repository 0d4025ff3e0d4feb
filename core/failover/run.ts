/** `dlba failover`: the failover daemon of a node. */
import { besideConfig, runDir, stateDir } from "../config/paths.ts";
import { takeable, votingPaths } from "../config/takeable.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { bootMilliseconds, bootSeconds } from "../../ffi/clock.ts";
import { onReload } from "../node/reload.ts";
import { announceReady } from "../node/role.ts";
import { EngineState } from "../scheduler/engine_state.ts";
import { ArraySecret } from "../secrets/array_secret.ts";
import { serveOrders } from "./control.ts";
import { Daemon, type DaemonParts } from "./daemon.ts";
import { DurableFile, type Kept } from "./durable_file.ts";
import { Election } from "./election.ts";
import { Envelopes, KEY_BYTES } from "./envelope.ts";
import { NO_EPOCH } from "./epoch.ts";
import { Leadership } from "./leadership.ts";
import { electionPlan, isElected } from "./plan.ts";
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
  const { leadership } = Leadership.open(dir);
  const { engine } = EngineState.open(dir);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.abort());
  const parts = { dir, keys, durable, leadership, engine, log };
  const { promise: failed, reject } = Promise.withResolvers<never>();
  let running = await begin(config, node, parts);
  running.done.catch(reject);
  let inService = config;
  const endReload = onReload({ dir, role: "failover", configFile, config, log }, async ({ config: after }) => {
    const next = takeable(config, after), self = next.nodes.find(({ name }) => name === node.name);
    const paths = votingPaths(inService, next);
    if (paths.length === 0) return [];
    if (!self || !isElected(next) || leavers(inService, next) > 1) return paths;
    await running.end();
    try {
      running = await begin(next, self, parts);
    } catch (error) {
      reject(error);
      throw error;
    }
    running.done.catch(reject);
    inService = next;
    return [];
  });
  announceReady();
  try {
    await Promise.race([failed, serveOrders(dir, (order) => running.daemon.obey(order), stop.signal)]);
  } finally {
    endReload();
    await running.end();
    durable.close();
  }
}

interface Parts extends Pick<DaemonParts, "durable" | "leadership" | "engine" | "log"> {
  readonly dir: string;
  readonly keys: ConstructorParameters<typeof Envelopes>[3];
}

interface Running {
  readonly daemon: Daemon;
  /** Rejects where it failed. */
  readonly done: Promise<void>;
  end(): Promise<void>;
}

/** As a process that starts: with what is on disk, a new boot number, and the VIP where this node has it. */
async function begin(config: Config, node: NodeConfig, { dir, keys, ...parts }: Parts): Promise<Running> {
  const kept = startedAnew(parts.durable, config);
  const senses = new Senses(config, node, parts.engine);
  const election = new Election(
    electionPlan(config, node),
    kept,
    heldEpoch(parts.leadership, node),
    bootMilliseconds(),
  );
  const copy = new TableCopy(config, node, dir);
  const daemon = new Daemon({ ...parts, config, node, election, boot: kept.boot, senses, copy });
  const others = config.nodes.filter((other) => other !== node).map(({ id }) => id);
  const envelopes = new Envelopes(node.id, kept.boot, others, keys);
  let wire: Wire;
  try {
    wire = await Wire.open(config, node, envelopes, (from, message) => daemon.take({ kind: "message", from, message }));
  } catch (error) {
    senses.close();
    throw error;
  }
  const over = new AbortController();
  const done = daemon.run(wire, over.signal).finally(() => senses.close());
  const end = async () => {
    if (over.signal.aborted) return;
    over.abort();
    await wire.close();
    await done;
  };
  return { daemon, done, end };
}

/** Enabled nodes that are so no longer: with more than one at a time two majorities could be without a common node. */
function leavers(before: Config, after: Config): number {
  const stay = new Set(after.nodes.filter(({ enabled }) => enabled).map(({ id }) => id));
  return before.nodes.filter(({ id, enabled }) => enabled && !stay.has(id)).length;
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
