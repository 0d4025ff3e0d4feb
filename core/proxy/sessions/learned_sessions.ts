/**
 * Which back end a session id belongs to, learned from who made it: a bounded table, one mapped file a writer. Ids stand in it as keyed
 * hashes, so that whoever reads the file learns no id. Of those that hash to one set the oldest makes room.
 */
import { createHmac } from "node:crypto";

/** Entries looked through for one id. */
const WAYS = 16;
/** Entries for each session: with as few as that, one in ten million finds its set full. */
const ENTRIES_A_SESSION = 4;
/** An entry: three words of the hash, then the key of the back end in the low 16 bits and a number that grows with each entry above. */
const WORDS = 4;
const HASH_WORDS = 3;

/** 96 bits of an id: never all 0. */
export type SessionHash = Uint32Array<ArrayBuffer>;

/** @param key secret of the array */
export function sessionHash(key: Uint8Array, pool: string, id: string): SessionHash {
  const digest = createHmac("sha256", key).update(`${pool}\n${id}`, "latin1").digest();
  const hash = new Uint32Array(HASH_WORDS);
  for (let i = 0; i < HASH_WORDS; i++) hash[i] = digest.readUInt32LE(i * 4);
  if (hash[0] === 0) hash[0] = 1;
  return hash;
}

export class LearnedSessions {
  #words: Uint32Array<ArrayBuffer>;
  #sets: number;
  #written = 0;

  /** @param buffer of {@linkcode LearnedSessions.bytes}; all zero is an empty table */
  constructor(buffer: ArrayBuffer) {
    this.#words = new Uint32Array(buffer);
    this.#sets = this.#words.length / (WAYS * WORDS);
  }

  /** Bytes of a table for so many sessions at least. */
  static bytes(sessions: number): number {
    return Math.ceil(sessions * ENTRIES_A_SESSION / WAYS) * WAYS * WORDS * 4;
  }

  /** Key of the back end; undefined where the id is not known. */
  find(hash: SessionHash): number | undefined {
    const words = this.#words;
    for (let at = this.#setOf(hash), end = at + WAYS * WORDS; at < end; at += WORDS) {
      if (words[at] === hash[0] && words[at + 1] === hash[1] && words[at + 2] === hash[2]) {
        return words[at + 3]! & 0xffff;
      }
    }
    return undefined;
  }

  /** All that it knows; what is learned meanwhile may be among it. */
  *entries(): Generator<{ hash: SessionHash; key: number }> {
    const words = this.#words;
    for (let at = 0; at < words.length; at += WORDS) {
      const hash = words.slice(at, at + HASH_WORDS);
      if (hash[0] !== 0) yield { hash, key: words[at + HASH_WORDS]! & 0xffff };
    }
  }

  /** A reader of another process may look meanwhile: it must not take the hash of one with the key of the other. */
  learn(hash: SessionHash, key: number): void {
    const words = this.#words;
    const at = this.#placeFor(hash);
    this.#written = (this.#written + 1) & 0xffff;
    Atomics.store(words, at, 0);
    Atomics.store(words, at + 3, key | this.#written << 16);
    Atomics.store(words, at + 1, hash[1]!);
    Atomics.store(words, at + 2, hash[2]!);
    Atomics.store(words, at, hash[0]!);
  }

  /** Its own place, or an empty one, or the oldest one's. */
  #placeFor(hash: SessionHash): number {
    const words = this.#words;
    const start = this.#setOf(hash);
    let place = start;
    let oldest = -1;
    for (let at = start; at < start + WAYS * WORDS; at += WORDS) {
      if (words[at] === hash[0] && words[at + 1] === hash[1] && words[at + 2] === hash[2]) return at;
      // Modulo 65,536: in a set of 16 the difference tells the older one unless most of the table was written meanwhile.
      const age = words[at] === 0 ? 0x1_0000 : (this.#written - (words[at + 3]! >>> 16)) & 0xffff;
      if (age <= oldest) continue;
      oldest = age;
      place = at;
    }
    return place;
  }

  #setOf(hash: SessionHash): number {
    return (hash[1]! % this.#sets) * WAYS * WORDS;
  }
}
