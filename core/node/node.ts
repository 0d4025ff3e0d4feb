/** `dlba node`: every role of a node in one supervised process tree. */
import { keepConfig } from "../config/load.ts";
import { runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { firstScheduler } from "../failover/first_scheduler.ts";
import { announceReady, dlbaCommand } from "./role.ts";
import { type RolePlan, Supervisor } from "./supervisor.ts";

/** What a role needs to end beyond the time in which it drains, ms. */
const STOP_MARGIN_MS = 2_000;

/**
 * Runs the node until SIGTERM or SIGINT; resolves to the exit code. A role that cannot start has said why on stderr:
 * the others are stopped again and its exit code is passed on.
 */
export async function runNode(config: Config, node: NodeConfig, configFile: string): Promise<number> {
  const stopTimeout = config.proxy.drain_timeout + STOP_MARGIN_MS;
  const dir = runDir(config, node);
  Deno.mkdirSync(dir, { recursive: true });
  const env = keepConfig(configFile, `${dir}/dlba.yaml`);
  const supervisor = new Supervisor((line) => console.error(`node ${node.name}: ${line}`), stopTimeout, env);
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop());

  for (const role of roles(config, node, configFile)) {
    const outcome = await Promise.race([supervisor.start(role), stopped]);
    if (outcome === "ready") continue;
    await supervisor.stop();
    return outcome ?? 0;
  }
  announceReady();
  await stopped;
  await supervisor.stop();
  return 0;
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
      command: command("serve", "--worker", String(worker)),
      drains: true,
    })),
    // Last: once it answers ARP for the VIP, frames come.
    ...(firstScheduler(config) === node ? [{ name: "scheduler", command: command("scheduler") }] : []),
  ];
}
