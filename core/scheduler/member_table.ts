/**
 * Server number by MAC, for the one-hop rule: one look a frame, whatever the number of nodes. The hash is perfect: a seed is searched
 * with which no two members share a slot.
 */
import { memberSlot } from "./hash.ts";

const SLOTS = 4096;
/** 256 members need a few thousand tries in the mean. */
const MAX_SEEDS = 2_000_000;

export class MemberTable {
  static readonly BYTES = SLOTS * 2;
  /** Server number + 1; 0 where nobody is. */
  #slots: Uint16Array;

  constructor(buffer: ArrayBuffer, offset: number) {
    this.#slots = new Uint16Array(buffer, offset, SLOTS);
  }

  /** The only node that a MAC, six bytes at `at`, can be; -1 when it is none. */
  candidate(bytes: Uint8Array, at: number, seed: number): number {
    return this.#slots[slotOf(bytes, at, seed)]! - 1;
  }

  /** Holds these members and no others; returns the seed. */
  set(members: readonly { readonly node: number; readonly mac: Uint8Array }[]): number {
    for (let seed = 1; seed < MAX_SEEDS; seed += 2) {
      const slots = new Uint16Array(SLOTS);
      if (!members.every(({ node, mac }) => claim(slots, slotOf(mac, 0, seed), node + 1))) continue;
      this.#slots.set(slots);
      return seed;
    }
    throw new RangeError(`No seed tells the MACs of ${members.length} nodes apart`);
  }
}

function claim(slots: Uint16Array, slot: number, value: number): boolean {
  if (slots[slot] !== 0) return false;
  slots[slot] = value;
  return true;
}

function slotOf(bytes: Uint8Array, at: number, seed: number): number {
  const first = bytes[at]! | (bytes[at + 1]! << 8);
  const last = bytes[at + 2]! | (bytes[at + 3]! << 8) | (bytes[at + 4]! << 16) | (bytes[at + 5]! << 24);
  return memberSlot(first, last, seed);
}
