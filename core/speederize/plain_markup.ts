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
  // Told to be whole numbers of 32 bits the loops take half the time: V8 asks for no overflow.
  at |= 0;
  end |= 0;
  while (true) {
    for (;;) {
      if (at >= end) return end;
      if (bytes[at] === LESS) break;
      at = (at + 1) | 0;
    }
    const tagAt = at;
    at = (at + 1) | 0;
    if (at >= end) return tagAt;
    const isEnd = bytes[at] === SLASH;
    if (isEnd) at = (at + 1) | 0;
    if (at >= end || ((bytes[at]! | 32) - 97) >>> 0 >= 26) return tagAt;
    const nameAt = at;
    let byte = 0;
    for (;;) {
      at = (at + 1) | 0;
      if (at >= end) return tagAt;
      byte = bytes[at]!;
      if (byte <= GREATER && (CLASS[byte]! & ENDS_NAME) !== 0) break;
    }
    const length = (at - nameAt) | 0;
    const names = isEnd ? endNames : startNames;
    if (length <= LONGEST_NAME && names[(length * 32 + (bytes[nameAt]! & 31)) | 0] !== 0) return tagAt;
    while (byte !== GREATER) {
      if ((CLASS[byte]! & SKIPPED) !== 0) {
        at = (at + 1) | 0;
        if (at >= end) return tagAt;
        byte = bytes[at]!;
        continue;
      }
      const attributeAt = at;
      for (;;) {
        at = (at + 1) | 0;
        if (at >= end) return tagAt;
        byte = bytes[at]!;
        if (byte <= GREATER && (CLASS[byte]! & ENDS_ATTRIBUTE_NAME) !== 0) break;
      }
      if (mayBeStyle(bytes, attributeAt, at)) return tagAt;
      at = (at + 1) | 0;
      if (at >= end) return tagAt;
      if (byte === EQUALS) {
        const quote = bytes[at];
        if (quote !== QUOTE && quote !== APOSTROPHE) return tagAt;
        for (;;) {
          at = (at + 1) | 0;
          if (at >= end) return tagAt;
          if (bytes[at] === quote) break;
        }
        at = (at + 1) | 0;
        if (at >= end) return tagAt;
        byte = bytes[at]!;
      } else if (byte === GREATER) {
        at = (at - 1) | 0;
      } else {
        // Behind a space or slash an equals sign would still give the value.
        byte = bytes[at]!;
        if (byte === EQUALS || (CLASS[byte]! & IS_SPACE) !== 0) return tagAt;
      }
    }
    at = (at + 1) | 0;
    if (at - tagAt > MAX_HELD) return tagAt;
  }
}
