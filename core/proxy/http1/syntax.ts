/** What the heads of requests and responses have in common: RFC 9112 sections 2 to 6, RFC 9110 section 5. */
import { fieldNumber, hashByte, OTHER } from "../field_names.ts";
import { type HeadBlock, MAX_FIELDS } from "../head_block.ts";

/** A message that cannot be served; `status` is what a client gets for it. */
export class BadMessage extends Error {
  override name = "BadMessage";
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** What a reader returns when the bytes end before the head does. */
export const INCOMPLETE = -1;

/** Bytes of a token (RFC 9110 section 5.6.2), letters in lower case; 0 for all others. */
export const TOKEN = new Uint8Array(256);
for (const byte of new TextEncoder().encode("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")) TOKEN[byte] = byte;
for (let upper = 65; upper <= 90; upper++) TOKEN[upper] = upper + 32;

/** 1 for the bytes of a field value and of a reason phrase: no control characters but HTAB (RFC 9110 section 5.5). */
export const TEXT = new Uint8Array(256).fill(1, 32);
TEXT[9] = 1;
TEXT[127] = 0;

export const HTAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
const COLON = 58;

/** What a reader of fields does with those that concern it. */
export interface FieldTaker {
  /** The value stands from `start` to `end`. Returns false when the field is not to be kept. */
  take(number: number, bytes: Uint8Array, start: number, end: number): boolean;
}

/**
 * Reads the field lines from `at` to the empty line, in one pass, into `block`. Returns where the empty line ends, or
 * {@linkcode INCOMPLETE}. `bytes[end]` must be there and 0, so that no step needs to look for the end. Throws
 * {@linkcode BadMessage}.
 */
export function readFields(bytes: Uint8Array, at: number, end: number, block: HeadBlock, taker: FieldTaker): number {
  const out = block.bytes;
  while (true) {
    if (bytes[at] === CR) {
      if (at + 1 >= end) return INCOMPLETE;
      if (bytes[at + 1] !== LF) throw new BadMessage(400, "CR without LF");
      return at + 2;
    }
    const start = block.end;
    let to = start;
    let hash = 0;
    let byte: number;
    while ((byte = TOKEN[bytes[at]!]!) !== 0) {
      out[to++] = byte;
      hash = hashByte(hash, byte);
      at++;
    }
    if (at >= end) return INCOMPLETE;
    // A space before the name would be a folded line, one before the colon an old trick.
    if (bytes[at] !== COLON || to === start) throw new BadMessage(400, "field name is not a token");
    const number = fieldNumber(out, start, to, hash);
    out[to++] = COLON;
    out[to++] = SPACE;
    at++;
    while (bytes[at] === SPACE || bytes[at] === HTAB) at++;
    const valueAt = to;
    while (TEXT[byte = bytes[at]!] === 1) {
      out[to++] = byte;
      at++;
    }
    if (at + 1 >= end && (at >= end || byte === CR)) return INCOMPLETE;
    if (byte !== CR) throw new BadMessage(400, whatIsWrong(byte));
    if (bytes[at + 1] !== LF) throw new BadMessage(400, "CR without LF");
    at += 2;
    while (to > valueAt && (out[to - 1] === SPACE || out[to - 1] === HTAB)) to--;
    if (number !== OTHER && !taker.take(number, out, valueAt, to)) continue;
    if (block.count === MAX_FIELDS) throw new BadMessage(431, "too many fields");
    out[to++] = CR;
    out[to++] = LF;
    block.commit(number, to);
  }
}

export function whatIsWrong(byte: number): string {
  return byte === LF ? "LF without CR" : "control character";
}

/** Whether the bytes are that text, which is in lower case; letters of any case. */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + i]!;
    if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== text.charCodeAt(i)) return false;
  }
  return true;
}
