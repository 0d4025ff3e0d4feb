/**
 * Which node gets an unassigned or idle bucket: the one with the fewest IP groups per weight (seed, "Internal Operation":
 * "as simple as finding the machine with the lowest # IP Groups assigned"; the weight divides).
 */
import type { NodeCounts } from "./node_table.ts";
import { UNASSIGNED } from "./bucket_table.ts";

/** Weights by server number; 0 where the node is disabled, failed or unknown, so that it gets nothing. */
export type Weights = Float64Array;

/** The node to take the next bucket, ties to the lowest number; {@linkcode UNASSIGNED} when there is none. */
export function fewestGroups(weights: Weights, { ipGroups }: NodeCounts): number {
  let best = UNASSIGNED;
  let least = Infinity;
  for (let node = 0; node < weights.length; node++) {
    const weight = weights[node]!;
    if (weight === 0) continue;
    const share = ipGroups[node]! / weight;
    if (share < least) {
      least = share;
      best = node;
    }
  }
  return best;
}
