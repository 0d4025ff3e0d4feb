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

  /** Of the table as it is now. */
  current(): Cursor {
    this.#compare();
    return this.cursor;
  }

  get cursor(): Cursor {
    return { epoch: this.epoch, incarnation: this.incarnation, version: this.#version };
  }

  /** What changed since the cursor; nothing changed: no pairs and the same cursor. */
  changesSince(cursor: Cursor | undefined): Changes {
    this.#compare();
    const known = cursor !== undefined && cursor.epoch === this.epoch && cursor.incarnation === this.incarnation &&
      cursor.version >= 0 && cursor.version <= this.#version;
    // Followers ask ten times a second, mostly for nothing.
    if (known && cursor.version === this.#version) {
      return { cursor: this.cursor, full: false, pairs: new Int32Array(0) };
    }
    const pairs = new Int32Array(this.#shadow.length * 2);
    let used = 0;
    for (let bucket = 0; bucket < this.#shadow.length; bucket++) {
      const node = this.#shadow[bucket]!;
      if (!(known ? this.#stamps[bucket]! > cursor.version : node !== UNASSIGNED)) continue;
      pairs[used++] = bucket;
      pairs[used++] = node;
    }
    return { cursor: this.cursor, full: !known, pairs: pairs.subarray(0, used) };
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

/** Before the pairs: {f64 epoch, incarnation, version; f64 1 when full}, little-endian as the pairs. */
export const HEADER_BYTES = 32;

/** The changes in one buffer, as they go to another node. */
export function encodeChanges({ cursor, full, pairs }: Changes): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + pairs.byteLength);
  new Float64Array(bytes.buffer, 0, 4).set([cursor.epoch, cursor.incarnation, cursor.version, full ? 1 : 0]);
  new Int32Array(bytes.buffer, HEADER_BYTES).set(pairs);
  return bytes;
}

/** What {@linkcode encodeChanges} made. Throws RangeError when it cannot be that. */
export function decodeChanges(bytes: Uint8Array<ArrayBuffer>): Changes {
  if (bytes.length < HEADER_BYTES || (bytes.length - HEADER_BYTES) % 8 !== 0) {
    throw new RangeError(`Changes cannot be of ${bytes.length} bytes`);
  }
  const copy = bytes.slice().buffer;
  const [epoch, incarnation, version, full] = new Float64Array(copy, 0, 4);
  return {
    cursor: { epoch: epoch!, incarnation: incarnation!, version: version! },
    full: full === 1,
    pairs: new Int32Array(copy, HEADER_BYTES),
  };
}
