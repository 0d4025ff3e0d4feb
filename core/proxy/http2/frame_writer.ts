/** Frames on their way out, put together for one write. */
import { FRAME_HEADER, GOAWAY, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE } from "./codes.ts";

/** Grows to what a turn of many streams writes. */
const FIRST_BYTES = 4_096;
const NOTHING = new Uint8Array(0);

export class FrameWriter {
  bytes: Uint8Array<ArrayBuffer> = NOTHING;
  /** Where the next byte goes. */
  end = 0;

  clear(): void {
    this.end = 0;
  }

  /** Gives its memory away until it is written to again. */
  free(): void {
    this.bytes = NOTHING;
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    const wanted = this.end + count;
    if (wanted <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(wanted, FIRST_BYTES, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
  }

  /** A frame's header; its payload is to be written from {@linkcode end} on. */
  header(length: number, type: number, flags: number, streamId: number): void {
    this.reserve(FRAME_HEADER + length);
    this.headerAt(this.end, length, type, flags, streamId);
    this.end += FRAME_HEADER;
  }

  headerAt(at: number, length: number, type: number, flags: number, streamId: number): void {
    const { bytes } = this;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    writeUint32(bytes, at + 5, streamId);
  }

  copy(from: Uint8Array, start: number, end: number): void {
    this.bytes.set(from.subarray(start, end), this.end);
    this.end += end - start;
  }

  #number(value: number): void {
    writeUint32(this.bytes, this.end, value);
    this.end += 4;
  }

  /** Pairs of identifier and value. */
  settings(flags: number, pairs: readonly (readonly [id: number, value: number])[]): void {
    this.header(6 * pairs.length, SETTINGS, flags, 0);
    for (const [id, value] of pairs) {
      this.bytes[this.end++] = id >>> 8;
      this.bytes[this.end++] = id;
      this.#number(value);
    }
  }

  reset(streamId: number, code: number): void {
    this.header(4, RST_STREAM, 0, streamId);
    this.#number(code);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.header(4, WINDOW_UPDATE, 0, streamId);
    this.#number(increment);
  }

  ping(flags: number, data: Uint8Array, at: number): void {
    this.header(8, PING, flags, 0);
    this.copy(data, at, at + 8);
  }

  goaway(lastStreamId: number, code: number): void {
    this.header(8, GOAWAY, 0, 0);
    this.#number(lastStreamId);
    this.#number(code);
  }
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
