/** Decodes header blocks: RFC 7541. */
import { DynamicTable, ENTRY_OVERHEAD } from "./dynamic_table.ts";
import { HpackError } from "./error.ts";
import { isValue, kindOfName, MALFORMED } from "./field_kinds.ts";
import { type FieldLines, type FieldSink, LINE_OVERHEAD } from "./field_lines.ts";
import { decodeHuffman, longestDecoded } from "./huffman.ts";
import { STATIC, STATIC_ENTRIES } from "./static_table.ts";

/** Longest header block, bytes, encoded: as a whole head of HTTP/1.1 at most. */
export const MAX_BLOCK_BYTES = 65_536;
/** A number has so many bytes after the first at most: 2^28 is more than any is. */
const MAX_NUMBER_SHIFT = 21;
const COLON = 58;
const SPACE = 32;
const CR = 13;
const LF = 10;

/** A literal is put together here: a name of a table or of the block, and a value of the block. */
const LITERAL = new Uint8Array(2 * longestDecoded(MAX_BLOCK_BYTES) + LINE_OVERHEAD);

/** Of one direction of one connection. */
export class HpackDecoder {
  #table = new DynamicTable();
  /** The last block was longer than its sink takes: name, value and 32 a field (RFC 9113 section 6.5.2). */
  listIsTooLong = false;
  #bytes = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /** As RFC 7541 counts it. */
  get tableSize(): number {
    return this.#table.size;
  }

  /**
   * Decodes the block that stands from `start` to `end`, {@linkcode MAX_BLOCK_BYTES} at most. The sink gets no more fields than
   * `maxListBytes` holds; the table takes all in. Throws {@linkcode HpackError}.
   */
  decode(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, sink: FieldSink, maxListBytes: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    let left = maxListBytes;
    let mayResize = true;
    while (this.#at < end) {
      const first = bytes[this.#at]!;
      if ((first & 0xe0) === 0x20) {
        if (!mayResize) throw new HpackError("Table size update behind a field");
        this.#table.resize(this.#number(0x1f));
        continue;
      }
      mayResize = false;
      left -= first & 0x80 ? this.#indexed(sink, left) : this.#literal(first, sink, left);
    }
    this.listIsTooLong = left < 0;
  }

  /** Returns what the field counts. */
  #indexed(sink: FieldSink, left: number): number {
    const index = this.#number(0x7f);
    const lines = this.#linesOf(index);
    const slot = this.#slotOf(index);
    const size = lines.size(slot) + ENTRY_OVERHEAD;
    if (size <= left) lines.give(slot, sink);
    return size;
  }

  #linesOf(index: number): FieldLines {
    if (index === 0) throw new HpackError("Index 0");
    if (index <= STATIC_ENTRIES) return STATIC;
    if (index - STATIC_ENTRIES > this.#table.count) throw new HpackError(`No entry of index ${index}`);
    return this.#table.lines;
  }

  #slotOf(index: number): number {
    return index <= STATIC_ENTRIES ? index - 1 : this.#table.slot(index - STATIC_ENTRIES - 1);
  }

  #literal(first: number, sink: FieldSink, left: number): number {
    const isIndexed = (first & 0x40) !== 0;
    const index = this.#number(isIndexed ? 0x3f : 0x0f);
    let kind = MALFORMED;
    let nameEnd: number;
    if (index === 0) nameEnd = this.#string(0);
    else {
      const lines = this.#linesOf(index);
      const slot = this.#slotOf(index);
      const start = lines.start(slot);
      nameEnd = lines.nameEnd(slot) - start;
      for (let i = 0; i < nameEnd; i++) LITERAL[i] = lines.bytes[start + i]!;
      kind = lines.kind(slot);
    }
    // That of an entry may have been its value's.
    if (kind === MALFORMED) kind = kindOfName(LITERAL, 0, nameEnd);
    LITERAL[nameEnd] = COLON;
    LITERAL[nameEnd + 1] = SPACE;
    const valueAt = nameEnd + 2;
    let end = this.#string(valueAt);
    if (!isValue(LITERAL, valueAt, end)) kind = MALFORMED;
    LITERAL[end++] = CR;
    LITERAL[end++] = LF;
    const size = end - LINE_OVERHEAD + ENTRY_OVERHEAD;
    if (size <= left) sink.field(kind, LITERAL, 0, valueAt, end);
    if (isIndexed) this.#table.add(LITERAL, 0, nameEnd, end, kind);
    return size;
  }

  /** RFC 7541 section 5.2: writes it to {@linkcode LITERAL} at `to`, and returns where it ends. */
  #string(to: number): number {
    if (this.#at >= this.#end) throw new HpackError("Block ends before a string");
    const isHuffman = (this.#bytes[this.#at]! & 0x80) !== 0;
    const length = this.#number(0x7f);
    const at = this.#at;
    const end = at + length;
    if (end > this.#end) throw new HpackError("String longer than its block");
    this.#at = end;
    if (isHuffman) return decodeHuffman(this.#bytes, at, end, LITERAL, to);
    if (length < 64) { for (let i = 0; i < length; i++) LITERAL[to + i] = this.#bytes[at + i]!; }
    else LITERAL.set(this.#bytes.subarray(at, end), to);
    return to + length;
  }

  /** RFC 7541 section 5.1: a number in the low bits of the next byte, which `mask` has, and in those that follow. */
  #number(mask: number): number {
    let value = this.#bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= MAX_NUMBER_SHIFT; shift += 7) {
      if (this.#at >= this.#end) throw new HpackError("Block ends within a number");
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new HpackError("Number too long");
  }
}
