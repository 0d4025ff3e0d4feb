/**
 * Fields as they stand in a head of HTTP/1.1: name, ": ", value, CR LF. So what a table holds is copied into a head in one piece.
 */

/** What a line has beside name and value, bytes. */
export const LINE_OVERHEAD = 4;
const VALUE_OFFSET = 2;

/** Whoever takes the fields of a header block. */
export interface FieldSink {
  /** The line stands from `start` to `end`, its value from `valueAt` to `end` - 2; its kind: field_kinds.ts. */
  field(kind: number, bytes: Uint8Array, start: number, valueAt: number, end: number): void;
}

/** So many slots for lines, over one piece of memory. */
export class FieldLines {
  readonly bytes: Uint8Array<ArrayBuffer>;
  #starts: Uint16Array<ArrayBuffer>;
  #nameEnds: Uint16Array<ArrayBuffer>;
  #ends: Uint16Array<ArrayBuffer>;
  #kinds: Uint8Array<ArrayBuffer>;

  /** @param size bytes, at most 65,535 */
  constructor(size: number, slots: number) {
    this.bytes = new Uint8Array(size);
    this.#starts = new Uint16Array(slots);
    this.#nameEnds = new Uint16Array(slots);
    this.#ends = new Uint16Array(slots);
    this.#kinds = new Uint8Array(slots);
  }

  /** Copies the line of `from` that stands from `start` to `end` to `at`, as that slot's. */
  put(
    slot: number,
    at: number,
    from: Uint8Array,
    start: number,
    nameEnd: number,
    end: number,
    kind: number,
  ): void {
    this.bytes.set(from.subarray(start, end), at);
    this.#starts[slot] = at;
    this.#nameEnds[slot] = at + nameEnd - start;
    this.#ends[slot] = at + end - start;
    this.#kinds[slot] = kind;
  }

  start(slot: number): number {
    return this.#starts[slot]!;
  }

  nameEnd(slot: number): number {
    return this.#nameEnds[slot]!;
  }

  end(slot: number): number {
    return this.#ends[slot]!;
  }

  kind(slot: number): number {
    return this.#kinds[slot]!;
  }

  /** Bytes of name and value. */
  size(slot: number): number {
    return this.#ends[slot]! - this.#starts[slot]! - LINE_OVERHEAD;
  }

  give(slot: number, sink: FieldSink): void {
    sink.field(
      this.#kinds[slot]!,
      this.bytes,
      this.#starts[slot]!,
      this.#nameEnds[slot]! + VALUE_OFFSET,
      this.#ends[slot]!,
    );
  }
}
