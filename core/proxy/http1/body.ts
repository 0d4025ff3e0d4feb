/** Message bodies: where they end as they come in, and how they are written as they go out. RFC 9112 section 6. */
import type { HeadBlock } from "../head_block.ts";
import { NO_BODY, UNKNOWN_LENGTH } from "../message.ts";
import { ChunkedDecoder, MAX_TRAILERS } from "./chunked.ts";

/** A body that comes in; one object is used for one after the other. */
export class IncomingBody {
  #left = 0;
  #chunks: ChunkedDecoder | null = null;
  /** After {@linkcode take}: where the bytes begin that are not of this body. */
  consumed = 0;

  /** @param length bytes, {@linkcode NO_BODY} or {@linkcode UNKNOWN_LENGTH}: chunked, or up to the connection's end */
  begin(length: number, isChunked: boolean): void {
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

  /** Trailers of a chunked body that is done; null without. */
  get trailers(): HeadBlock | null {
    return this.#chunks?.trailers ?? null;
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

/** Most bytes that {@linkcode writeBody} adds to a piece: size in hex, line ends, the last chunk and its trailers. */
export const CHUNK_OVERHEAD = 32 + 2 * MAX_TRAILERS;
const HEX = "0123456789abcdef";
const CR = 13;
const LF = 10;
const ZERO = 48;

/**
 * Writes a piece of a body at `at`, as a chunk where the length is not told, and returns where it ends. Trailers go out with the
 * last piece of a chunked body.
 */
export function writeBody(
  out: Uint8Array<ArrayBuffer>,
  at: number,
  data: Uint8Array,
  start: number,
  end: number,
  isChunked: boolean,
  isLast: boolean,
  trailers: HeadBlock | null,
): number {
  if (end > start) {
    if (isChunked) at = writeSize(out, at, end - start);
    out.set(data.subarray(start, end), at);
    at += end - start;
    if (isChunked) at = writeLineEnd(out, at);
  }
  if (!isLast || !isChunked) return at;
  out[at++] = ZERO;
  at = writeLineEnd(out, at);
  if (trailers !== null) {
    out.set(trailers.bytes.subarray(0, trailers.end), at);
    at += trailers.end;
  }
  return writeLineEnd(out, at);
}

function writeSize(out: Uint8Array, at: number, size: number): number {
  let shift = 0;
  while (size >>> shift > 15) shift += 4;
  for (; shift >= 0; shift -= 4) out[at++] = HEX.charCodeAt((size >>> shift) & 15);
  return writeLineEnd(out, at);
}

function writeLineEnd(out: Uint8Array, at: number): number {
  out[at++] = CR;
  out[at++] = LF;
  return at;
}
