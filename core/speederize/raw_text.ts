/** Where text ends in which no markup counts: HTML sections 13.2.5.2 to 13.2.5.4 and 13.2.5.15 to 13.2.5.31. */
import { NAMES, SCRIPT } from "./elements.ts";

const LESS = 60;
const GREATER = 62;
const SLASH = 47;
const DASH = 45;
const BANG = 33;

const TEXT = 0;
const ESCAPED = 1;
const DOUBLE_ESCAPED = 2;

export class RawText {
  #element = 0;
  #name = "";
  #script = TEXT;
  /** After {@linkcode find} without an end: what stands before is done. */
  holdFrom = 0;

  begin(element: number): void {
    this.#element = element;
    this.#name = NAMES[element]!;
    this.#script = TEXT;
  }

  /** Where the "<" of its end tag stands, at or after `at`; -1 when the bytes end before one begins and is complete enough to tell. */
  find(bytes: Uint8Array, at: number, end: number): number {
    if (this.#element === SCRIPT) return this.#findOfScript(bytes, at, end);
    while (true) {
      const less = bytes.indexOf(LESS, at);
      if (less < 0 || less >= end) {
        this.holdFrom = end;
        return -1;
      }
      if (less + 2 + this.#name.length >= end) {
        this.holdFrom = less;
        return -1;
      }
      if (bytes[less + 1] === SLASH && isName(bytes, less + 2, this.#name)) return less;
      at = less + 1;
    }
  }

  #findOfScript(bytes: Uint8Array, at: number, end: number): number {
    for (; at < end; at++) {
      const byte = bytes[at];
      if (byte === GREATER) {
        if (this.#script !== TEXT && at >= 2 && bytes[at - 1] === DASH && bytes[at - 2] === DASH) this.#script = TEXT;
        continue;
      }
      if (byte !== LESS) {
        if (this.#script !== TEXT) continue;
        const less = bytes.indexOf(LESS, at);
        if (less < 0 || less >= end) break;
        at = less;
      }
      // "</script" and a byte behind it: as far as anything looks.
      if (at + 9 > end) {
        this.holdFrom = at;
        return -1;
      }
      if (bytes[at + 1] === SLASH && isName(bytes, at + 2, "script")) {
        if (this.#script !== DOUBLE_ESCAPED) return at;
        this.#script = ESCAPED;
      } else if (this.#script === TEXT) {
        if (bytes[at + 1] === BANG && bytes[at + 2] === DASH && bytes[at + 3] === DASH) {
          this.#script = ESCAPED;
          at += 3;
        }
      } else if (this.#script === ESCAPED && isName(bytes, at + 1, "script")) this.#script = DOUBLE_ESCAPED;
    }
    // Dashes may be followed by ">".
    let from = end;
    if (this.#script !== TEXT) { while (end - from < 2 && bytes[from - 1] === DASH) from--; }
    this.holdFrom = from;
    return -1;
  }
}

/** Whether the name stands there in any case of letters, and ends: by a space, a slash or ">". */
function isName(bytes: Uint8Array, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if ((bytes[at + i]! | 32) !== name.charCodeAt(i)) return false;
  const after = bytes[at + name.length]!;
  return after === SLASH || after === GREATER || after === 32 || (after >= 9 && after <= 13 && after !== 11);
}
