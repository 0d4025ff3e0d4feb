/**
 * Maglev's lookup table (Eisenbud and others, NSDI 2016, section 3.4): which back end a hash belongs to. Every node builds the same one
 * from the same list, and little moves when the list changes.
 */
import { hashText } from "./text_hash.ts";

/** A prime above 100 times the back ends that a pool usually has at most: each gets its share to within 1 %. */
export const TABLE_SIZE = 65_537;

const OFFSET_SEED = 0x6d61676c;
const SKIP_SEED = 0x65763230;

export interface Entry {
  /** What tells it from the others, wherever it stands in the list. */
  readonly name: string;
  /** Above 0. */
  readonly weight: number;
}

/**
 * For each slot the index of its entry in the list. An entry takes slots in an order of its own, by turns: one a round at the greatest
 * weight, at a smaller one in so much fewer rounds. Throws RangeError without one of a weight above 0.
 */
export function maglevTable(entries: readonly Entry[], size = TABLE_SIZE): Uint16Array {
  if (!entries.some(({ weight }) => weight > 0)) {
    throw new RangeError("Cannot build a table: no entry of a weight above 0");
  }
  const table = new Uint16Array(size);
  const taken = new Uint8Array(size);
  const next = Uint32Array.from(entries, ({ name }) => hashText(name, OFFSET_SEED) % size);
  const skip = Uint32Array.from(entries, ({ name }) => hashText(name, SKIP_SEED) % (size - 1) + 1);
  const most = Math.max(...entries.map(({ weight }) => weight));
  const turns = Float64Array.from(entries, ({ weight }) => weight / most);
  const owed = new Float64Array(entries.length);
  for (let left = size; left > 0;) {
    for (let i = 0; i < entries.length && left > 0; i++) {
      if ((owed[i]! += turns[i]!) < 1) continue;
      owed[i]!--;
      let slot = next[i]!;
      while (taken[slot] === 1) slot = (slot + skip[i]!) % size;
      taken[slot] = 1;
      table[slot] = i;
      next[i] = (slot + skip[i]!) % size;
      left--;
    }
  }
  return table;
}
