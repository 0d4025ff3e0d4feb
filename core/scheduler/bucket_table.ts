/**
 * The Client IP Hash Table (seed fig. 4): bucket -> DLBA server number and last access.
 *
 * Eight bytes a bucket, {i32 node, u32 last access in seconds}, in one buffer: ordinary memory, mapped shared memory,
 * or (later) a BPF array map, whose values have this very stride.
 */

/** A bucket that belongs to no node: the seed's "unsigned -1". */
export const UNASSIGNED = -1;

export const BUCKET_BYTES = 8;

export class BucketTable {
  #words: Int32Array;

  /** @param buffer at least `offset + size * BUCKET_BYTES` bytes; its content is taken as it is */
  constructor(buffer: ArrayBuffer, offset: number, readonly size: number) {
    this.#words = new Int32Array(buffer, offset, size * 2);
  }

  /** A table in ordinary memory with every bucket unassigned. */
  static inMemory(size: number): BucketTable {
    const table = new BucketTable(new ArrayBuffer(size * BUCKET_BYTES), 0, size);
    table.clear();
    return table;
  }

  /** Makes every bucket unassigned. */
  clear(): void {
    for (let bucket = 0; bucket < this.size; bucket++) {
      this.#words[bucket * 2] = UNASSIGNED;
      this.#words[bucket * 2 + 1] = 0;
    }
  }

  /** (32 bit client IP address + 16 bit client port) % size: seed, "Internal Operation". */
  bucketOf(clientIp: number, clientPort: number): number {
    return (clientIp + clientPort) % this.size;
  }

  /** The node that owns the bucket, or {@linkcode UNASSIGNED}. */
  node(bucket: number): number {
    return this.#words[bucket * 2]!;
  }

  setNode(bucket: number, node: number): void {
    this.#words[bucket * 2] = node;
  }

  /** Seconds since the last access. Signed, so that a clock read just before another writer's does not look ancient. */
  age(bucket: number, now: number): number {
    return (now - this.#words[bucket * 2 + 1]!) | 0;
  }

  touch(bucket: number, now: number): void {
    this.#words[bucket * 2 + 1] = now;
  }
}
