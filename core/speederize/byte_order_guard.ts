/** Lets through untouched what begins as UTF-16 does: it could not be read byte by byte. */
import type { OnDoubt } from "./doubts.ts";
import type { Output } from "./output.ts";
import type { Rewriter } from "./recoding.ts";

/** The first byte of UTF-16's byte order marks, FE FF and FF FE; no text that can be read byte by byte begins so. */
const LEAST_MARK = 0xfe;

export class ByteOrderGuard implements Rewriter {
  #isFirst = true;
  #isUntouched = false;

  constructor(readonly rewriter: Rewriter, readonly out: Output, readonly onDoubt: OnDoubt) {}

  write(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    if (this.#isFirst && end > start) {
      this.#isFirst = false;
      this.#isUntouched = bytes[start]! >= LEAST_MARK;
      if (this.#isUntouched) this.onDoubt("charset");
    }
    if (this.#isUntouched) this.out.copy(bytes, start, end);
    else this.rewriter.write(bytes, start, end, isLast);
  }
}
