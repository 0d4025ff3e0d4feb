/**
 * What a field of a header block is, found once, when it is written down: most fields of a connection come from its table again and
 * again. Names that HTTP/1.1 knows too have the numbers of field_names.ts.
 */
import { fieldNumber, hashByte } from "../../field_names.ts";
import { HTAB, SPACE, TEXT, TOKEN } from "../../http1/syntax.ts";

/** Pseudo-header fields: RFC 9113 sections 8.3.1 and 8.3.2, RFC 8441 section 4. */
export const METHOD = 32;
export const SCHEME = 33;
export const AUTHORITY = 34;
export const PATH = 35;
export const PROTOCOL = 36;
export const STATUS = 37;
/** Its name or value may not be in a message: RFC 9113 section 8.2.1. Its table entry counts all the same. */
export const MALFORMED = 63;

const COLON = 58;
const PSEUDO = new Map<string, number>([
  [":method", METHOD],
  [":scheme", SCHEME],
  [":authority", AUTHORITY],
  [":path", PATH],
  [":protocol", PROTOCOL],
  [":status", STATUS],
]);

/** Of the name from `start` to `end`, or {@linkcode MALFORMED}. */
export function kindOfName(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === COLON) return pseudoKind(bytes, start, end);
  if (start === end) return MALFORMED;
  let hash = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    // Letters in lower case alone; 0 is no token's.
    if (byte === 0 || TOKEN[byte] !== byte) return MALFORMED;
    hash = hashByte(hash, byte);
  }
  return fieldNumber(bytes, start, end, hash);
}

function pseudoKind(bytes: Uint8Array, start: number, end: number): number {
  return PSEUDO.get(String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 16)))) ?? MALFORMED;
}

/** Whether a message may have the value: no control characters but HTAB, no whitespace around it. */
export function isValue(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true;
  const first = bytes[start]!;
  const last = bytes[end - 1]!;
  if (first === SPACE || first === HTAB || last === SPACE || last === HTAB) return false;
  for (let at = start; at < end; at++) if (TEXT[bytes[at]!] !== 1) return false;
  return true;
}
