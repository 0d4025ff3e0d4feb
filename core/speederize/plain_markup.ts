/** Text and tags from which nothing hangs, skipped in one tight loop: they are most of a page, and decide how fast it is read. */
import { MAX_HELD } from "./splice.ts";
import {
  APOSTROPHE,
  CLASS,
  ENDS_ATTRIBUTE_NAME,
  ENDS_NAME,
  EQUALS,
  GREATER,
  IS_SPACE,
  mayBeStyle,
  QUOTE,
  SKIPPED,
  SLASH,
} from "./tag_bytes.ts";

const LESS = 60;
/** Longer names are none that is known. */
export const LONGEST_NAME = 31;

/** By length and first letter of a name: 1 where one that is known has these. */
export type MaybeKnown = Uint8Array;

export const NOTHING: MaybeKnown = new Uint8Array((LONGEST_NAME + 1) * 32);
export const EVERYTHING: MaybeKnown = new Uint8Array((LONGEST_NAME + 1) * 32).fill(1);

export function maybeKnown(names: readonly string[]): MaybeKnown {
  const table = new Uint8Array((LONGEST_NAME + 1) * 32);
  for (const name of names) if (name !== "") table[name.length * 32 + (name.charCodeAt(0) & 31)] = 1;
  return table;
}

/**
 * Where the first "<" stands, from `at` in text, that is to be looked at: of a tag whose name may be known, that may have a style, that
 * is written in an uncommon way, is long, or is not complete; of what is no tag. `end` where there is none.
 */
export function endOfPlainMarkup(
  bytes: Uint8Array,
  at: number,
  end: number,
  startNames: MaybeKnown,
  endNames: MaybeKnown,
): number {
  while (true) {
    while (at < end && bytes[at] !== LESS) at++;
    if (at >= end) return end;
    const tagAt = at++;
    const isEnd = bytes[at] === SLASH;
    if (isEnd) at++;
    const nameAt = at;
    if (at >= end || ((bytes[at]! | 32) - 97) >>> 0 >= 26) return tagAt;
    at++;
    while (at < end && (bytes[at]! > GREATER || (CLASS[bytes[at]!]! & ENDS_NAME) === 0)) at++;
    if (at >= end) return tagAt;
    const length = at - nameAt;
    if (length <= LONGEST_NAME && (isEnd ? endNames : startNames)[length * 32 + (bytes[nameAt]! & 31)] !== 0) {
      return tagAt;
    }
    let byte = bytes[at]!;
    while (true) {
      while ((CLASS[byte]! & SKIPPED) !== 0) {
        if (++at >= end) return tagAt;
        byte = bytes[at]!;
      }
      if (byte === GREATER) break;
      const attributeAt = at++;
      while (at < end && (bytes[at]! > GREATER || (CLASS[bytes[at]!]! & ENDS_ATTRIBUTE_NAME) === 0)) at++;
      if (at + 1 >= end || mayBeStyle(bytes, attributeAt, at)) return tagAt;
      byte = bytes[at]!;
      if (byte === EQUALS) {
        const quote = bytes[++at];
        if (quote !== QUOTE && quote !== APOSTROPHE) return tagAt;
        at++;
        while (at < end && bytes[at] !== quote) at++;
        if (++at >= end) return tagAt;
        byte = bytes[at]!;
      } else if ((CLASS[byte]! & IS_SPACE) !== 0) {
        const next = bytes[at + 1]!;
        if (next === EQUALS || (CLASS[next]! & IS_SPACE) !== 0) return tagAt;
      }
    }
    at++;
    if (at - tagAt > MAX_HELD) return tagAt;
  }
}
