/**
 * A head as it is written: its first line, then a line a field with the name in lower case, ": ", the value, CR LF. Who reads a head,
 * of any HTTP version, writes here byte by byte what it accepted; the policies add and remove fields; HTTP/1.1 sends it as it is.
 */
import { decodeLatin1, encodeLatin1 } from "./http1/latin1.ts";
import { FIELD_STARTS, HOST } from "./field_names.ts";

/** Most fields of a message; HAProxy takes 101 by default. */
export const MAX_FIELDS = 200;
/** Host and Cookie of a request, Cache-Control of a response. */
const ADDED_FIELDS = 4;
/** A text up to this length is written faster by a loop than by a call. */
const SHORT_TEXT = 96;
const COLON = 58;
const CR = 13;
const LF = 10;

export class HeadBlock {
  /** Where the next byte goes. */
  end = 0;
  /** Fields so far. */
  count = 0;
  /** A bit for each number. */
  #had = 0;
  #starts: Int32Array;
  #numbers: Uint8Array;

  /** @param added most fields that are written beside those of a message */
  constructor(readonly bytes: Uint8Array<ArrayBuffer>, added = ADDED_FIELDS) {
    this.#starts = new Int32Array(MAX_FIELDS + added);
    this.#numbers = new Uint8Array(MAX_FIELDS + added);
  }

  /** Empties it. */
  clear(): void {
    this.end = this.count = this.#had = 0;
  }

  /** Writes text, one byte a character. */
  text(text: string): void {
    const { length } = text;
    if (length > SHORT_TEXT) {
      this.end = encodeLatin1(text, this.bytes, this.end);
      return;
    }
    if (this.end + length > this.bytes.length) throw new RangeError(`No room for ${length} bytes at ${this.end}`);
    let { end } = this;
    for (let i = 0; i < length; i++) this.bytes[end++] = text.charCodeAt(i);
    this.end = end;
  }

  /** Writes a whole number of 0 or more in decimal digits. */
  decimal(value: number): void {
    let digits = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    if (this.end + digits > this.bytes.length) throw new RangeError(`No room for ${digits} digits at ${this.end}`);
    for (let at = this.end + digits - 1; at >= this.end; at--) {
      this.bytes[at] = 48 + value % 10;
      value = Math.floor(value / 10);
    }
    this.end += digits;
  }

