/**
 * The Client IP Hash Table (seed fig. 4): bucket -> DLBA server number and last access.
 *
 * Eight bytes a bucket, {i32 node, u32 last access in seconds}, in one buffer: ordinary memory, mapped shared memory,
 * or a BPF array map, whose values have this very stride.
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

  /** Makes every bucket unassigned. */
  clear(): void {
    for (let bucket = 0; bucket < this.size; bucket++) {
      this.#words[bucket * 2] = UNASSIGNED;
      this.#words[bucket * 2 + 1] = 0;
    }
  }

  /** The node that owns the bucket, or {@linkcode UNASSIGNED}. */
  node(bucket: number): number {
    return this.#words[bucket * 2]!;
  }

  setNode(bucket: number, node: number): void {
    this.#words[bucket * 2] = node;
  }

  /** Makes the bucket unassigned if it is `from`'s still; the kernel may give it to another at the same time. True when it did. */
  release(bucket: number, from: number): boolean {
    return Atomics.compareExchange(this.#words, bucket * 2, from, UNASSIGNED) === from;
  }

  /** Seconds since the last access. Signed, so that a clock read just before another writer's does not look ancient. */
  age(bucket: number, now: number): number {
    return (now - this.#words[bucket * 2 + 1]!) | 0;
  }

  touch(bucket: number, now: number): void {
    this.#words[bucket * 2 + 1] = now;
  }
}
