/** Message bodies: where they end as they come in, and how they are written as they go out. RFC 9112 section 6. */
import { NO_BODY, UNKNOWN_LENGTH } from "../message.ts";
import { ChunkedDecoder, LAST_CHUNK } from "./chunked.ts";
import { encodeLatin1 } from "./latin1.ts";

/** A body that comes in. */
export class IncomingBody {
  #left: number;
  #chunks: ChunkedDecoder | null;
  /** After {@linkcode take}: where the bytes begin that are not of this body. */
  consumed = 0;

  /** @param length bytes, {@linkcode NO_BODY} or {@linkcode UNKNOWN_LENGTH}: chunked, or up to the connection's end */
  constructor(length: number, isChunked: boolean) {
    this.#left = isChunked ? NO_BODY : length;
    this.#chunks = isChunked ? new ChunkedDecoder() : null;
  }

  get isDone(): boolean {
    return this.#chunks ? this.#chunks.isDone : this.#left === 0;
  }

  /** Only the end of the connection ends it. */
  get endsWithConnection(): boolean {
    return this.#left === UNKNOWN_LENGTH;
  }

  /** Takes the bytes from `start` to `end`, moves the body's data to `start` and returns where it ends. */
  take(bytes: Uint8Array, start: number, end: number): number {
    if (this.#chunks) {
      const dataEnd = this.#chunks.decode(bytes, start, end);
      this.consumed = this.#chunks.consumed;
      return dataEnd;
    }
    if (this.#left === UNKNOWN_LENGTH) return this.consumed = end;
    const count = Math.min(this.#left, end - start);
    this.#left -= count;
    return this.consumed = start + count;
  }
}

/** Most bytes that {@linkcode writeBody} adds to a piece: size in hex, two line ends, the last chunk. */
export const CHUNK_OVERHEAD = 32;

/** Writes a piece of a body at `at`, as a chunk where the length is not told, and returns where it ends. */
export function writeBody(
  out: Uint8Array,
  at: number,
  data: Uint8Array,
  start: number,
  end: number,
  isChunked: boolean,
  isLast: boolean,
): number {
  if (end > start) {
    if (isChunked) at = encodeLatin1(`${(end - start).toString(16)}\r\n`, out, at);
    out.set(data.subarray(start, end), at);
    at += end - start;
    if (isChunked) at = encodeLatin1("\r\n", out, at);
  }
  return isLast && isChunked ? encodeLatin1(LAST_CHUNK, out, at) : at;
}
