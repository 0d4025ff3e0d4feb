/** The buckets in which a node holds live connections, one bit each: what survives of a table that nobody could send any more. */

export class LiveBuckets {
  readonly bits: Uint8Array<ArrayBuffer>;

  /** @param size of the table; @param bits of its buckets, all 0 when absent. Throws RangeError where they are of another size. */
  constructor(readonly node: number, readonly size: number, bits?: Uint8Array<ArrayBuffer>) {
    const bytes = LiveBuckets.bytes(size);
    if (bits && bits.length !== bytes) throw new RangeError(`${size} buckets are not ${bits.length} bytes`);
    this.bits = bits ?? new Uint8Array(bytes);
  }

  static bytes(size: number): number {
    return Math.ceil(size / 8);
  }

  add(bucket: number): void {
    this.bits[bucket >> 3]! |= 1 << (bucket & 7);
  }

  has(bucket: number): boolean {
    return (this.bits[bucket >> 3]! & (1 << (bucket & 7))) !== 0;
  }

  get count(): number {
    let count = 0;
    for (let bucket = 0; bucket < this.size; bucket++) if (this.has(bucket)) count++;
    return count;
  }
}
