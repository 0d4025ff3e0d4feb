/** `dlba statusd`: the control process of a node. */
import { Mapping } from "../../ffi/mapping.ts";
import { runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import { firstScheduler } from "../failover/first_scheduler.ts";
import { announceReady } from "../node/role.ts";
import { NODE_STATE_FILE, NodeState } from "../scheduler/node_table.ts";
import { statusApp } from "./app.ts";
import { DirectCheck } from "./direct_check.ts";
import { type Ask, askStatusPort, Poller } from "./poller.ts";
import { Snapshot } from "./snapshot.ts";

/** Runs until SIGTERM or SIGINT. Throws UsageError where the status port cannot be opened. */
export async function runStatusd(config: Config, node: NodeConfig): Promise<void> {
  const mapping = Mapping.create(`${runDir(config, node)}/${NODE_STATE_FILE}`, NodeState.BYTES);
  const state = new NodeState(mapping.buffer);
  const stop = new AbortController();
  const server = listen(config, node, new Snapshot(config, node, state), stop.signal);
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.abort());
  announceReady();
  if (firstScheduler(config) === node) {
    const direct = config.array.mode === "direct" ? new DirectCheck(config, node) : undefined;
    const ask: Ask = direct ? (node, signal) => direct.ask(node, signal) : askStatusPort(config.control.status_port);
    await new Poller(config, state, ask, (line) => console.error(`statusd ${node.name}: ${line}`)).run(stop.signal);
    direct?.close();
  }
  await server.finished;
}

function listen(config: Config, node: NodeConfig, snapshot: Snapshot, signal: AbortSignal): Deno.HttpServer {
  const hostname = node.address.address;
  const port = config.control.status_port;
  try {
    return Deno.serve({ hostname, port, signal, onListen: () => {} }, statusApp(snapshot).fetch);
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
