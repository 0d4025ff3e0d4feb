/** The counts of IP groups, where what was written to the table did not count. */
import { UNASSIGNED } from "./bucket_table.ts";
import { MAX_NODES } from "./node_table.ts";
import type { SchedulerTables } from "./tables.ts";

/** A count takes under a millisecond: one of so many sees no assignment, but under a flood. */
const MAX_COUNTS = 100;

/**
 * Repairs the counts, by adding what is missing. The engine may assign meanwhile: then what was counted says nothing, and it is counted
 * again.
 */
export function recountGroups({ buckets, nodes }: SchedulerTables): void {
  for (let attempt = 0; attempt < MAX_COUNTS; attempt++) {
    const before = Array.from({ length: MAX_NODES }, (_, node) => nodes.groups(node));
    const found = new Int32Array(MAX_NODES);
    for (let bucket = 0; bucket < buckets.size; bucket++) {
      const node = buckets.node(bucket);
      if (node !== UNASSIGNED) found[node]!++;
    }
    if (before.some((count, node) => nodes.groups(node) !== count)) continue;
    before.forEach((count, node) => nodes.addGroups(node, found[node]! - count));
    return;
  }
}
