/** Whether a client in clear begins as HTTP/2 does, with prior knowledge: RFC 9113 section 3.3. */
import { PREFACE } from "./frame_reader.ts";

/** What the bytes so far say. */
export const NOT_HTTP2 = 0;
export const HTTP2 = 1;
export const UNDECIDED = 2;

export class PrefaceWait {
  /** Bytes of the preface that came before, and are kept nowhere else. */
  seen = 0;

  /** Takes the first `count` bytes, which follow those that were seen. It is decided by the whole preface, or the first other byte. */
  take(bytes: Uint8Array, count: number): typeof NOT_HTTP2 | typeof HTTP2 | typeof UNDECIDED {
    const left = PREFACE.length - this.seen;
    for (let i = 0; i < count && i < left; i++) if (bytes[i] !== PREFACE[this.seen + i]) return NOT_HTTP2;
    if (count >= left) return HTTP2;
    this.seen += count;
    return UNDECIDED;
  }

  /** All bytes that came, with those that were just read. */
  join(bytes: Uint8Array, count: number): Uint8Array<ArrayBuffer> {
    const joined = new Uint8Array(this.seen + count);
    joined.set(PREFACE.subarray(0, this.seen));
    joined.set(bytes.subarray(0, count), this.seen);
    return joined;
  }
}
