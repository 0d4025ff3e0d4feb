/** One tag, taken apart as a browser does: HTML section 13.2.5.6 (tag open) to 13.2.5.40. */
import { decodeLatin1 } from "../proxy/http1/latin1.ts";
import { elementAt, NONE } from "./elements.ts";
import type { NameTable } from "./name_table.ts";
import {
  APOSTROPHE,
  CLASS,
  ENDS_ATTRIBUTE_NAME,
  ENDS_NAME,
  ENDS_UNQUOTED,
  EQUALS,
  GREATER,
  IS_SPACE,
  mayBeStyle,
  QUOTE,
  SKIPPED,
  SLASH,
} from "./tag_bytes.ts";

/** Attributes noted of a tag that is looked at; more make the tag pass untouched. */
const MAX_ATTRIBUTES = 64;
export class Tag {
  element = NONE;
  nameStart = 0;
  nameEnd = 0;
  /** Noted attributes: of an element that is known all that have a number, else `style`. */
  count = 0;
  isSelfClosing = false;
  /** After a read that reached the end of the bytes: the quote that would end the value; 0 outside of quotes. */
  openQuote = 0;
  /** Some attributes were not noted. */
  isCrowded = false;
  /** What its positions are in. */
  bytes: Uint8Array = new Uint8Array(0);
  #values = new Int32Array(2 * MAX_ATTRIBUTES);
  /** By number of a name: the first attribute of that name, -1 without. */
  readonly #firsts: Int8Array;
  #hasNoted = false;

  constructor(readonly attributes: NameTable) {
    this.#firsts = new Int8Array(attributes.names.length).fill(-1);
  }

  /** Reads from the first letter of the name. Returns where the tag ends, behind its ">"; -1 when the bytes end before. */
  read(bytes: Uint8Array, at: number, end: number): number {
    at |= 0;
    end |= 0;
    this.nameStart = at;
    this.openQuote = 0;
    for (;;) {
      if (at >= end) return -1;
      const byte = bytes[at]!;
      if (byte <= GREATER && (CLASS[byte]! & ENDS_NAME) !== 0) break;
      at = (at + 1) | 0;
    }
    this.nameEnd = at;
    if (bytes[at] === GREATER) {
      this.element = elementAt(bytes, this.nameStart, at);
      this.count = 0;
      this.#forget();
      this.isSelfClosing = this.isCrowded = false;
      return at + 1;
    }
    this.element = elementAt(bytes, this.nameStart, at);
    return this.readAttributes(bytes, at, end);
  }

  /** Reads from where an attribute may begin. */
  readAttributes(bytes: Uint8Array, at: number, end: number): number {
    at |= 0;
    end |= 0;
    this.bytes = bytes;
    this.openQuote = 0;
    this.isCrowded = false;
    const isKnown = this.element !== NONE;
    let count = 0;
    this.#forget();
    while (true) {
      for (;;) {
        if (at >= end) return -1;
        if ((CLASS[bytes[at]!]! & SKIPPED) === 0) break;
        at = (at + 1) | 0;
      }
      if (bytes[at] === GREATER) {
        this.isSelfClosing = bytes[at - 1] === SLASH;
        this.count = count;
        return at + 1;
      }
      const nameStart = at;
      let byte = 0;
      for (;;) {
        at = (at + 1) | 0;
        if (at >= end) return -1;
        byte = bytes[at]!;
        if (byte <= GREATER && (CLASS[byte]! & ENDS_ATTRIBUTE_NAME) !== 0) break;
      }
      const nameEnd = at;
      let valueStart = at;
      let valueEnd = at;
      if ((CLASS[byte]! & IS_SPACE) !== 0) {
        let next = at;
        while (next < end && (CLASS[bytes[next]!]! & IS_SPACE) !== 0) next = (next + 1) | 0;
        if (next === end) return -1;
        byte = bytes[next]!;
        if (byte === EQUALS) at = next;
      }
      if (byte === EQUALS) {
        for (;;) {
          at = (at + 1) | 0;
          if (at >= end) return -1;
          byte = bytes[at]!;
          if ((CLASS[byte]! & IS_SPACE) === 0) break;
        }
        valueStart = at;
        if (byte === QUOTE || byte === APOSTROPHE) {
          valueStart = at + 1;
          for (;;) {
            at = (at + 1) | 0;
            if (at >= end) {
              this.openQuote = byte;
              return -1;
            }
            if (bytes[at] === byte) break;
          }
          valueEnd = at;
          at = (at + 1) | 0;
        } else {
          for (;;) {
            if (at >= end) return -1;
            if ((CLASS[bytes[at]!]! & ENDS_UNQUOTED) !== 0) break;
            at = (at + 1) | 0;
          }
          valueEnd = at;
        }
      }
      if (isKnown || mayBeStyle(bytes, nameStart, nameEnd)) {
        count = this.#note(count, nameStart, nameEnd, valueStart, valueEnd);
      }
      // A slash that belongs to a value closes nothing.
      if (at < end && bytes[at] === GREATER) {
        this.isSelfClosing = false;
        this.count = count;
        return at + 1;
      }
    }
  }

  /** A call that is worth its price only where anything was noted. */
  #forget(): void {
    if (this.#hasNoted) this.#firsts.fill(-1);
    this.#hasNoted = false;
  }

  #note(count: number, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): number {
    if (count === MAX_ATTRIBUTES) {
      this.isCrowded = true;
      return count;
    }
    const name = this.attributes.find(this.bytes, nameStart, nameEnd);
    if (name < 0 || this.#firsts[name]! >= 0) return count;
    this.#firsts[name] = count;
    this.#hasNoted = true;
    this.#values[2 * count] = valueStart;
    this.#values[2 * count + 1] = valueEnd;
    return count + 1;
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

  /** The first attribute of a name counts (HTML section 13.2.5.33); -1 without. @param name its number */
  find(name: number): number {
    return this.#firsts[name]!;
  }
}
