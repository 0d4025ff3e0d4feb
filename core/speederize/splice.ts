/** A piece of input on its way to the output, with some of its bytes replaced. */
import type { Output } from "./output.ts";

/** Most bytes that are held back until more is known. */
export const MAX_HELD = 65_536;

const NOTHING = new Uint8Array(0);

export class Splice {
  /** What was held back, at the start, and the new piece. */
  bytes: Uint8Array;
  at = 0;
  end = 0;
  #copied = 0;
  #heldBytes = 0;
  #work: Uint8Array = NOTHING;

  constructor(readonly out: Output) {
    this.bytes = NOTHING;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Begins a piece. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    if (this.#heldBytes === 0) {
      this.bytes = bytes;
      this.at = this.#copied = start;
      this.end = end;
      return;
    }
    const held = this.#heldBytes;
    const length = end - start;
    if (this.#work.length < held + length) {
      const larger = new Uint8Array(held + length + MAX_HELD);
      larger.set(this.#work.subarray(0, held));
      this.#work = larger;
    }
    this.#work.set(bytes.subarray(start, end), held);
    this.#heldBytes = 0;
    this.bytes = this.#work;
    this.at = this.#copied = 0;
    this.end = held + length;
  }

  /** Puts the text in the place of the bytes from `start` to `end`; calls go from left to right. */
  replace(start: number, end: number, text: string): void {
    this.out.copy(this.bytes, this.#copied, start);
    this.out.text(text);
    this.#copied = end;
  }

  /** Ends the piece: what stands before `from` is done, the rest is held back. */
  hold(from: number): void {
    this.out.copy(this.bytes, this.#copied, from);
    const held = this.end - from;
    if (held > 0) {
      if (this.bytes === this.#work) this.#work.copyWithin(0, from, this.end);
      else {
        if (this.#work.length < held) this.#work = new Uint8Array(held + 2 * MAX_HELD);
        this.#work.set(this.bytes.subarray(from, this.end));
      }
    }
    this.#heldBytes = held;
    this.at = this.end;
  }
}
