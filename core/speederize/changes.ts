/**
 * What unsafe requests changed, shared by the proxy processes of a node, so that none answers with a page from before: RFC 9111
 * section 4.4. A mapped file of counters, by the hash of host and target; two URLs of one counter cost a page that is asked for anew.
 */
import { HASH_START, hashByte } from "./placement.ts";

/** 16 KiB: of a thousand pages one in four shares its counter with another. */
const COUNTERS = 4_096;

/** Name of the file in the node's run folder. */
export const CHANGES_FILE = "speederize.changes";

export class Changes {
  static readonly BYTES = 4 * COUNTERS;
  readonly #counts: Int32Array;

  constructor(buffer: ArrayBuffer) {
    this.#counts = new Int32Array(buffer);
  }

  /** The counter of a URL, by whatever scheme and for whatever client. */
  slotOf(host: string, target: string): number {
    const url = `${host.toLowerCase()}${target}`;
    let hash = HASH_START;
    for (let i = 0; i < url.length; i++) hash = hashByte(hash, url.charCodeAt(i));
    return (hash >>> 0) % COUNTERS;
  }

  /** What is compared: a page that was asked for at another count is of before a change. */
  at(slot: number): number {
    return Atomics.load(this.#counts, slot);
  }

  changed(slot: number): void {
    Atomics.add(this.#counts, slot, 1);
  }
}
