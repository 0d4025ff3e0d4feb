/** `dlba statusd`: the control process of a node. */
import { isLinkUp } from "../../ffi/ethtool.ts";
import { Mapping } from "../../ffi/mapping.ts";
import { isDeepStrictEqual } from "node:util";
import { runDir } from "../config/paths.ts";
import { takeable } from "../config/takeable.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import { UsageError } from "../errors.ts";
import { Leadership } from "../failover/leadership.ts";
import { onReload } from "../node/reload.ts";
import { announceReady } from "../node/role.ts";
import { hashKeyOf } from "../scheduler/hash_key.ts";
import { NODE_STATE_FILE, NodeState } from "../scheduler/node_table.ts";
import { SpeederizeControl } from "../speederize/control.ts";
import { Hub } from "../monitor/dashboard/hub.ts";
import { statusApp } from "./app.ts";
import { EventLog } from "./events.ts";
import { fetchHour, fetchOverview } from "./fetch.ts";
import { Hour } from "./hour.ts";
import { LiveConnections } from "./live_connections.ts";
import { checkDirect, checkProxy } from "./node_check.ts";
import { PathCheck } from "./path_check.ts";
import { Pinger } from "./pinger.ts";
import { SchedulingReader } from "./scheduling.ts";
import { Snapshot } from "./snapshot.ts";
import { StatusServer } from "./status_server.ts";
import { SweepBoard } from "./sweep_board.ts";
import { ForProxies } from "./for_proxies.ts";
import { Sweeper } from "./sweeper.ts";
import { Work } from "./work.ts";

/** How often the tables are compared with what they were, and the last hour gets a value, ms. */
const WATCH_MS = 1_000;
/** How often it is looked who schedules, ms: two loads. */
const LOOK_MS = 50;

/** Runs until SIGTERM or SIGINT. Throws UsageError where the status port cannot be opened. */
export async function runStatusd(config: Config, node: NodeConfig, configFile: string): Promise<void> {
  const dir = runDir(config, node);
  const log = (line: string) => console.error(`statusd ${node.name}: ${line}`);
  const state = new NodeState(Mapping.create(`${dir}/${NODE_STATE_FILE}`, NodeState.BYTES).buffer);
  const { leadership } = Leadership.open(dir);
  const hashKey = hashKeyOf(config, configFile);
  const board = new SweepBoard();
  const viewOf = (config: Config) => {
    // One that has left the array goes on as it was until it is stopped.
    const self = config.nodes.find(({ name }) => name === node.name) ?? node;
    const scheduling = new SchedulingReader(config, self, leadership);
    return { config, node: self, scheduling, live: new LiveConnections(config, self, hashKey) };
  };
  let view = viewOf(config);
  const stop = new AbortController();
  const snapshot = new Snapshot({ ...view, state, board });
  const events = new EventLog(), hour = new Hour();
  const hub = new Hub({ ports: portsOf(config), ask: fetchOverview, askHour: fetchHour });
  const app = statusApp({ snapshot, events, hour, hub });
  const addresses = ({ nodes }: Config) => nodes.map(({ address }) => address.address);
  const server = new StatusServer(listen(config, node), (request) => app.fetch(request), addresses(config));
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.abort());
  const proxies = new ForProxies(dir, configFile, log);
  const work = new Work(stop.signal, ({ config, node, scheduling }: typeof view) => [
    (signal) => sweepWhileScheduling(config, node, state, scheduling, board, signal),
    (signal) => proxies.run({ config, node, state, scheduling }, signal),
  ]);
  const speeding = new Work(stop.signal, ({ config: { speederize }, node }: typeof view) => [
    (signal) => speederize && new SpeederizeControl(speederize, dir, node.address.address).run(signal, log),
  ]);
  await work.begin(view);
  await speeding.begin(view);
  const endReload = onReload({ dir, role: "statusd", configFile, config, log }, async ({ config: after }) => {
    const before = view.config, next = takeable(config, after);
    view = viewOf(next);
    snapshot.take(view);
    server.takeMembers(addresses(next));
    if (!isDeepStrictEqual(portsOf(next), portsOf(before))) hub.take(portsOf(next));
    if (!isDeepStrictEqual(next, before)) await work.begin(view);
    if (!isDeepStrictEqual(next.speederize, before.speederize)) await speeding.begin(view);
  });
  announceReady();
  await Promise.all([
    server.run(stop.signal),
    work.ended,
    speeding.ended,
    lookOut(snapshot, events, hour, stop.signal),
  ]);
  endReload();
  proxies.close();
}

