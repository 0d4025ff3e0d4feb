/** Bytes that grow at their end: what a rewriter gives for a piece of its input. Used again for every piece. */
import { encodeLatin1 } from "../proxy/http1/latin1.ts";

/** A copy of so few bytes is made faster by a loop than by a call. */
const SHORT_COPY = 48;

export class Output {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  /** @param size bytes at first: what a read gives, with room for what is inserted */
  constructor(size: number = 96 * 1024) {
    this.bytes = new Uint8Array(size);
  }

  clear(): void {
    this.length = 0;
  }

  copy(from: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length <= 0) return;
    this.#reserve(length);
    const { bytes } = this;
    if (length > SHORT_COPY) bytes.set(from.subarray(start, end), this.length);
    else for (let i = start, to = this.length; i < end; i++) bytes[to++] = from[i]!;
    this.length += length;
  }

  /** One byte a character. */
  text(text: string): void {
    this.#reserve(text.length);
    if (text.length > SHORT_COPY) {
      this.length = encodeLatin1(text, this.bytes, this.length);
      return;
    }
    const { bytes, length } = this;
    for (let i = 0; i < text.length; i++) bytes[length + i] = text.charCodeAt(i);
    this.length = length + text.length;
  }

  #reserve(length: number): void {
    if (this.length + length <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.length + length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