  /** Takes in the field line that was written from {@linkcode end} to `lineEnd`, its CR LF included. */
  commit(number: number, lineEnd: number): void {
    if (this.count === this.#starts.length) throw new RangeError(`No room for more than ${this.count} fields`);
    this.#starts[this.count] = this.end;
    this.#numbers[this.count++] = number;
    this.#had |= 1 << number;
    this.end = lineEnd;
  }

  /** Takes in a field line that stands from `start` to `end` elsewhere, its CR LF included. Throws RangeError when there is no room. */
  line(number: number, from: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    const lineEnd = this.end + end - start;
    if (lineEnd > bytes.length) throw new RangeError(`No room for ${end - start} bytes at ${this.end}`);
    if (end - start > SHORT_TEXT) bytes.set(from.subarray(start, end), this.end);
    else for (let to = this.end; start < end;) bytes[to++] = from[start++]!;
    this.commit(number, lineEnd);
  }

  /** Becomes a copy of the other. */
  copy(other: HeadBlock): void {
    if (other.end > this.bytes.length) throw new RangeError(`No room for ${other.end} bytes`);
    this.bytes.set(other.bytes.subarray(0, other.end));
    this.end = other.end;
    this.count = other.count;
    this.#had = other.#had;
    for (let i = 0; i < other.count; i++) {
      this.#starts[i] = other.#starts[i]!;
      this.#numbers[i] = other.#numbers[i]!;
    }
  }

  /** Adds a field of one of the names of field_names.ts. */
  field(number: number, value: string): void {
    const start = this.begin(number);
    this.text(value);
    this.complete(number, start);
  }

  /** Begins a field: the parts of its value are to be written by {@linkcode text} and {@linkcode decimal}. */
  begin(number: number): number {
    const start = this.end;
    this.text(FIELD_STARTS[number]!);
    return start;
  }

  /** Ends the field that began at `start`. */
  complete(number: number, start: number): void {
    this.bytes[this.end++] = CR;
    this.bytes[this.end++] = LF;
    const lineEnd = this.end;
    this.end = start;
    this.commit(number, lineEnd);
  }

  /** Whether a field of that number was written since it was emptied; it may have been removed. */
  had(number: number): boolean {
    return (this.#had & (1 << number)) !== 0;
  }

  /** The number of a field's name: one of field_names.ts. */
  numberOf(index: number): number {
    return this.#numbers[index]!;
  }

  name(index: number): string {
    const start = this.#starts[index]!;
    return decodeLatin1(this.bytes, start, this.bytes.indexOf(COLON, start));
  }

  /** The value of the first field of that name, which is in lower case; undefined without one. */
  fieldValue(name: string): string | undefined {
    for (let i = 0; i < this.count; i++) if (this.#isNamed(i, name)) return this.value(i);
    return undefined;
  }

  value(index: number): string {
    const start = this.bytes.indexOf(COLON, this.#starts[index]!) + 2;
    return decodeLatin1(this.bytes, start, this.#lineEnd(index) - 2);
  }

  /** Where the value stands of a field of one of the names of field_names.ts, and where it ends. */
  valueStart(index: number): number {
    return this.#starts[index]! + FIELD_STARTS[this.#numbers[index]!]!.length;
  }

  valueEnd(index: number): number {
    return this.#lineEnd(index) - 2;
  }

  /** Takes a field out. */
  remove(index: number): void {
    const start = this.#starts[index]!;
    const lineEnd = this.#lineEnd(index);
    this.bytes.copyWithin(start, lineEnd, this.end);
    this.end -= lineEnd - start;
    this.count--;
    for (let i = index; i < this.count; i++) {
      this.#starts[i] = this.#starts[i + 1]! - (lineEnd - start);
      this.#numbers[i] = this.#numbers[i + 1]!;
    }
  }

  /** Takes bytes out of the first line. */
  cut(at: number, length: number): void {
    this.bytes.copyWithin(at, at + length, this.end);
    this.end -= length;
    for (let i = 0; i < this.count; i++) this.#starts[i]! -= length;
  }

  /** Takes out every field of that name, which is in lower case. */
  removeAll(name: string): void {
    for (let i = this.count - 1; i >= 0; i--) if (this.#isNamed(i, name)) this.remove(i);
  }

  #isNamed(index: number, name: string): boolean {
    const start = this.#starts[index]!;
    if (this.bytes[start + name.length] !== COLON) return false;
    for (let i = 0; i < name.length; i++) if (this.bytes[start + i] !== name.charCodeAt(i)) return false;
    return true;
  }

  /** Takes out the fields of these names, which Connection listed; Host is no hop's to take away. */
  removeNamed(names: ReadonlySet<string>): void {
    for (let i = this.count - 1; i >= 0; i--) {
      if (this.#numbers[i] !== HOST && names.has(this.name(i))) this.remove(i);
    }
  }

  #lineEnd(index: number): number {
    return index + 1 < this.count ? this.#starts[index + 1]! : this.end;
  }
}

/** Blocks for requests on their way, used again and again: what is sent again must be held, and most of them are small. */
const SMALL_BYTES = 4_096;
/** As much as one read gives, and what is added to it. */
const LARGE_BYTES = 65_536 + 4_096;
/** What a block gains beyond the bytes that were read: spaces after colons, our own fields. */
const ADDED_BYTES = 1_024;
/** So many blocks of each size are kept for the next requests. */
const KEPT = 1_024;
const small: HeadBlock[] = [];
const large: HeadBlock[] = [];

/** An empty block with room for a head of `bytes`. To be given back by {@linkcode giveBack}, once. */
export function takeBlock(bytes: number): HeadBlock {
  const isSmall = bytes + ADDED_BYTES <= SMALL_BYTES;
  const block = (isSmall ? small : large).pop() ?? new HeadBlock(new Uint8Array(isSmall ? SMALL_BYTES : LARGE_BYTES));
  block.clear();
  return block;
}

export function giveBack(block: HeadBlock): void {
  const kept = block.bytes.length === SMALL_BYTES ? small : large;
  if (kept.length < KEPT) kept.push(block);
}
