/**
 * Weights by the array's policy. The engine always gives a bucket to the node with the fewest IP groups per weight; a policy that goes by load
 * turns down the weight of a node that has more of it than its share.
 */
import type { Config, NodeConfig } from "../config/schema.ts";
import type { NodeState } from "./node_table.ts";

/** A configured weight of 1: enough for steps of half a percent. */
const UNIT = 256;
/** A load far from the mean changes a weight no further than this: a wrong figure must not starve a node or drown it. */
const MOST = 8;

/** Weights of the config's nodes in their order; 0 gets no bucket. */
export function effectiveWeights({ nodes, scheduler }: Config, state: NodeState): number[] {
  const takers = nodes.filter((node) => takesBuckets(node) && state.failed[node.id] === 0);
  const load = ({ id, weight }: NodeConfig) => loadOf(scheduler.policy, state, id) / weight;
  const mean = takers.reduce((sum, node) => sum + load(node), 0) / takers.length;
  return nodes.map((node) => {
    if (!takers.includes(node)) return 0;
    // + 1: without load all are equal, and little load says little.
    const factor = scheduler.policy === "weights" ? 1 : (mean + 1) / (load(node) + 1);
    return Math.max(1, Math.round(node.weight * UNIT * Math.min(MOST, Math.max(1 / MOST, factor))));
  });
}

function takesBuckets({ enabled, draining, weight }: NodeConfig): boolean {
  return enabled && !draining && weight > 0;
}

/** What there should be less of where there is much. */
function loadOf(policy: Config["scheduler"]["policy"], state: NodeState, node: number): number {
  switch (policy) {
    case "weights":
      return 0;
    case "open_connections":
      return state.openConnections[node]!;
    case "hits":
      return state.hits[node]!;
    case "response_time":
      return state.responseMs[node]!;
  }
}
