/** The election's plan by the config. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { firstScheduler } from "./first_scheduler.ts";
import type { ElectionPlan } from "./machine.ts";

/** No node has it. */
export const ARBITER = 256;

/** Whether who schedules may change: with one node, or without coordination, it is fixed. */
export function isElected({ nodes, failover }: Config): boolean {
  return failover.coordination !== "none" && nodes.filter(({ enabled }) => enabled).length > 1;
}

/** A node that has lost the VIP forwards for so long, s: the kernel counts by seconds. */
export function graceSeconds({ failover }: Config): number {
  return Math.ceil(failover.grace_time / 1000);
}

export function electionPlan(config: Config, node: NodeConfig): ElectionPlan {
  const { nodes, failover } = config;
  const ranked = [...nodes].sort((one, other) => other.priority - one.priority || one.id - other.id);
  return {
    self: node.id,
    ranking: ranked.map(({ id }) => id),
    eligible: new Set(nodes.filter(({ enabled }) => enabled).map(({ id }) => id)),
    first: firstScheduler(config).id,
    hasWitness: failover.witness !== undefined,
    arbiter: failover.coordination === "etcd" ? ARBITER : undefined,
    timing: {
      pingInterval: failover.ping_interval,
      pingMisses: failover.ping_misses,
      processTimeout: failover.process_timeout,
      aloneTimeout: failover.alone_timeout,
      preemptDelay: failover.preempt ? failover.preempt_delay : undefined,
    },
  };
}
