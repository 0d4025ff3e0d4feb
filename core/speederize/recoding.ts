/** A body that comes in a coding although none was asked for: decoded, rewritten, and coded again the same way. */
import { BrotliDecoder, BrotliEncoder } from "../../ffi/brotli.ts";
import { Deflater, Inflater } from "../../ffi/deflate.ts";
import type { Transcoder } from "../../ffi/transcoder.ts";
import { BadMessage } from "../proxy/http1/syntax.ts";
import { Output } from "./output.ts";

/** RFC 9110 section 8.4.1, RFC 7932. */
export const CODINGS: ReadonlySet<string> = new Set(["gzip", "x-gzip", "deflate", "br"]);
/** One piece may not become more than that, bytes: a few of its bytes could keep everybody else waiting. */
const MOST_DECODED = 33_554_432;
const NO_BYTES = new Uint8Array(0);

export interface Rewriter {
  write(bytes: Uint8Array, start: number, end: number, isLast: boolean): unknown;
}

export class Recoding {
  readonly #decoder: Transcoder;
  readonly #encoder: Transcoder;
  readonly #coded = new Output();
  #decoded = 0;

  /** @param plain where the rewriter writes */
  constructor(coding: string, readonly rewriter: Rewriter, readonly plain: Output) {
    const isBrotli = coding === "br";
    this.#decoder = isBrotli ? new BrotliDecoder() : new Inflater();
    this.#encoder = isBrotli ? new BrotliEncoder() : new Deflater(coding !== "deflate");
  }

  /** What a piece becomes; good until the next call. Throws {@linkcode BadMessage} for what is not of that coding. */
  write(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): Output {
    this.#coded.clear();
    this.#decoded = 0;
    try {
      this.#decoder.write(bytes, start, end, isLast, (decoded, length) => {
        this.#decoded += length;
        if (this.#decoded > MOST_DECODED) throw new RangeError("A piece becomes too long");
        this.#rewrite(decoded, length, false);
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new BadMessage(502, error.message);
    }
    if (isLast) this.#rewrite(NO_BYTES, 0, true);
    return this.#coded;
  }

  #rewrite(bytes: Uint8Array<ArrayBuffer>, length: number, isLast: boolean): void {
    this.plain.clear();
    this.rewriter.write(bytes, 0, length, isLast);
    this.#encoder.write(
      this.plain.bytes,
      0,
      this.plain.length,
      isLast,
      (coded, length) => this.#coded.copy(coded, 0, length),
    );
  }

  /** Frees the libraries' memory. */
  close(): void {
    this.#decoder.close();
    this.#encoder.close();
  }
}
