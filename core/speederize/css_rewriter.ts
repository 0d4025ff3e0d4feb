/** Moves URLs of a stylesheet as it passes. */
import { CssScanner } from "./css_scanner.ts";
import type { DocumentUrls } from "./document_urls.ts";
import type { Output } from "./output.ts";
import { Splice } from "./splice.ts";

export class CssRewriter {
  readonly #splice: Splice;
  readonly #scanner: CssScanner;

  constructor(readonly out: Output, readonly urls: DocumentUrls) {
    const splice = this.#splice = new Splice(out);
    this.#scanner = new CssScanner((bytes, start, end, use) => urls.replace(splice, bytes, start, end, use));
  }

  get heldBytes(): number {
    return this.#splice.heldBytes;
  }

  /** Takes the bytes from `start` to `end`; what of them is decided is in the output. */
  write(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    const splice = this.#splice;
    splice.begin(bytes, start, end);
    splice.hold(this.#scanner.scan(splice.bytes, splice.at, splice.end, isLast));
  }
}
