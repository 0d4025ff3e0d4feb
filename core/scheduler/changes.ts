/**
 * What changed in the Client IP Hash Table (seed, "Scheduler Failover": "the client IP table can have a version number").
 * Only bucket -> node counts, not the last access.
 *
 * The engine stamps nothing, since a later engine is the kernel: whoever wants the changes compares the table with a shadow copy.
 */
import { type BucketTable, UNASSIGNED } from "./bucket_table.ts";

/** A place in a table's history. Of another epoch or incarnation it means nothing. */
export interface Cursor {
  readonly epoch: number;
  readonly incarnation: number;
  readonly version: number;
}

export interface Changes {
  /** To ask from next time. */
  readonly cursor: Cursor;
  /** True when the cursor was unknown: the pairs are the whole table, and what is not among them is unassigned. */
  readonly full: boolean;
  /** Bucket, node, bucket, node, ... */
  readonly pairs: Int32Array;
}

export class ChangeLog {
  #table: BucketTable;
  #shadow: Int32Array;
  /** Version in which each bucket last changed. */
  #stamps: Float64Array;
  #version = 0;

  constructor(table: BucketTable, readonly epoch: number, readonly incarnation: number) {
    this.#table = table;
    this.#shadow = new Int32Array(table.size).fill(UNASSIGNED);
    this.#stamps = new Float64Array(table.size);
  }

  get cursor(): Cursor {
    return { epoch: this.epoch, incarnation: this.incarnation, version: this.#version };
  }

  /** What changed since the cursor; nothing changed: no pairs and the same cursor. */
  changesSince(cursor: Cursor | undefined): Changes {
    this.#compare();
    const known = cursor !== undefined && cursor.epoch === this.epoch && cursor.incarnation === this.incarnation &&
      cursor.version >= 0 && cursor.version <= this.#version;
    const pairs: number[] = [];
    for (let bucket = 0; bucket < this.#shadow.length; bucket++) {
      const node = this.#shadow[bucket]!;
      if (known ? this.#stamps[bucket]! > cursor.version : node !== UNASSIGNED) pairs.push(bucket, node);
    }
    return { cursor: this.cursor, full: !known, pairs: Int32Array.from(pairs) };
  }

  /** Stamps what differs from the shadow with the next version. */
  #compare(): void {
    const next = this.#version + 1;
    for (let bucket = 0; bucket < this.#shadow.length; bucket++) {
      const node = this.#table.node(bucket);
      if (node === this.#shadow[bucket]) continue;
      this.#shadow[bucket] = node;
      this.#stamps[bucket] = next;
      this.#version = next;
    }
  }
}
