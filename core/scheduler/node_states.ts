/**
 * The state of a node, for people: what the config says of it, what the polls say, and whether it has its share. docs/architecture.md draws
 * the allowed changes; a state is worked out and never stored, so that no other change can happen.
 */
import type { Config } from "../config/schema.ts";
import type { NodeState, NodeTable } from "./node_table.ts";

/**
 * - `active` gets buckets by its weight;
 * - `filling` does too, and has fewer per weight than another: new buckets come to it until it is level;
 * - `draining` keeps the buckets in use and gets no others;
 * - `failed` does not answer: it holds none;
 * - `disabled` by the config: it holds none.
 */
export const NODE_STATES = ["active", "filling", "draining", "failed", "disabled"] as const;
export type NodeStateName = typeof NODE_STATES[number];

/** @param nodes undefined where this machine keeps no table */
export function stateOf(config: Config, state: NodeState, nodes: NodeTable | undefined, node: number): NodeStateName {
  const { enabled, draining, weight } = config.nodes.find(({ id }) => id === node)!;
  if (!enabled) return "disabled";
  if (state.failed[node] !== 0) return "failed";
  if (draining || weight === 0) return "draining";
  return nodes && isBehind(config, nodes, node) ? "filling" : "active";
}

/** More than one bucket below what the weights give it beside another: level nodes differ by less. */
function isBehind({ nodes: all }: Config, nodes: NodeTable, node: number): boolean {
  const weight = nodes.weight(node), groups = nodes.groups(node);
  return all.some(({ id }) => {
    const other = nodes.weight(id);
    return other > 0 && !nodes.isOut(id) && (groups + 1) * other < (nodes.groups(id) - 1) * weight;
  });
}
