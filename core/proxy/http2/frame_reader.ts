/** Takes frames out of bytes, at any split of them: RFC 9113 sections 3.4 and 4. */
import { HeldBytes } from "../http1/held_bytes.ts";
import { FRAME_HEADER, FRAME_SIZE, FRAME_SIZE_ERROR, PROTOCOL_ERROR } from "./codes.ts";
import { ConnectionError } from "./errors.ts";

export const PREFACE: Uint8Array<ArrayBuffer> = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface FrameSink {
  /** The payload stands from `start` to `end`, for the call. */
  frame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
  ): void;
}

export class FrameReader {
  /** Bytes of the preface still to come. */
  #prefaceLeft: number;
  /** The beginning of a frame. */
  #held: HeldBytes | null = null;

  /** @param expectsPreface whether this is the server's side */
  constructor(expectsPreface: boolean) {
    this.#prefaceLeft = expectsPreface ? PREFACE.length : 0;
  }

  /** Takes the bytes from `at` to `end`. Throws ConnectionError. */
  read(bytes: Uint8Array<ArrayBuffer>, at: number, end: number, sink: FrameSink): void {
    for (; this.#prefaceLeft > 0 && at < end; this.#prefaceLeft--) {
      if (bytes[at++] !== PREFACE[PREFACE.length - this.#prefaceLeft]) {
        throw new ConnectionError(PROTOCOL_ERROR, "no preface of HTTP/2");
      }
    }
    if (this.#held !== null) at = this.#complete(this.#held, bytes, at, end, sink);
    while (end - at >= FRAME_HEADER) {
      const next = at + FRAME_HEADER + payloadLength(bytes, at);
      if (next > end) break;
      give(bytes, at, next, sink);
      at = next;
    }
    if (at < end) this.#held = new HeldBytes(bytes, at, end);
  }

  /** Returns where the bytes begin that are not of the frame that is held. */
  #complete(held: HeldBytes, bytes: Uint8Array<ArrayBuffer>, at: number, end: number, sink: FrameSink): number {
    while (at < end) {
      const isHeaderKnown = held.length >= FRAME_HEADER;
      const wanted = FRAME_HEADER + (isHeaderKnown ? payloadLength(held.bytes, 0) : 0);
      const taken = Math.min(wanted - held.length, end - at);
      held.append(bytes, at, at + taken);
      at += taken;
      if (held.length < FRAME_HEADER) return at;
      if (held.length < FRAME_HEADER + payloadLength(held.bytes, 0)) continue;
      this.#held = null;
      give(held.bytes, 0, held.length, sink);
      return at;
    }
    return at;
  }
}

function payloadLength(bytes: Uint8Array, at: number): number {
  const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  if (length > FRAME_SIZE) throw new ConnectionError(FRAME_SIZE_ERROR, `frame of ${length} bytes`);
  return length;
}

function give(bytes: Uint8Array<ArrayBuffer>, at: number, end: number, sink: FrameSink): void {
  // The first bit is reserved, and ignored.
  sink.frame(bytes[at + 3]!, bytes[at + 4]!, readUint31(bytes, at + 5), bytes, at + FRAME_HEADER, end);
}

/** 31 bits; the one before them is not looked at. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! & 0x7f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
