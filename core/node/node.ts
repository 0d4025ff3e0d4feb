/** `dlba node`: every role of a node in one supervised process tree. */
import { keptConfig } from "../config/load.ts";
import { runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { bootSeconds } from "../../ffi/clock.ts";
import { give } from "../failover/control.ts";
import { firstScheduler } from "../failover/first_scheduler.ts";
import { Leadership } from "../failover/leadership.ts";
import { isElected } from "../failover/plan.ts";
import { openChannel } from "../push/channel.ts";
import type { OpenedConfiguration } from "../push/open.ts";
import { Reloader } from "./reloader.ts";
import { announceReady, dlbaCommand } from "./role.ts";
import { type RolePlan, Supervisor } from "./supervisor.ts";

/** What a role needs to end beyond the time in which it drains, ms. */
const STOP_MARGIN_MS = 2_000;

/**
 * Runs the node until SIGTERM or SIGINT; resolves to the exit code. A role that cannot start has said why on stderr:
 * the others are stopped again and its exit code is passed on.
 */
export async function runNode(opened: OpenedConfiguration): Promise<number> {
  const { config, self: node, configFile } = opened;
  const stopTimeout = config.proxy.drain_timeout + STOP_MARGIN_MS;
  const dir = runDir(config, node);
  Deno.mkdirSync(dir, { recursive: true });
  const log = (line: string) => console.error(`node ${node.name}: ${line}`);
  const supervisor = new Supervisor(log, stopTimeout, keptConfig(`${dir}/dlba.yaml`));
  const reloader = new Reloader(dir, supervisor);
  const configuration = opened.inRunFolder(dir, reloader, log);
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop());

  for (const role of roles(config, node, configFile)) {
    const outcome = await Promise.race([supervisor.start(role), stopped]);
    if (outcome === "ready") continue;
    configuration.close();
    await supervisor.stop();
    return outcome ?? 0;
  }
  const channel = await openChannel({ ...opened, configuration, log });
  announceReady();
  await stopped;
  await channel?.close();
  configuration.close();
  if (isElected(config)) await leaveVip(dir, log);
  await supervisor.stop();
  return 0;
}

/** Connections are handed over whole while every role still runs; what cannot be handed over others take once this node is gone. */
async function leaveVip(dir: string, log: (line: string) => void): Promise<void> {
  const { leadership, mapping } = Leadership.open(dir);
  const hasVip = (leadership.read()?.activeUntil ?? 0) > bootSeconds();
  mapping.close();
  if (!hasVip) return;
  try {
    const { failure } = await give(dir, { kind: "handover", to: undefined });
    if (failure !== undefined) log(`the VIP is not handed over: ${failure}`);
  } catch (error) {
    log(`the VIP is not handed over: ${error instanceof Error ? error.message : error}`);
  }
}

/** In the order of their start: a node answers for its status before it takes traffic. */
function roles(config: Config, node: NodeConfig, configFile: string): RolePlan[] {
  const command = (role: string, ...flags: string[]) =>
    dlbaCommand([role, "--config", configFile, "--node", node.name, ...flags]);
  const cores = config.proxy.workers || navigator.hardwareConcurrency;
  const workers = config.array.mode === "direct" ? 0 : cores;
  return [
    { name: "statusd", command: command("statusd") },
    ...Array.from({ length: workers }, (_, worker) => ({
      name: `serve ${worker}`,
      command: command("serve", "--worker", String(worker), "--workers", String(workers)),
      drains: true,
    })),
    // Last: once it answers ARP for the VIP, frames come. Elected, it stands by until the failover daemon has the VIP.
    ...(schedules(config, node) ? [{ name: "scheduler", command: command("scheduler") }] : []),
    ...(isElected(config) ? [{ name: "failover", command: command("failover") }] : []),
  ];
}

function schedules(config: Config, node: NodeConfig): boolean {
  return isElected(config) ? node.enabled : firstScheduler(config) === node;
}
