/** What a role can take up of another config while it runs: all but the keys that wait for a restart, which stay as they were. */
import { isDeepStrictEqual } from "node:util";
import { UsageError } from "../errors.ts";
import { isElected } from "../failover/plan.ts";
import { firstScheduler } from "../failover/first_scheduler.ts";
import { vipsOf } from "../scheduler/services.ts";
import type { Config, NodeConfig } from "./schema.ts";

/** Of the status daemon. */
const SWEEP_KEYS: ReadonlySet<string> = new Set(["sweep_delay", "status_timeout", "status_retries"]);

/**
 * @param began the config with which the role began
 * @returns the other config with the values of {@linkcode began} at the keys of restart.ts, and with its VIPs
 * @throws UsageError where the two cannot be brought together
 */
export function takeable(began: Config, after: Config): Config {
  const { engine, xdp_mode, table_size, hash } = began.scheduler;
  const { coordination, etcd } = began.failover;
  const isSameVips = vipsOf(after).join() === vipsOf(began).join();
  const config = {
    ...after,
    array: began.array,
    control: began.control,
    services: isSameVips ? after.services : began.services,
    scheduler: { ...after.scheduler, engine, xdp_mode, table_size, hash },
    failover: { ...after.failover, coordination, etcd },
    nodes: after.nodes.map((node) => asBegun(node, began)),
  };
  for (const key of ["id", "mac"] as const) {
    const twice = config.nodes.find((node, i) => config.nodes.findIndex((one) => one[key] === node[key]) < i);
    if (twice) throw new UsageError(`nodes[${twice.name}].${key}: ${twice[key]} was another node's: restart the array`);
  }
  if (!isElected(began) && firstScheduler(config).name !== firstScheduler(began).name) {
    throw new UsageError(
      `${firstScheduler(began).name} schedules, without an election: another node can only after a restart`,
    );
  }
  return config;
}

/** Key paths beyond those of restart.ts that wait for a restart of the scheduler. */
export function schedulerRestartPaths(began: Config, after: Config): string[] {
  return [
    ...(vipsOf(after).join() === vipsOf(began).join() ? [] : ["services"]),
    // The one node of an array answers for its VIPs without asking another.
    ...(!isElected(began) && isElected(after) ? ["nodes"] : []),
  ];
}

/** Key paths that say who votes, and by which times. */
export function votingPaths(began: Config, after: Config): string[] {
  const keys = Object.keys({ ...began.failover, ...after.failover }) as (keyof Config["failover"])[];
  const names = [...new Set([...began.nodes, ...after.nodes].map(({ name }) => name))];
  const voterOf = ({ nodes }: Config, name: string) => {
    const node = nodes.find((node) => node.name === name);
    return node && { enabled: node.enabled, priority: node.priority };
  };
  return [
    ...keys.filter((key) => !SWEEP_KEYS.has(key) && !isDeepStrictEqual(began.failover[key], after.failover[key]))
      .map((key) => `failover.${key}`),
    ...names.filter((name) => !isDeepStrictEqual(voterOf(began, name), voterOf(after, name)))
      .map((name) => `nodes[${name}]`),
  ];
}

function asBegun(node: NodeConfig, { nodes }: Config): NodeConfig {
  const before = nodes.find(({ name }) => name === node.name);
  if (!before) return node;
  const { id, address, mac, interface: nic } = before;
  return { ...node, id, address, mac, interface: nic };
}
