/** Hashes of the packet path; bpf/hash.h gives the same values. Nothing here allocates. */

/** SipHash-2-4 (Aumasson, Bernstein 2012) with 64-bit words as two halves each: a bigint would cost an allocation an operation. */
export class SipHash {
  #key: Uint32Array;
  /** v0 to v3, the low half first. */
  #v = new Uint32Array(8);

  /** @param key 16 bytes */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, 16);
    this.#key = Uint32Array.of(0, 4, 8, 12).map((at) => view.getUint32(at, true));
  }

  /** The hash of a client modulo `size`: its address of 4 or 16 bytes at `addressAt` in the frame, then its port. */
  client(frame: Uint8Array, addressAt: number, addressBytes: number, port: number, size: number): number {
    const v = this.#v, [k0, k1, k2, k3] = this.#key;
    v[0] = k0! ^ 0x70736575, v[1] = k1! ^ 0x736f6d65, v[2] = k2! ^ 0x6e646f6d, v[3] = k3! ^ 0x646f7261;
    v[4] = k0! ^ 0x6e657261, v[5] = k1! ^ 0x6c796765, v[6] = k2! ^ 0x79746573, v[7] = k3! ^ 0x74656462;
    const portLast = (port >> 8) | ((port & 255) << 8);
    if (addressBytes === 4) {
      this.#word(word(frame, addressAt), portLast | (6 << 24));
    } else {
      this.#word(word(frame, addressAt), word(frame, addressAt + 4));
      this.#word(word(frame, addressAt + 8), word(frame, addressAt + 12));
      this.#word(portLast, 18 << 24);
    }
    v[4] = v[4]! ^ 0xff;
    for (let round = 0; round < 4; round++) this.#round();
    const low = (v[0]! ^ v[2]! ^ v[4]! ^ v[6]!) >>> 0, high = (v[1]! ^ v[3]! ^ v[5]! ^ v[7]!) >>> 0;
    // Below 2^53, since a table has at most 2^20 buckets.
    return ((high % size) * (2 ** 32 % size) + low) % size;
  }

  #word(low: number, high: number): void {
    const v = this.#v;
    v[6] = v[6]! ^ low, v[7] = v[7]! ^ high;
    this.#round();
    this.#round();
    v[0] = v[0]! ^ low, v[1] = v[1]! ^ high;
  }

  #round(): void {
    this.#add(0, 2), this.#rotateXor(2, 13, 0), this.#swap(0);
    this.#add(4, 6), this.#rotateXor(6, 16, 4);
    this.#add(0, 6), this.#rotateXor(6, 21, 0);
    this.#add(4, 2), this.#rotateXor(2, 17, 4), this.#swap(4);
  }

  /** v[to] += v[from] */
  #add(to: number, from: number): void {
    const v = this.#v, low = v[to]! + v[from]!;
    v[to + 1] = v[to + 1]! + v[from + 1]! + (low >= 2 ** 32 ? 1 : 0);
    v[to] = low;
  }

  /** v[at] = v[at] <<< by ^ v[other], by < 32 */
  #rotateXor(at: number, by: number, other: number): void {
    const v = this.#v, low = v[at]!, high = v[at + 1]!;
    v[at] = ((low << by) | (high >>> (32 - by))) ^ v[other]!;
    v[at + 1] = ((high << by) | (low >>> (32 - by))) ^ v[other + 1]!;
  }

  /** v[at] <<< 32 */
  #swap(at: number): void {
    const v = this.#v, low = v[at]!;
    v[at] = v[at + 1]!;
    v[at + 1] = low;
  }
}

/** Four bytes as a little-endian word. */
function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Slot of a MAC among 4,096: its first two octets and its last four as numbers, the first octet the lowest. The seed is odd. */
export function memberSlot(first: number, last: number, seed: number): number {
  return Math.imul(last ^ Math.imul(first, seed), Math.imul(seed, 0x9e3779b1)) >>> 20;
}

/** A word more into one of the two halves of a fragment's hash. */
export function mix(hash: number, word: number, factor: number): number {
  const mixed = Math.imul(hash ^ word, factor);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
