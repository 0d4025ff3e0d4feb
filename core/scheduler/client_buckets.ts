/** The bucket of a client, by the array's hash; bpf/dlba.bpf.c computes the same. */
import { u32 } from "./frame.ts";
import { SipHash } from "./hash.ts";

export class ClientBuckets {
  #keyed: SipHash | undefined;

  /** @param size of the table; @param hashKey 16 bytes where the config says `hash: keyed` */
  constructor(readonly size: number, hashKey: Uint8Array | undefined) {
    this.#keyed = hashKey && new SipHash(hashKey);
  }

  /** The bucket of the client whose address of 4 or 16 bytes stands at `at`. */
  of(bytes: Uint8Array, at: number, addressBytes: number, port: number): number {
    if (this.#keyed) return this.#keyed.client(bytes, at, addressBytes, port, this.size);
    // (32 bit client IP address + 16 bit client port) % size: seed, "Internal Operation". IPv6 is folded to 32 bits first.
    let address = u32(bytes, at);
    for (let word = 4; word < addressBytes; word += 4) address ^= u32(bytes, at + word);
    // Most tables are of a power of two, for which whole numbers of 32 bits do: a remainder of a larger sum is one of floating point.
    const size = this.size;
    return (size & (size - 1)) === 0 ? (address + port) & (size - 1) : ((address >>> 0) + port) % size;
  }
}
