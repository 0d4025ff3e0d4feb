/**
 * Which node got a first fragment, so that those that follow go there too. A slot holds one packet: tag, node and second; a newer packet
 * takes the place of an older one. A tag and a slot are 43 bits of hash: a later fragment goes astray once in a thousand
 * million million, to a node that then cannot join it.
 */
import { UNASSIGNED } from "./bucket_table.ts";

export const FRAGMENT_SLOTS = 4096;
/** Seconds; as Linux keeps fragments (ip_frag_time). */
const FRAGMENT_S = 30;
const SECOND_MASK = 0xffffff;

export class FragmentTable {
  static readonly SLOT_BYTES = 8;
  #words: Uint32Array;

  constructor(buffer: ArrayBuffer, offset: number) {
    this.#words = new Uint32Array(buffer, offset, FRAGMENT_SLOTS * 2);
  }

  remember(slot: number, tag: number, node: number, now: number): void {
    this.#words[slot * 2] = tag;
    this.#words[slot * 2 + 1] = (node << 24) | (now & SECOND_MASK);
  }

  /** The node of that packet's first fragment, or {@linkcode UNASSIGNED}. */
  node(slot: number, tag: number, now: number): number {
    const seen = this.#words[slot * 2 + 1]!;
    // Another CPU's clock may be a second ahead.
    if (this.#words[slot * 2] !== tag || ((now - seen + 1) & SECOND_MASK) > FRAGMENT_S + 1) return UNASSIGNED;
    return seen >>> 24;
  }
}
