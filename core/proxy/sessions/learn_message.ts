/**
 * What nodes tell each other of sessions: a datagram of a tag and entries of one kind. Whoever has no array secret can neither make nor
 * change one; played again it says what was true once. Pure.
 *
 *     0   16  HMAC-SHA256 of the rest, its first half (RFC 2104)
 *     then for each entry
 *     0   12  hash of the session id
 *     12   2  key of the back end
 *     14   2  kind
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { SessionHash } from "./learned_sessions.ts";

const TAG_BYTES = 16;
const HASH_WORDS = 3;
const ENTRY_BYTES = 16;
const KEY_AT = 12;
const KIND_AT = 14;
/** As many entries as an Ethernet frame takes. */
export const MOST_ENTRIES = 86;
export const MOST_BYTES = TAG_BYTES + MOST_ENTRIES * ENTRY_BYTES;

/** A session began just now. */
export const NEWS = 0;
/** Sessions that began some time before: of what is known otherwise they change nothing. */
export const MEMORY = 1;
/** A node asks for all that is known; its server number stands in place of the key. */
export const QUESTION = 2;
const LAST_KIND = QUESTION;

export interface LearnedEntry {
  readonly hash: SessionHash;
  readonly key: number;
}

export interface LearnMessage {
  readonly kind: number;
  readonly entries: readonly LearnedEntry[];
}

/** @param entries 1 to {@linkcode MOST_ENTRIES} */
export function encodeLearned(secret: Uint8Array, { kind, entries }: LearnMessage): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(TAG_BYTES + entries.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  let at = TAG_BYTES;
  for (const { hash, key } of entries) {
    for (let i = 0; i < HASH_WORDS; i++) view.setUint32(at + i * 4, hash[i]!, true);
    view.setUint16(at + KEY_AT, key, true);
    view.setUint16(at + KIND_AT, kind, true);
    at += ENTRY_BYTES;
  }
  bytes.set(tagOf(secret, bytes));
  return bytes;
}

export function encodeQuestion(secret: Uint8Array, node: number): Uint8Array<ArrayBuffer> {
  return encodeLearned(secret, { kind: QUESTION, entries: [{ hash: new Uint32Array(HASH_WORDS), key: node }] });
}

/** Undefined for what no node of the array made. */
export function decodeLearned(
  secrets: readonly Uint8Array[],
  bytes: Uint8Array<ArrayBuffer>,
): LearnMessage | undefined {
  const count = (bytes.length - TAG_BYTES) / ENTRY_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > MOST_ENTRIES) return undefined;
  const tag = bytes.subarray(0, TAG_BYTES);
  if (!secrets.some((secret) => timingSafeEqual(tagOf(secret, bytes), tag))) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const kind = view.getUint16(TAG_BYTES + KIND_AT, true);
  if (kind > LAST_KIND) return undefined;
  const entries = Array.from({ length: count }, (_, n) => {
    const at = TAG_BYTES + n * ENTRY_BYTES;
    const hash = new Uint32Array(HASH_WORDS);
    for (let i = 0; i < HASH_WORDS; i++) hash[i] = view.getUint32(at + i * 4, true);
    return { hash, key: view.getUint16(at + KEY_AT, true) };
  });
  return { kind, entries };
}

function tagOf(secret: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac("sha256", secret).update(bytes.subarray(TAG_BYTES)).digest().subarray(0, TAG_BYTES);
}
