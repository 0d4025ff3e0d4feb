/**
 * The copy of the Client IP Hash Table that a node keeps which does not schedule (seed, "Scheduler Failover"). Only bucket -> node is copied; a
 * take-over sets the last access (take_over.ts).
 */
import { type BucketTable, UNASSIGNED } from "./bucket_table.ts";
import type { Changes, Cursor } from "./changes.ts";

export class FollowerTable {
  #engine: BucketTable;
  /** Node of each bucket. */
  #nodes: Int16Array;
  /** The engine's table is to be made the same as the copy. */
  #isAhead = false;
  #isNode: (node: number) => boolean;
  #cursor: Cursor | undefined;

  /**
   * @param engine the table of this node's engine, which stands by
   * @param isNode whether a server number is of the array
   */
  constructor(engine: BucketTable, isNode: (node: number) => boolean) {
    this.#engine = engine;
    this.#nodes = new Int16Array(engine.size);
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

  /**
   * Takes over what another node says of its table. Throws RangeError, with the copy as it was, where that cannot be.
   * @param isFrozen the engine goes by its own table still: it has the copy by {@linkcode pour}
   */
  apply({ cursor, full, pairs }: Changes, isFrozen: boolean): void {
    if (!full && !this.#cursor) throw new RangeError("Changes to a table that was never sent");
    for (let i = 0; i < pairs.length; i += 2) this.#check(pairs[i]!, pairs[i + 1]!);
    const isSame = !full && !this.#isAhead;
    if (full) this.#nodes.fill(UNASSIGNED);
    for (let i = 0; i < pairs.length; i += 2) {
      this.#nodes[pairs[i]!] = pairs[i + 1]!;
      if (isSame && !isFrozen) this.#engine.setNode(pairs[i]!, pairs[i + 1]!);
    }
    this.#isAhead = !isSame || isFrozen;
    if (!isFrozen) this.pour();
    this.#cursor = cursor;
  }

  /** Gives the engine the copy, where it has not got it. No bucket is without its node for a moment: it may read. */
  pour(): void {
    if (this.#isAhead) this.#nodes.forEach((node, bucket) => this.#engine.setNode(bucket, node));
    this.#isAhead = false;
  }

  #check(bucket: number, node: number): void {
    if (bucket < 0 || bucket >= this.#engine.size) throw new RangeError(`No bucket ${bucket}`);
    if (node !== UNASSIGNED && !this.#isNode(node)) {
      throw new RangeError(`No node ${node}, to which bucket ${bucket} goes`);
    }
  }
}
