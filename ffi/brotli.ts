/**
 * Brotli streams by libbrotlidec and libbrotlienc, brotli/decode.h and encode.h:
 *
 * - `BrotliDecoderState *BrotliDecoderCreateInstance(alloc, free, opaque)`,
 *   `BrotliDecoderResult BrotliDecoderDecompressStream(state, size_t *available_in, const uint8_t **next_in, size_t *available_out,
 *   uint8_t **next_out, size_t *total_out)`, `void BrotliDecoderDestroyInstance(state)`
 * - `BrotliEncoderState *BrotliEncoderCreateInstance(alloc, free, opaque)`,
 *   `BROTLI_BOOL BrotliEncoderSetParameter(state, BrotliEncoderParameter, uint32_t)`,
 *   `BROTLI_BOOL BrotliEncoderCompressStream(state, BrotliEncoderOperation, size_t *available_in, const uint8_t **next_in,
 *   size_t *available_out, uint8_t **next_out, size_t *total_out)`, `void BrotliEncoderDestroyInstance(state)`
 */
import type { OnPiece, Transcoder } from "./transcoder.ts";

const IN_OUT = ["pointer", "buffer", "buffer", "buffer", "buffer", "pointer"] as const;

function openDecoder() {
  return Deno.dlopen("libbrotlidec.so.1", {
    BrotliDecoderCreateInstance: { parameters: ["pointer", "pointer", "pointer"], result: "pointer" },
    BrotliDecoderDecompressStream: { parameters: IN_OUT, result: "i32" },
    BrotliDecoderDestroyInstance: { parameters: ["pointer"], result: "void" },
  }).symbols;
}

function openEncoder() {
  return Deno.dlopen("libbrotlienc.so.1", {
    BrotliEncoderCreateInstance: { parameters: ["pointer", "pointer", "pointer"], result: "pointer" },
    BrotliEncoderSetParameter: { parameters: ["pointer", "i32", "u32"], result: "i32" },
    BrotliEncoderCompressStream: {
      parameters: ["pointer", "i32", "buffer", "buffer", "buffer", "buffer", "pointer"],
      result: "i32",
    },
    BrotliEncoderDestroyInstance: { parameters: ["pointer"], result: "void" },
  }).symbols;
}

let decoder: ReturnType<typeof openDecoder> | undefined;
let encoder: ReturnType<typeof openEncoder> | undefined;

const DECODER_ERROR = 0;
const DECODER_DONE = 1;
const OPERATION_FLUSH = 1;
const OPERATION_FINISH = 2;
const PARAM_QUALITY = 1;
/** As fast as gzip's first level, and smaller. */
const QUALITY = 2;
const PIECE_BYTES = 65_536;

/** What both directions keep for the library: counts and pointers that it moves on. */
class Window {
  readonly availableIn = new BigUint64Array(1);
  readonly nextIn = new BigUint64Array(1);
  readonly availableOut = new BigUint64Array(1);
  readonly nextOut = new BigUint64Array(1);
  readonly out = new Uint8Array(PIECE_BYTES);

  /** Calls `step` until it gives no more. */
  pump(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, onPiece: OnPiece, step: () => void): void {
    this.nextIn[0] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)) + BigInt(start);
    this.availableIn[0] = BigInt(end - start);
    const output = Deno.UnsafePointer.value(Deno.UnsafePointer.of(this.out));
    while (true) {
      this.nextOut[0] = output;
      this.availableOut[0] = BigInt(PIECE_BYTES);
      step();
      const length = PIECE_BYTES - Number(this.availableOut[0]);
      if (length > 0) onPiece(this.out, length);
      if (length < PIECE_BYTES) return;
    }
  }
}

export class BrotliDecoder implements Transcoder {
  readonly #lib = decoder ??= openDecoder();
  readonly #window = new Window();
  #state = this.#lib.BrotliDecoderCreateInstance(null, null, null);
  #isDone = false;

  write(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean, onPiece: OnPiece): void {
    const { availableIn, nextIn, availableOut, nextOut } = this.#window;
    if (!this.#isDone && end > start) {
      this.#window.pump(bytes, start, end, onPiece, () => {
        const result = this.#lib.BrotliDecoderDecompressStream(
          this.#state,
          u8(availableIn),
          u8(nextIn),
          u8(availableOut),
          u8(nextOut),
          null,
        );
        if (result === DECODER_ERROR) throw new RangeError("Not a brotli stream");
        this.#isDone = result === DECODER_DONE;
      });
    }
    if (isLast && !this.#isDone) throw new RangeError("The brotli stream ends early");
  }

  close(): void {
    if (this.#state !== null) this.#lib.BrotliDecoderDestroyInstance(this.#state);
    this.#state = null;
  }
}

export class BrotliEncoder implements Transcoder {
  readonly #lib = encoder ??= openEncoder();
  readonly #window = new Window();
  #state = this.#lib.BrotliEncoderCreateInstance(null, null, null);

  constructor() {
    this.#lib.BrotliEncoderSetParameter(this.#state, PARAM_QUALITY, QUALITY);
  }

  /** What was written can be read at the other end at once. */
  write(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean, onPiece: OnPiece): void {
    if (!isLast && end === start) return;
    const { availableIn, nextIn, availableOut, nextOut } = this.#window;
    const operation = isLast ? OPERATION_FINISH : OPERATION_FLUSH;
    this.#window.pump(bytes, start, end, onPiece, () => {
      this.#lib.BrotliEncoderCompressStream(
        this.#state,
        operation,
        u8(availableIn),
        u8(nextIn),
        u8(availableOut),
        u8(nextOut),
        null,
      );
    });
  }

  close(): void {
    if (this.#state !== null) this.#lib.BrotliEncoderDestroyInstance(this.#state);
    this.#state = null;
  }
}

function u8({ buffer }: BigUint64Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}
