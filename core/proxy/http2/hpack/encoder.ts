/**
 * Encodes header blocks: RFC 7541, by the static table and literals without indexing, as HAProxy does. So nothing is kept for a
 * connection, and a block can be written before those of streams that came earlier.
 */
import { hashByte } from "../../field_names.ts";
import { encodeLatin1 } from "../../http1/latin1.ts";
import { STATIC, STATIC_ENTRIES, STATIC_STATUSES } from "./static_table.ts";

/**
 * A dynamic table of size 0, RFC 7541 section 6.3: to be sent before the first block of a connection, so that no setting of the
 * other side's is ever exceeded (section 4.2), and that it can free its table.
 */
export const NO_TABLE = 0x20;
/** Most bytes that a field gains over its line "name: value" CR LF: two lengths of up to 5 bytes, a byte before them. */
export const FIELD_GROWTH = 8;

const COLON = 58;
const INDEXED = 0x80;
const LITERAL = 0x00;
/** What nobody on the way may put in a table: RFC 7541 section 7.1.3. */
const NEVER_INDEXED = 0x10;
const STATUS_NAME = 8;
/** authorization, cookie, proxy-authorization, set-cookie */
const SECRET = new Set([23, 32, 49, 55]);

/** Index by name, open addressing: a quarter full. */
const SLOTS = 256;
const indexOfSlot = new Uint8Array(SLOTS);
for (let index = 1; index <= STATIC_ENTRIES; index++) {
  const entry = index - 1;
  let hash = 0;
  for (let at = STATIC.start(entry); at < STATIC.nameEnd(entry); at++) hash = hashByte(hash, STATIC.bytes[at]!);
  if (findName(STATIC.bytes, STATIC.start(entry), STATIC.nameEnd(entry), hash) !== 0) continue;
  let slot = hash & (SLOTS - 1);
  while (indexOfSlot[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
  indexOfSlot[slot] = index;
}

/** The first index of the name of that hash; 0 without. */
function findName(bytes: Uint8Array, start: number, end: number, hash: number): number {
  let slot = hash & (SLOTS - 1);
  for (let index = indexOfSlot[slot]!; index !== 0; index = indexOfSlot[slot]!) {
    if (isNameOf(index - 1, bytes, start, end)) return index;
    slot = (slot + 1) & (SLOTS - 1);
  }
  return 0;
}

function isNameOf(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
  const nameAt = STATIC.start(entry);
  if (STATIC.nameEnd(entry) - nameAt !== end - start) return false;
  for (let i = 0; i < end - start; i++) if (STATIC.bytes[nameAt + i] !== bytes[start + i]) return false;
  return true;
}

/** Writes `:status` at `to` and returns where it ends. */
export function encodeStatus(out: Uint8Array, to: number, status: number): number {
  const index = STATIC_STATUSES.get(status);
  if (index !== undefined) {
    out[to++] = INDEXED | index;
    return to;
  }
  out[to++] = LITERAL | STATUS_NAME;
  out[to++] = 3;
  out[to++] = 48 + Math.floor(status / 100);
  out[to++] = 48 + Math.floor(status / 10) % 10;
  out[to++] = 48 + status % 10;
  return to;
}

/** Writes a pseudo-header field of a request: its name by an index of the static table. RFC 9113 section 8.3.1. */
export function encodePseudo(out: Uint8Array, to: number, name: RequestPseudo, value: string): number {
  const index = PSEUDO_VALUES[name].get(value);
  if (index !== undefined) {
    out[to++] = INDEXED | index;
    return to;
  }
  to = writeNumber(out, to, LITERAL, 0x0f, PSEUDO_NAMES[name]);
  to = writeNumber(out, to, 0, 0x7f, value.length);
  return encodeLatin1(value, out, to);
}

export type RequestPseudo = ":authority" | ":method" | ":path" | ":scheme";
const PSEUDO_NAMES: Readonly<Record<RequestPseudo, number>> = {
  ":authority": 1,
  ":method": 2,
  ":path": 4,
  ":scheme": 6,
};
/** RFC 7541 appendix A. */
const PSEUDO_VALUES: Readonly<Record<RequestPseudo, ReadonlyMap<string, number>>> = {
  ":authority": new Map(),
  ":method": new Map([["GET", 2], ["POST", 3]]),
  ":path": new Map([["/", 4], ["/index.html", 5]]),
  ":scheme": new Map([["http", 6], ["https", 7]]),
};

/** Writes the field whose line "name: value" CR LF stands from `start` to `end`, its name in lower case. */
export function encodeLine(
  out: Uint8Array,
  to: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let hash = 0;
  let nameEnd = start;
  for (let byte = bytes[start]!; byte !== COLON; byte = bytes[++nameEnd]!) hash = hashByte(hash, byte);
  const index = findName(bytes, start, nameEnd, hash);
  to = writeNumber(out, to, SECRET.has(index) ? NEVER_INDEXED : LITERAL, 0x0f, index);
  if (index === 0) to = writeString(out, to, bytes, start, nameEnd);
  return writeString(out, to, bytes, nameEnd + 2, end - 2);
}

function writeString(out: Uint8Array, to: number, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  to = writeNumber(out, to, 0, 0x7f, length);
  if (length < 64) { for (let i = 0; i < length; i++) out[to + i] = bytes[start + i]!; }
  else out.set(bytes.subarray(start, end), to);
  return to + length;
}

/** RFC 7541 section 5.1. */
function writeNumber(out: Uint8Array, to: number, pattern: number, mask: number, value: number): number {
  if (value < mask) {
    out[to++] = pattern | value;
    return to;
  }
  out[to++] = pattern | mask;
  for (value -= mask; value >= 0x80; value >>>= 7) out[to++] = 0x80 | (value & 0x7f);
  out[to++] = value;
  return to;
}
