/** Bytes that came before they could be used: the beginning of a head, or what follows a request. */
import { BadMessage, CR, INCOMPLETE, LF, TEXT, whatIsWrong } from "./syntax.ts";

/** How far an empty line has been seen: nothing, CR, CR LF, CR LF CR. */
type Seen = 0 | 1 | 2 | 3;

export class HeldBytes {
  /** The byte behind the last is there and 0, as the readers of heads want it. */
  bytes: Uint8Array<ArrayBuffer>;
  length: number;
  #scanned = 0;
  #seen: Seen;

  /** Holds a copy of the bytes from `start` to `end`. `lineBefore`: a line ended right before them. */
  constructor(bytes: Uint8Array, start: number, end: number, lineBefore = false) {
    this.length = end - start;
    this.bytes = new Uint8Array(this.length + 1);
    this.bytes.set(bytes.subarray(start, end));
    this.#seen = lineBefore ? 2 : 0;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (length >= this.bytes.length) {
      // Doubled, so that a head that comes byte by byte is not copied for each.
      const longer = new Uint8Array(Math.max(length + 1, 2 * this.bytes.length));
      longer.set(this.bytes.subarray(0, this.length));
      this.bytes = longer;
    }
    this.bytes.set(bytes.subarray(start, end), this.length);
    this.length = length;
    this.bytes[length] = 0;
  }

  /**
   * Where the first head ends, after its empty line, or {@linkcode INCOMPLETE}; each byte is looked at once, however often this is
   * called. Throws {@linkcode BadMessage} at a control character other than HTAB, or a CR or LF alone (RFC 9112 section 2.2).
   */
  findHeadEnd(): number {
    while (this.#scanned < this.length) {
      const byte = this.bytes[this.#scanned++]!;
      const isAfterCr = this.#seen === 1 || this.#seen === 3;
      if (isAfterCr !== (byte === LF)) throw new BadMessage(400, isAfterCr ? "CR without LF" : "LF without CR");
      if (byte === LF) {
        if (this.#seen === 3) return this.#scanned;
        this.#seen = 2;
      } else if (byte === CR) this.#seen = this.#seen === 2 ? 3 : 1;
      else if (TEXT[byte] === 1) this.#seen = 0;
      else throw new BadMessage(400, whatIsWrong(byte));
    }
    return INCOMPLETE;
  }
}
