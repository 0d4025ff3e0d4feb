/**
 * What a take-over does to the Client IP Hash Table, before the VIP is announced: what survivors really hold goes above the copy, what the dead
 * held is free, and every last access is now (seed, "Scheduler Failover"). Pure but for the tables that it is given.
 */
import { UNASSIGNED } from "./bucket_table.ts";
import { recountGroups } from "./group_counts.ts";
import type { LiveBuckets } from "./live_buckets.ts";
import type { SchedulerTables } from "./tables.ts";

export interface TakeOver {
  readonly epoch: number;
  /** Server numbers: they hold no bucket from now on. */
  readonly dead: readonly number[];
  /** Of the survivors that answered. */
  readonly live: readonly LiveBuckets[];
  /** Second of the boot clock. */
  readonly now: number;
}

/** Returns in how many buckets a survivor held connections that the copy did not know of. */
export function takeOver(tables: SchedulerTables, { epoch, dead, live, now }: TakeOver): number {
  const { buckets, nodes, settings } = tables;
  for (const node of dead) nodes.setOut(node, true);
  let found = 0;
  for (let bucket = 0; bucket < buckets.size; bucket++) {
    const owner = buckets.node(bucket);
    const holder = holderOf(live, bucket, owner);
    if (holder !== UNASSIGNED && holder !== owner) {
      buckets.setNode(bucket, holder);
      found++;
    } else if (holder === UNASSIGNED && dead.includes(owner)) buckets.setNode(bucket, UNASSIGNED);
  }
  buckets.touchAll(now);
  recountGroups(tables);
  settings.epoch = epoch;
  return found;
}

/** Two may hold connections in one bucket, when it was moved while one was silent: then the table is right. */
function holderOf(live: readonly LiveBuckets[], bucket: number, owner: number): number {
  let first = UNASSIGNED;
  for (const holder of live) {
    if (!holder.has(bucket)) continue;
    if (holder.node === owner) return owner;
    if (first === UNASSIGNED) first = holder.node;
  }
  return first;
}
