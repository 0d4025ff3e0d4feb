/**
 * The Client IP Hash Table (seed fig. 4): bucket -> DLBA server number and last access.
 *
 * Four bytes a bucket, {i16 node, u16 last access in seconds modulo 2^16}, in one buffer: ordinary memory, mapped shared memory, or a BPF
 * array map with two of them in a value. A large table is bound by the caches that it fits into.
 */

/** A bucket that belongs to no node: the seed's "unsigned -1". */
export const UNASSIGNED = -1;

export const BUCKET_BYTES = 4;

/** Seconds that another writer's clock may be ahead. */
const CLOCK_SLACK_S = 8;
/** Ages are told apart up to 18 hours, of which a timeout and what an age may be too great must stay below, s. */
export const MAX_BUCKET_TIMEOUT_S = 16 * 3600;

export class BucketTable {
  #nodes: Int16Array;
  #accesses: Uint16Array;

  /** @param buffer at least `offset + size * BUCKET_BYTES` bytes; its content is taken as it is */
  constructor(buffer: ArrayBuffer, offset: number, readonly size: number) {
    this.#nodes = new Int16Array(buffer, offset, size * 2);
    this.#accesses = new Uint16Array(buffer, offset, size * 2);
  }

  /** Makes every bucket unassigned. */
  clear(): void {
    for (let bucket = 0; bucket < this.size; bucket++) {
      this.#nodes[bucket * 2] = UNASSIGNED;
      this.#accesses[bucket * 2 + 1] = 0;
    }
  }

  /** The node that owns the bucket, or {@linkcode UNASSIGNED}. */
  node(bucket: number): number {
    return this.#nodes[bucket * 2]!;
  }

  setNode(bucket: number, node: number): void {
    this.#nodes[bucket * 2] = node;
  }

  /** Makes the bucket unassigned if it is `from`'s still; the kernel may give it to another at the same time. True when it did. */
  release(bucket: number, from: number): boolean {
    return Atomics.compareExchange(this.#nodes, bucket * 2, from, UNASSIGNED) === from;
  }

  /** Gives an unassigned bucket to a node; the kernel may do so at the same time. True when it did. */
  assign(bucket: number, node: number): boolean {
    return Atomics.compareExchange(this.#nodes, bucket * 2, UNASSIGNED, node) === UNASSIGNED;
  }

  /** Seconds since the last access; below 0 where a clock read just before another writer's would make it look ancient. */
  age(bucket: number, now: number): number {
    return ((now - this.#accesses[bucket * 2 + 1]! + CLOCK_SLACK_S) & 0xffff) - CLOCK_SLACK_S;
  }

  touch(bucket: number, now: number): void {
    this.#accesses[bucket * 2 + 1] = now;
  }

  /** The same for every bucket. */
  touchAll(now: number): void {
    for (let bucket = 0; bucket < this.size; bucket++) this.touch(bucket, now);
  }

  /**
   * Frees the buckets of the dead, sets every last access to now, and counts what each node has: in one bare loop, since it is part of the time
   * for a take-over, and runs cold (measured: 65,536 buckets in 1 ms, in 25 by the methods above).
   * @param isDead 1 by server number; @param counts by server number, added to
   */
  renew(now: number, isDead: Uint8Array, counts: Int32Array): void {
    const nodes = this.#nodes, accesses = this.#accesses, end = this.size * 2;
    for (let at = 0; at < end; at += 2) {
      const node = nodes[at]!;
      accesses[at + 1] = now;
      if (node === UNASSIGNED) continue;
      if (isDead[node] === 1) nodes[at] = UNASSIGNED;
      else counts[node]!++;
    }
  }
}
