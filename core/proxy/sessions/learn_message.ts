/**
 * What one node tells the others of a session that it saw begin: a datagram of a tag and one entry. Whoever has no array secret can
 * neither make nor change one; played again it says what was true once. Pure.
 *
 *     0   16  HMAC-SHA256 of the rest, its first half (RFC 2104)
 *     16  12  hash of the session id
 *     28   2  key of the back end
 *     30   2  0
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { SessionHash } from "./learned_sessions.ts";

export const MESSAGE_BYTES = 32;
const TAG_BYTES = 16;
const HASH_WORDS = 3;

export interface LearnMessage {
  readonly hash: SessionHash;
  readonly key: number;
}

export function encodeLearned(secret: Uint8Array, { hash, key }: LearnMessage): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  const view = new DataView(bytes.buffer);
  hash.forEach((word, i) => view.setUint32(TAG_BYTES + i * 4, word, true));
  view.setUint16(TAG_BYTES + HASH_WORDS * 4, key, true);
  bytes.set(tagOf(secret, bytes));
  return bytes;
}

/** Undefined for what no node of the array made. */
export function decodeLearned(
  secrets: readonly Uint8Array[],
  bytes: Uint8Array<ArrayBuffer>,
): LearnMessage | undefined {
  if (bytes.length !== MESSAGE_BYTES) return undefined;
  const tag = bytes.subarray(0, TAG_BYTES);
  if (!secrets.some((secret) => timingSafeEqual(tagOf(secret, bytes), tag))) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const hash = new Uint32Array(HASH_WORDS);
  for (let i = 0; i < HASH_WORDS; i++) hash[i] = view.getUint32(TAG_BYTES + i * 4, true);
  return { hash, key: view.getUint16(TAG_BYTES + HASH_WORDS * 4, true) };
}

function tagOf(secret: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac("sha256", secret).update(bytes.subarray(TAG_BYTES)).digest().subarray(0, TAG_BYTES);
}
