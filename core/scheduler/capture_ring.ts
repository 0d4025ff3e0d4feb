/**
 * The last frames with their verdicts, for `dlba trace`: `struct capture` of bpf/tables.h, 1,024 slots that are used again and again. One
 * who reads too slowly misses some.
 */
import type { Settings } from "./settings.ts";
import type { Verdict } from "./verdicts.ts";

export const CAPTURE_SLOTS = 1024;
const HEADER_BYTES = 16;
/** Of a frame that are kept. */
const FRAME_BYTES = 240;

export interface CapturedFrame {
  readonly verdict: Verdict;
  /** Of the whole frame. */
  readonly length: number;
  /** Its start, as it left the scheduler. */
  readonly bytes: Uint8Array;
}

export class CaptureRing {
  static readonly SLOT_BYTES = HEADER_BYTES + FRAME_BYTES;
  #words: Uint32Array;
  #bytes: Uint8Array;
  #settings: Settings;

  constructor(buffer: ArrayBuffer, offset: number, settings: Settings) {
    this.#words = new Uint32Array(buffer, offset, CAPTURE_SLOTS * CaptureRing.SLOT_BYTES / 4);
    this.#bytes = new Uint8Array(buffer, offset, CAPTURE_SLOTS * CaptureRing.SLOT_BYTES);
    this.#settings = settings;
  }

  /** Keeps a frame, for an engine that is one process. */
  keep(verdict: Verdict, frame: Uint8Array, start: number, length: number): void {
    const number = this.#settings.captured;
    this.#settings.captured = number + 1;
    const at = (number % CAPTURE_SLOTS) * CaptureRing.SLOT_BYTES;
    const kept = Math.min(length, FRAME_BYTES);
    for (let i = 0; i < kept; i++) this.#bytes[at + HEADER_BYTES + i] = frame[start + i]!;
    this.#words.set([number + 1, verdict, length, kept], at / 4);
  }

  /** Frame of that number, counted from 0; undefined when it is not there yet or no longer. */
  read(number: number): CapturedFrame | undefined {
    const at = (number % CAPTURE_SLOTS) * CaptureRing.SLOT_BYTES;
    const expected = (number + 1) >>> 0;
    if (this.#words[at / 4] !== expected) return undefined;
    const [verdict, length, kept] = this.#words.subarray(at / 4 + 1, at / 4 + 4);
    const bytes = this.#bytes.slice(at + HEADER_BYTES, at + HEADER_BYTES + Math.min(kept!, FRAME_BYTES));
    // A newer frame may have come into the slot meanwhile.
    if (this.#words[at / 4] !== expected) return undefined;
    return { verdict: verdict as Verdict, length: length!, bytes };
  }
}
