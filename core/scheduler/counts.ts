/**
 * Frames by verdict and by node. One row a writer (a CPU in the kernel, the one process of the pcap engine), so that no counter is shared;
 * readers sum. A counter is 64 bits, little-endian, kept as two words: a bigint would cost an allocation a frame.
 */
import { MAX_NODES } from "./node_table.ts";
import { Verdict, VERDICT_NAMES } from "./verdicts.ts";

/** Room for verdicts to come. */
const VERDICT_SLOTS = 32;
/** Before the counters a CPU keeps its clock: two words of 64 bits. */
const VERDICTS_AT = 2;
const FRAMES_AT = VERDICTS_AT + VERDICT_SLOTS;
const ROW_WORDS = (FRAMES_AT + MAX_NODES) * 2;
const WORD = 2 ** 32;

export class Counts {
  static readonly ROW_BYTES = ROW_WORDS * 4;
  #words: Uint32Array;

  constructor(buffer: ArrayBuffer, offset: number, readonly rows: number) {
    this.#words = new Uint32Array(buffer, offset, rows * ROW_WORDS);
  }

  /** Counts one more, in the first row: for an engine that is one process. */
  addVerdict(verdict: Verdict): void {
    this.#add((VERDICTS_AT + verdict) * 2);
  }

  addFrame(node: number): void {
    this.#add((FRAMES_AT + node) * 2);
  }

  #add(at: number): void {
    const low = (this.#words[at]! + 1) >>> 0;
    this.#words[at] = low;
    if (low === 0) this.#words[at + 1]!++;
  }

  setVerdict(verdict: Verdict, count: number): void {
    const at = (VERDICTS_AT + verdict) * 2;
    this.#words[at] = count % WORD;
    this.#words[at + 1] = Math.floor(count / WORD);
  }

  /** Frames with this verdict. */
  verdict(verdict: Verdict): number {
    return this.#sum((VERDICTS_AT + verdict) * 2);
  }

  /** Frames handed to the node. */
  frames(node: number): number {
    return this.#sum((FRAMES_AT + node) * 2);
  }

  #sum(at: number): number {
    let sum = 0;
    for (let row = at; row < this.#words.length; row += ROW_WORDS) {
      sum += this.#words[row]! + this.#words[row + 1]! * WORD;
    }
    return sum;
  }

  /** Frames by the verdict's name. */
  toObject(): Record<string, number> {
    return Object.fromEntries(VERDICT_NAMES.map((name, verdict) => [name, this.verdict(verdict as Verdict)]));
  }
}
