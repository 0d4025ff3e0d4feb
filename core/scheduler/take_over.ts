/**
 * What a take-over does to the Client IP Hash Table, before the VIP is announced: what survivors really hold goes above the copy, what the dead
 * held is free, and every last access is now (seed, "Scheduler Failover"). Pure but for the tables that it is given.
 */
import { type BucketTable, UNASSIGNED } from "./bucket_table.ts";
import { LiveBuckets } from "./live_buckets.ts";
import { MAX_NODES } from "./node_table.ts";
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

/** Returns in how many buckets a survivor held connections that the copy did not know of. The engine must stand by: it assigns nothing meanwhile. */
export function takeOver(tables: SchedulerTables, { epoch, dead, live, now }: TakeOver): number {
  const { buckets, nodes, settings } = tables;
  const isDead = new Uint8Array(MAX_NODES), counts = new Int32Array(MAX_NODES);
  for (const node of dead) {
    nodes.setOut(node, true);
    isDead[node] = 1;
  }
  const found = overlay(buckets, live);
  buckets.renew(now, isDead, counts);
  counts.forEach((count, node) => nodes.addGroups(node, count - nodes.groups(node)));
  settings.epoch = epoch;
  return found;
}

/** Few buckets are in use at a time: eight are looked at at once. */
function overlay(buckets: BucketTable, live: readonly LiveBuckets[]): number {
  let found = 0;
  for (let byte = 0; byte < LiveBuckets.bytes(buckets.size); byte++) {
    let bits = 0;
    for (const holder of live) bits |= holder.bits[byte]!;
    for (; bits !== 0; bits &= bits - 1) {
      const bucket = byte * 8 + 31 - Math.clz32(bits & -bits);
      if (bucket >= buckets.size) break;
      const owner = buckets.node(bucket), holder = holderOf(live, bucket, owner);
      if (holder === owner) continue;
      buckets.setNode(bucket, holder);
      found++;
    }
  }
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
