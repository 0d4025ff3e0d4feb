/**
 * gzip and zlib streams by libz, zlib.h:
 *
 * - `int inflateInit2_(z_streamp, int windowBits, const char *version, int stream_size)`, `int inflate(z_streamp, int flush)`,
 *   `int inflateReset(z_streamp)`, `int inflateEnd(z_streamp)`
 * - `int deflateInit2_(z_streamp, int level, int method, int windowBits, int memLevel, int strategy, const char *version,
 *   int stream_size)`, `int deflate(z_streamp, int flush)`, `int deflateEnd(z_streamp)`
 */
import type { OnPiece, Transcoder } from "./transcoder.ts";

function open() {
  return Deno.dlopen("libz.so.1", {
    inflateInit2_: { parameters: ["buffer", "i32", "buffer", "i32"], result: "i32" },
    inflate: { parameters: ["buffer", "i32"], result: "i32" },
    inflateReset: { parameters: ["buffer"], result: "i32" },
    inflateEnd: { parameters: ["buffer"], result: "i32" },
    deflateInit2_: {
      parameters: ["buffer", "i32", "i32", "i32", "i32", "i32", "buffer", "i32"],
      result: "i32",
    },
    deflate: { parameters: ["buffer", "i32"], result: "i32" },
    deflateEnd: { parameters: ["buffer"], result: "i32" },
  }).symbols;
}

let library: ReturnType<typeof open> | undefined;

const VERSION = new TextEncoder().encode("1.2.11\0");
/** sizeof(z_stream) where pointers and longs have 64 bits; next_in, avail_in, next_out, avail_out. */
const STREAM_BYTES = 112;
const NEXT_IN = 0;
const AVAIL_IN = 8;
const NEXT_OUT = 24;
const AVAIL_OUT = 32;
/** The largest window, with the header of gzip or of zlib; to inflate either. */
const WINDOW = 15;
const GZIP = 16;
const EITHER = 32;
const Z_DEFLATED = 8;
const MEMORY_LEVEL = 8;
const Z_NO_FLUSH = 0;
const Z_SYNC_FLUSH = 2;
const Z_FINISH = 4;
const Z_OK = 0;
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;
/** As nginx has it: the fastest; what is left out by it costs a tenth of the bytes. */
const LEVEL = 1;
const PIECE_BYTES = 65_536;

/** Begins each member of a gzip file: RFC 1952 section 2.2. */
const MEMBER = 0x1f;

/** One stream. The library keeps a pointer to the struct, whose memory stays where it is as long as this object has it. */
class ZlibStream {
  protected readonly lib = library ??= open();
  protected readonly stream = new Uint8Array(STREAM_BYTES);
  readonly #view = new DataView(this.stream.buffer);
  readonly #out = new Uint8Array(PIECE_BYTES);

  /** Bytes of the last piece that were not taken. */
  protected get left(): number {
    return this.#view.getUint32(AVAIL_IN, true);
  }

  /** Takes the bytes and gives what comes of them; `step` is inflate or deflate. Returns its last answer. */
  protected pump(
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
    onPiece: OnPiece,
    step: () => number,
  ): number {
    const view = this.#view;
    const input = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
    const output = Deno.UnsafePointer.value(Deno.UnsafePointer.of(this.#out));
    view.setBigUint64(NEXT_IN, input + BigInt(start), true);
    view.setUint32(AVAIL_IN, end - start, true);
    while (true) {
      view.setBigUint64(NEXT_OUT, output, true);
      view.setUint32(AVAIL_OUT, PIECE_BYTES, true);
      const result = step();
      const length = PIECE_BYTES - view.getUint32(AVAIL_OUT, true);
      if (length > 0) onPiece(this.#out, length);
      if (result !== Z_OK || length < PIECE_BYTES) return result;
    }
  }
}

export class Inflater extends ZlibStream implements Transcoder {
  #isOpen = true;
  #isDone = false;

  constructor() {
    super();
    const result = this.lib.inflateInit2_(this.stream, WINDOW + EITHER, VERSION, STREAM_BYTES);
    if (result !== Z_OK) throw new Error(`inflateInit2 answers ${result}`);
  }

  write(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean, onPiece: OnPiece): void {
    while (start < end) {
      if (this.#isDone) {
        // Another member follows, or what browsers do not read.
        if (bytes[start] !== MEMBER) break;
        this.lib.inflateReset(this.stream);
      }
      const result = this.pump(bytes, start, end, onPiece, () => this.lib.inflate(this.stream, Z_NO_FLUSH));
      if (result !== Z_OK && result !== Z_BUF_ERROR && result !== Z_STREAM_END) {
        throw new RangeError("Not a gzip or zlib stream");
      }
      this.#isDone = result === Z_STREAM_END;
      if (!this.#isDone) break;
      start = end - this.left;
    }
    if (isLast && !this.#isDone) throw new RangeError("The gzip or zlib stream ends early");
  }

  close(): void {
    if (this.#isOpen) this.lib.inflateEnd(this.stream);
    this.#isOpen = false;
  }
}

export class Deflater extends ZlibStream implements Transcoder {
  #isOpen = true;

  /** @param isGzip with the header of gzip, else of zlib */
  constructor(isGzip: boolean) {
    super();
    const window = isGzip ? WINDOW + GZIP : WINDOW;
    const result = this.lib.deflateInit2_(
      this.stream,
      LEVEL,
      Z_DEFLATED,
      window,
      MEMORY_LEVEL,
      0,
      VERSION,
      STREAM_BYTES,
    );
    if (result !== Z_OK) throw new Error(`deflateInit2 answers ${result}`);
  }

  /** What was written can be read at the other end at once. */
  write(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean, onPiece: OnPiece): void {
    const flush = isLast ? Z_FINISH : Z_SYNC_FLUSH;
    if (isLast || end > start) this.pump(bytes, start, end, onPiece, () => this.lib.deflate(this.stream, flush));
  }

  close(): void {
    if (this.#isOpen) this.lib.deflateEnd(this.stream);
    this.#isOpen = false;
  }
}
