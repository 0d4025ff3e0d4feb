/** Text that is written as bytes into memory that is used again and again. What it says is ASCII. */

const ASCII = new TextEncoder();
/** Room at first, bytes. */
const FIRST_BYTES = 65_536;
/** What may be written beyond the end of a {@linkcode FixedText}. */
const WORD_BYTES = 4;

const DIGIT_0 = 48;
const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;
const LAST_PRINTABLE = 126;
/** What is longer is not written digit by digit. */
const NINE_DIGITS = 1e9;

/** A text that is written often: as words, a third of what a loop over its characters costs. */
export class FixedText {
  readonly words: Int32Array<ArrayBuffer>;
  readonly length: number;

  constructor(text: string) {
    this.length = text.length;
    const bytes = new Uint8Array(Math.ceil(text.length / WORD_BYTES) * WORD_BYTES);
    ASCII.encodeInto(text, bytes);
    this.words = new Int32Array(bytes.buffer);
  }
}

export class LineBuffer {
  bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.bytes.buffer);
  /** Where the next byte goes. */
  end = 0;

  /** @param most bytes that it grows to */
  constructor(readonly most: number) {}

  /** Makes sure that so many bytes more can be written; false where it may not grow so far. */
  reserve(bytes: number): boolean {
    const needed = this.end + bytes + WORD_BYTES;
    if (needed <= this.bytes.length) return true;
    if (needed > this.most) return false;
    let size = this.bytes.length;
    while (size < needed) size *= 2;
    const larger = new Uint8Array(Math.min(size, this.most));
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
    this.#view = new DataView(larger.buffer);
    return true;
  }

  fixed({ words, length }: FixedText): void {
    const view = this.#view;
    let at = this.end;
    for (let i = 0; i < words.length; i++, at += WORD_BYTES) view.setInt32(at, words[i]!, true);
    this.end += length;
  }

  /** The inside of a JSON string: RFC 8259 section 7. Up to 6 bytes a character. */
  quoted(text: string): void {
    const { bytes } = this;
    const { length } = text;
    let at = this.end;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code < SPACE || code > LAST_PRINTABLE || code === QUOTE || code === BACKSLASH) {
        return this.#raw(quotedText(text));
      }
      bytes[at++] = code;
    }
    this.end = at;
  }

  #raw(text: string): void {
    this.end += ASCII.encodeInto(text, this.bytes.subarray(this.end)).written;
  }

  /** A whole number of 0 or more, up to 16 bytes. */
  decimal(value: number): void {
    if (value >= NINE_DIGITS) return this.#raw(String(value));
    const { bytes } = this;
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    let at = this.end += digits;
    for (let rest = value | 0; digits > 0; digits--) {
      const tenth = (rest / 10) | 0;
      bytes[--at] = DIGIT_0 + rest - tenth * 10;
      rest = tenth;
    }
  }
}

/** The inside of a JSON string, in ASCII. */
export function quotedText(text: string): string {
  const inside = JSON.stringify(text).slice(1, -1);
  return inside.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
