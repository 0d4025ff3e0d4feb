/**
 * The copy of the Client IP Hash Table that a node keeps which does not schedule (seed, "Scheduler Failover"). Only bucket -> node is copied; a
 * take-over sets the last access (take_over.ts).
 */
import { type BucketTable, UNASSIGNED } from "./bucket_table.ts";
import type { Changes, Cursor } from "./changes.ts";

export class FollowerTable {
  #buckets: BucketTable;
  #isNode: (node: number) => boolean;
  #cursor: Cursor | undefined;

  /**
   * @param buckets hold the copy: memory of its own, or the table of an engine that stands by
   * @param isNode whether a server number is of the array
   */
  constructor(buckets: BucketTable, isNode: (node: number) => boolean) {
    this.#buckets = buckets;
    this.#isNode = isNode;
  }

  /** To ask from next time; undefined where the copy is nothing to go on from. */
  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  /** Asks for the whole table next time. */
  forget(): void {
    this.#cursor = undefined;
  }

  /** Takes over what another node says of its table. Throws RangeError, with the copy as it was, where that cannot be. */
  apply({ cursor, full, pairs }: Changes): void {
    if (!full && !this.#cursor) throw new RangeError("Changes to a table that was never sent");
    for (let i = 0; i < pairs.length; i += 2) this.#check(pairs[i]!, pairs[i + 1]!);
    const buckets = this.#buckets;
    if (full) {
      // No bucket is without its node for a moment: an engine may read.
      const nodes = new Int32Array(buckets.size).fill(UNASSIGNED);
      for (let i = 0; i < pairs.length; i += 2) nodes[pairs[i]!] = pairs[i + 1]!;
      nodes.forEach((node, bucket) => buckets.setNode(bucket, node));
    } else {
      for (let i = 0; i < pairs.length; i += 2) buckets.setNode(pairs[i]!, pairs[i + 1]!);
    }
    this.#cursor = cursor;
  }

  #check(bucket: number, node: number): void {
    if (bucket < 0 || bucket >= this.#buckets.size) throw new RangeError(`No bucket ${bucket}`);
    if (node !== UNASSIGNED && !this.#isNode(node)) {
      throw new RangeError(`No node ${node}, to which bucket ${bucket} goes`);
    }
  }
}
