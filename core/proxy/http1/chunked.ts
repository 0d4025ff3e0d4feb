/** The chunked transfer coding: RFC 9112 section 7.1. */
import { BadMessage } from "./syntax.ts";

const CR = 13;
const LF = 10;
/** Longest chunk-size line, extensions included: they carry nothing that anybody uses. */
const MAX_SIZE_LINE = 256;
/** Longest trailer section. */
const MAX_TRAILERS = 8_192;
/** Hex digits of a chunk size: 2^48 bytes is more than a body has. */
const MAX_SIZE_DIGITS = 12;

type State =
  | "size"
  | "extension"
  | "sizeLf"
  | "data"
  | "dataCr"
  | "dataLf"
  | "trailer"
  | "trailerLf"
  | "endLf"
  | "done";

/** Takes chunks apart, at any split of the bytes. Trailers are read and dropped. */
export class ChunkedDecoder {
  #state: State = "size";
  /** Of the chunk: bytes still to come. */
  #left = 0;
  #digits = 0;
  /** Bytes of the present line, or of all trailers. */
  #lineBytes = 0;
  #trailerLineBytes = 0;
  /** Where the last call stopped: bytes from here on are not of this body. */
  consumed = 0;

  get isDone(): boolean {
    return this.#state === "done";
  }

  /**
   * Takes the bytes from `start` to `end` and moves the data among them to `start`; returns where the data ends.
   * Throws {@linkcode BadMessage}.
   */
  decode(bytes: Uint8Array, start: number, end: number): number {
    let to = start;
    let at = start;
    while (at < end && this.#state !== "done") {
      if (this.#state === "data") {
        const count = Math.min(this.#left, end - at);
        if (to !== at) bytes.copyWithin(to, at, at + count);
        to += count;
        at += count;
        this.#left -= count;
        if (this.#left === 0) this.#state = "dataCr";
      } else this.#step(bytes[at++]!);
    }
    this.consumed = at;
    return to;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size":
        return this.#size(byte);
      case "extension":
        if (++this.#lineBytes > MAX_SIZE_LINE) throw new BadMessage(400, "chunk-size line too long");
        if (byte === CR) this.#state = "sizeLf";
        else if (byte < 32 && byte !== 9 || byte === 127) {
          throw new BadMessage(400, "control character in a chunk-size line");
        }
        return;
      case "sizeLf":
        this.#expect(byte, LF);
        this.#digits = this.#lineBytes = 0;
        this.#state = this.#left > 0 ? "data" : "trailer";
        return;
      case "dataCr":
        this.#expect(byte, CR);
        this.#state = "dataLf";
        return;
      case "dataLf":
        this.#expect(byte, LF);
        this.#state = "size";
        return;
      case "trailer":
        return this.#trailer(byte);
      case "trailerLf":
        this.#expect(byte, LF);
        this.#trailerLineBytes = 0;
        this.#state = "trailer";
        return;
      case "endLf":
        this.#expect(byte, LF);
        this.#state = "done";
    }
  }

  #size(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > MAX_SIZE_DIGITS) throw new BadMessage(400, "chunk size too large");
      this.#left = this.#left * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw new BadMessage(400, "chunk without size");
    if (byte === CR) this.#state = "sizeLf";
    else if (byte === 0x3b || byte === 32 || byte === 9) this.#state = "extension";
    else throw new BadMessage(400, "chunk size is not hexadecimal");
  }

  #trailer(byte: number): void {
    if (++this.#lineBytes > MAX_TRAILERS) throw new BadMessage(400, "trailers too long");
    if (byte === CR) this.#state = this.#trailerLineBytes === 0 ? "endLf" : "trailerLf";
    else if (byte < 32 && byte !== 9 || byte === 127) throw new BadMessage(400, "control character in a trailer");
    else this.#trailerLineBytes++;
  }

  #expect(byte: number, wanted: number): void {
    if (byte !== wanted) throw new BadMessage(400, "chunk not ended by CR LF");
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** What ends a chunked body without trailers. */
export const LAST_CHUNK = "0\r\n\r\n";
