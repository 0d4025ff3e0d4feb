/** Header blocks as they come, in HEADERS and CONTINUATION frames: RFC 9113 sections 4.3, 6.2 and 6.10. */
import { HeldBytes } from "../http1/held_bytes.ts";
import type { Allowances } from "./abuse.ts";
import {
  COMPRESSION_ERROR,
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FRAME_SIZE_ERROR,
  HAS_PRIORITY,
  PADDED,
  PRIORITY_BYTES,
  PROTOCOL_ERROR,
} from "./codes.ts";
import { ConnectionError } from "./errors.ts";
import { HpackDecoder, MAX_BLOCK_BYTES } from "./hpack/decoder.ts";
import { HpackError } from "./hpack/error.ts";
import type { FieldSink } from "./hpack/field_lines.ts";

/** Takes a whole block, of {@linkcode HeaderBlocks.streamId}, that stands from `start` to `end`. */
export type BlockTaker = (bytes: Uint8Array<ArrayBuffer>, start: number, end: number) => void;

/** Decoded for the table alone. */
const NOWHERE: FieldSink = { field() {} };

/** Of one direction of a connection. */
export class HeaderBlocks {
  readonly #decoder = new HpackDecoder();
  /** A block whose rest is to come in CONTINUATION frames. */
  #held: HeldBytes | null = null;
  /** Of the block that came last, or is coming. */
  streamId = 0;
  /** END_STREAM stood in its first frame. */
  endsStream = false;

  constructor(readonly allowances: Allowances, readonly take: BlockTaker) {}

  /** Throws ConnectionError where the frame may not stand here: nothing comes within a block. */
  check(isContinuation: boolean, id: number): void {
    if (this.#held !== null && (!isContinuation || id !== this.streamId)) {
      throw new ConnectionError(PROTOCOL_ERROR, "frame within a header block");
    }
  }

  /** A HEADERS frame. */
  headers(flags: number, id: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    let at = start;
    let padding = 0;
    if (flags & PADDED) padding = at < end ? bytes[at++]! : 1;
    if (flags & HAS_PRIORITY) at += PRIORITY_BYTES;
    if (at > end) throw new ConnectionError(FRAME_SIZE_ERROR, "HEADERS too short");
    if (padding > end - at) throw new ConnectionError(PROTOCOL_ERROR, "padding longer than its frame");
    this.streamId = id;
    this.endsStream = (flags & END_STREAM) !== 0;
    if (flags & END_HEADERS) this.take(bytes, at, end - padding);
    else this.#held = new HeldBytes(bytes, at, end - padding);
  }

  continuation(flags: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const held = this.#held;
    if (held === null) throw new ConnectionError(PROTOCOL_ERROR, "CONTINUATION of nothing");
    this.allowances.spend("continuation flood");
    if (held.length + end - start > MAX_BLOCK_BYTES) {
      throw new ConnectionError(ENHANCE_YOUR_CALM, "header block too long");
    }
    held.append(bytes, start, end);
    if (!(flags & END_HEADERS)) return;
    this.#held = null;
    this.take(held.bytes, 0, held.length);
  }

  /** Gives the fields of a block to the sink, as many as `maxListBytes` holds. Throws ConnectionError. */
  decode(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, sink: FieldSink, maxListBytes: number): void {
    try {
      this.#decoder.decode(bytes, start, end, sink, maxListBytes);
    } catch (error) {
      if (error instanceof HpackError) throw new ConnectionError(COMPRESSION_ERROR, error.message);
      throw error;
    }
  }

  /** A block that nobody wants changes the table all the same. */
  skip(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    this.decode(bytes, start, end, NOWHERE, 0);
  }

  /** The last block was longer than its sink takes. */
  get listIsTooLong(): boolean {
    return this.#decoder.listIsTooLong;
  }
}