function portsOf({ nodes, control }: Config) {
  return nodes.map(({ address }) => ({ address: address.address, port: control.status_port }));
}

/** For those who watch, now or later. */
async function lookOut(snapshot: Snapshot, events: EventLog, hour: Hour, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const overview = snapshot.overview([]);
    events.look(overview);
    hour.add(Math.floor(Date.now() / 1000), overview.requests);
    await delay(WATCH_MS, stop);
  }
}

/** Sweeps as long as this node schedules; from one time to the next it knows of no failed node but by the election. */
async function sweepWhileScheduling(
  config: Config,
  node: NodeConfig,
  state: NodeState,
  scheduling: SchedulingReader,
  board: SweepBoard,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const { isOwn, epoch, failed } = scheduling.current();
    if (!isOwn) {
      // An engine that stands by must not take buckets out of its copy by what was so once.
      if (state.failed.some((value) => value !== 0)) state.begin(0, []);
      await delay(LOOK_MS, stop);
      continue;
    }
    // A predecessor of this process found out about the others in the same epoch.
    if (state.epoch !== epoch) state.begin(epoch, failed);
    const over = new AbortController();
    const sweeping = sweep(config, node, state, board, AbortSignal.any([stop, over.signal]));
    while (!stop.aborted && scheduling.current().isOwn && scheduling.current().epoch === epoch) {
      await delay(LOOK_MS, stop);
    }
    over.abort();
    await sweeping;
    board.clear();
  }
}

async function sweep(
  config: Config,
  node: NodeConfig,
  state: NodeState,
  board: SweepBoard,
  signal: AbortSignal,
): Promise<void> {
  const log = (line: string) => console.error(`statusd ${node.name}: ${line}`);
  const path = new PathCheck(config, node);
  const pinger = openPinger(config, node, log);
  const way = opened(path, log);
  const check = config.array.mode === "direct" ? checkDirect(way) : checkProxy(config, way);
  const others = { config, node, state, board, check, pinger, isLinkUp: () => isLinkUp(node.interface), log };
  try {
    await new Sweeper(others).run(signal);
  } finally {
    pinger?.close();
    path.close();
  }
}

/** Without the right to ping the sweep does without. */
function openPinger(config: Config, node: NodeConfig, log: (line: string) => void): Pinger | undefined {
  try {
    return new Pinger(
      config.nodes.filter((other) => other !== node).map(({ id, address }) => ({ id, address: address.address })),
    );
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    log(`${error.message}; nodes are only asked for their status`);
    return undefined;
  }
}

/** The path check, where it can look: an interface that is down comes up again. */
function opened(path: PathCheck, log: (line: string) => void): () => PathCheck | undefined {
  let reason = "";
  return () => {
    try {
      path.open();
      return path;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      if (error.message !== reason) log(`${error.message}; whether nodes take frames for the VIP is not looked at`);
      reason = error.message;
      return undefined;
    }
  };
}

function listen(config: Config, node: NodeConfig): Deno.Listener {
  const hostname = node.address.address;
  const port = config.control.status_port;
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new UsageError(
        `Port ${port} of ${hostname} is in use by another program: ss -ltnp 'sport = :${port}' names it`,
      );
    }
    if (error instanceof Deno.errors.AddrNotAvailable) {
      throw new UsageError(`${hostname} is not an address of this machine: is this node ${node.name}?`);
    }
    throw error;
  }
}
