/** The dynamic table of a decoder: RFC 7541 sections 2.3.2 and 4. */
import { FieldLines, type FieldSink, LINE_OVERHEAD } from "./field_lines.ts";
import { HpackError } from "./error.ts";

/** SETTINGS_HEADER_TABLE_SIZE as it is without being set; we leave it so. */
export const TABLE_SIZE = 4_096;
/** What an entry counts beside name and value: RFC 7541 section 4.1. */
export const ENTRY_OVERHEAD = 32;
/** No entry counts less than its overhead. */
const SLOTS = TABLE_SIZE / ENTRY_OVERHEAD;
/** Twice the table: the lines that are left are moved to the front once for each table full. */
const LINE_BYTES = 2 * TABLE_SIZE;

export class DynamicTable {
  /** Made when there is a first entry. */
  #lines: FieldLines | null = null;
  /** Slot of the newest entry. */
  #newest = 0;
  #count = 0;
  #size = 0;
  #limit = TABLE_SIZE;
  /** Where the next line goes. */
  #end = 0;

  get count(): number {
    return this.#count;
  }

  /** As RFC 7541 counts it. */
  get size(): number {
    return this.#size;
  }

  /** The other side uses no more than that from now on. Throws HpackError where that is more than we allow. */
  resize(limit: number): void {
    if (limit > TABLE_SIZE) throw new HpackError(`Table size ${limit} above ${TABLE_SIZE}`);
    this.#limit = limit;
    this.#evict(0);
  }

  /** Of the entry of that age, 0 for the newest. */
  slot(age: number): number {
    return (this.#newest - age) & (SLOTS - 1);
  }

  /** Of all entries; to be asked for only where there is one. */
  get lines(): FieldLines {
    return this.#lines!;
  }

  /** Bytes of name and value of the entry of that age. */
  give(age: number, sink: FieldSink): void {
    this.#lines!.give(this.slot(age), sink);
  }

  /** The line, which stands outside of this table, becomes the newest entry; what is too long for the table empties it. */
  add(from: Uint8Array, start: number, nameEnd: number, end: number, kind: number): void {
    const length = end - start;
    const size = length - LINE_OVERHEAD + ENTRY_OVERHEAD;
    this.#evict(size);
    if (size > this.#limit) return;
    const lines = this.#lines ??= new FieldLines(LINE_BYTES, SLOTS);
    if (this.#end + length > LINE_BYTES) this.#moveToFront(lines);
    this.#newest = (this.#newest + 1) & (SLOTS - 1);
    this.#count++;
    this.#size += size;
    lines.put(this.#newest, this.#end, from, start, nameEnd, end, kind);
    this.#end += length;
  }

  /** Drops the oldest entries until there is room for so much. */
  #evict(room: number): void {
    while (this.#count > 0 && this.#size + room > this.#limit) {
      this.#size -= this.#lines!.size(this.slot(--this.#count)) + ENTRY_OVERHEAD;
    }
  }

  #moveToFront(lines: FieldLines): void {
    let to = 0;
    for (let age = this.#count - 1; age >= 0; age--) {
      const slot = this.slot(age);
      const start = lines.start(slot);
      const end = lines.end(slot);
      lines.put(slot, to, lines.bytes, start, lines.nameEnd(slot), end, lines.kind(slot));
      to += end - start;
    }
    this.#end = to;
  }
}
