import type { Config, NodeConfig } from "../config/schema.ts";

/** The node that starts as scheduler: the one that the config names, else the enabled one of the lowest id. */
export function firstScheduler({ nodes, failover }: Config): NodeConfig {
  const enabled = nodes.filter((node) => node.enabled).sort((one, other) => one.id - other.id);
  return nodes.find((node) => node.name === failover.first_scheduler) ?? enabled[0]!;
}
