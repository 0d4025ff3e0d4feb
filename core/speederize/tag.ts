/** One tag, taken apart as a browser does: HTML section 13.2.5.6 (tag open) to 13.2.5.40. */
import { decodeLatin1 } from "../proxy/http1/latin1.ts";
import { elementAt, lowerCase, NONE } from "./elements.ts";

/** Attributes noted of a tag that is looked at; more make the tag pass untouched. */
const MAX_ATTRIBUTES = 64;
const TAB = 9;
const LF = 10;
const FF = 12;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const APOSTROPHE = 39;
const SLASH = 47;
const EQUALS = 61;
const GREATER = 62;

const ENDS_NAME = 1;
const ENDS_ATTRIBUTE_NAME = 2;
const IS_SPACE = 4;
const ENDS_UNQUOTED = 8;
const SKIPPED = 16;
/** What a byte means in a tag. */
const CLASS = new Uint8Array(256);
for (const space of [TAB, LF, FF, CR, SPACE]) {
  CLASS[space] = ENDS_NAME | ENDS_ATTRIBUTE_NAME | IS_SPACE | ENDS_UNQUOTED | SKIPPED;
}
CLASS[SLASH] = ENDS_NAME | ENDS_ATTRIBUTE_NAME | SKIPPED;
CLASS[GREATER] = ENDS_NAME | ENDS_ATTRIBUTE_NAME | ENDS_UNQUOTED;
CLASS[EQUALS] = ENDS_ATTRIBUTE_NAME;

export class Tag {
  element = NONE;
  nameStart = 0;
  nameEnd = 0;
  /** Noted attributes: for an element that is known all, else those that may be `style`. */
  count = 0;
  isSelfClosing = false;
  /** After a read that reached the end of the bytes: the quote that would end the value; 0 outside of quotes. */
  openQuote = 0;
  /** Some attributes were not noted. */
  isCrowded = false;
  /** What its positions are in. */
  bytes: Uint8Array = new Uint8Array(0);
  #names = new Int32Array(2 * MAX_ATTRIBUTES);
  #values = new Int32Array(2 * MAX_ATTRIBUTES);

  /** Reads from the first letter of the name. Returns where the tag ends, behind its ">"; -1 when the bytes end before. */
  read(bytes: Uint8Array, at: number, end: number): number {
    this.nameStart = at;
    while (at < end && (bytes[at]! > GREATER || (CLASS[bytes[at]!]! & ENDS_NAME) === 0)) at++;
    this.openQuote = 0;
    if (at === end) return -1;
    this.nameEnd = at;
    if (bytes[at] === GREATER) {
      this.element = elementAt(bytes, this.nameStart, at);
      this.count = 0;
      this.isSelfClosing = this.isCrowded = false;
      return at + 1;
    }
    this.element = elementAt(bytes, this.nameStart, at);
    return this.readAttributes(bytes, at, end);
  }

  /** Reads from where an attribute may begin. */
  readAttributes(bytes: Uint8Array, at: number, end: number): number {
    this.bytes = bytes;
    this.openQuote = 0;
    this.isCrowded = false;
    const isKnown = this.element !== NONE;
    let count = 0;
    while (true) {
      while (at < end && (CLASS[bytes[at]!]! & SKIPPED) !== 0) at++;
      if (at === end) return -1;
      if (bytes[at] === GREATER) {
        this.isSelfClosing = bytes[at - 1] === SLASH;
        this.count = count;
        return at + 1;
      }
      const nameStart = at++;
      // Letters first: they are beyond all that ends a name.
      while (at < end && (bytes[at]! > GREATER || (CLASS[bytes[at]!]! & ENDS_ATTRIBUTE_NAME) === 0)) at++;
      if (at === end) return -1;
      const nameEnd = at;
      let valueStart = at;
      let valueEnd = at;
      let byte = bytes[at]!;
      if ((CLASS[byte]! & IS_SPACE) !== 0) {
        let next = at;
        while (next < end && (CLASS[bytes[next]!]! & IS_SPACE) !== 0) next++;
        if (next === end) return -1;
        byte = bytes[next]!;
        if (byte === EQUALS) at = next;
      }
      if (byte === EQUALS) {
        at++;
        while (at < end && (CLASS[bytes[at]!]! & IS_SPACE) !== 0) at++;
        if (at === end) return -1;
        byte = bytes[at]!;
        if (byte === QUOTE || byte === APOSTROPHE) {
          valueStart = ++at;
          while (at < end && bytes[at] !== byte) at++;
          if (at === end) {
            this.openQuote = byte;
            return -1;
          }
          valueEnd = at++;
        } else {
          valueStart = at;
          while (at < end && (CLASS[bytes[at]!]! & ENDS_UNQUOTED) === 0) at++;
          if (at === end) return -1;
          valueEnd = at;
          // A slash that belongs to the value closes nothing.
          if (bytes[at] === GREATER) {
            this.isSelfClosing = false;
            if (isKnown || mayBeStyle(bytes, nameStart, nameEnd)) {
              count = this.#note(count, nameStart, nameEnd, valueStart, valueEnd);
            }
            this.count = count;
            return at + 1;
          }
        }
      }
      if (isKnown || mayBeStyle(bytes, nameStart, nameEnd)) {
        count = this.#note(count, nameStart, nameEnd, valueStart, valueEnd);
      }
    }
  }

  #note(count: number, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): number {
    if (count === MAX_ATTRIBUTES) {
      this.isCrowded = true;
      return count;
    }
    this.#names[2 * count] = nameStart;
    this.#names[2 * count + 1] = nameEnd;
    this.#values[2 * count] = valueStart;
    this.#values[2 * count + 1] = valueEnd;
    return count + 1;
  }

  attributeName(index: number): string {
    return lowerCase(this.bytes, this.#names[2 * index]!, this.#names[2 * index + 1]!);
  }

  valueStart(index: number): number {
    return this.#values[2 * index]!;
  }

  valueEnd(index: number): number {
    return this.#values[2 * index + 1]!;
  }

  /** As it stands, one character a byte. */
  value(index: number): string {
    return decodeLatin1(this.bytes, this.#values[2 * index]!, this.#values[2 * index + 1]!);
  }

  /** The first attribute of that name counts (HTML section 13.2.5.33); -1 without. */
  find(name: string): number {
    for (let i = 0; i < this.count; i++) if (this.#isNamed(i, name)) return i;
    return -1;
  }

  #isNamed(index: number, name: string): boolean {
    const start = this.#names[2 * index]!;
    if (this.#names[2 * index + 1]! - start !== name.length) return false;
    for (let i = 0; i < name.length; i++) {
      const byte = this.bytes[start + i]!;
      if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== name.charCodeAt(i)) return false;
    }
    return true;
  }
}

function mayBeStyle(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 5 && (bytes[start]! | 32) === 115 && (bytes[start + 1]! | 32) === 116;
}
