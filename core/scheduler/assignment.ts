/**
 * Which node gets an unassigned or idle bucket: the one with the fewest IP groups per weight (seed, "Internal Operation":
 * "as simple as finding the machine with the lowest # IP Groups assigned"; the weight divides).
 */
import { UNASSIGNED } from "./bucket_table.ts";
import type { NodeTable } from "./node_table.ts";

/** Of the first `count` nodes the one to take the next bucket, ties to the lowest number; {@linkcode UNASSIGNED} when there is none. */
export function fewestGroups(nodes: NodeTable, count: number): number {
  let best = UNASSIGNED, bestGroups = 0, bestWeight = 0;
  for (let node = 0; node < count; node++) {
    const weight = nodes.weight(node);
    if (weight === 0 || nodes.isOut(node)) continue;
    const groups = Math.max(0, nodes.groups(node));
    // Cross-multiplied: whole numbers, so that the kernel comes to the same.
    if (best !== UNASSIGNED && groups * bestWeight >= bestGroups * weight) continue;
    best = node;
    bestGroups = groups;
    bestWeight = weight;
  }
  return best;
}
