/** The chunked transfer coding: RFC 9112 section 7.1. */
import { OTHER } from "../field_names.ts";
import { HeadBlock } from "../head_block.ts";
import { HeldBytes } from "./held_bytes.ts";
import { BadMessage, CR, INCOMPLETE, LF, readFields } from "./syntax.ts";

/** Longest chunk-size line, extensions included: they carry nothing that anybody uses. */
const MAX_SIZE_LINE = 256;
/** Longest trailer section. */
export const MAX_TRAILERS = 8_192;
/** Hex digits of a chunk size: 2^48 bytes is more than a body has. */
const MAX_SIZE_DIGITS = 12;
/** Fields that have a meaning of their own have it in heads only: RFC 9110 section 6.5.1. */
const ONLY_OTHERS = { take: (number: number) => number === OTHER };
/** chunk-ext: RFC 9112 section 7.1.1. */
const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
const EXTENSIONS = new RegExp(`^(?:[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?)+$`);

type State = "size" | "extension" | "sizeLf" | "data" | "dataCr" | "dataLf" | "trailers" | "done";

/** Takes chunks apart, at any split of the bytes. */
export class ChunkedDecoder {
  #state: State = "size";
  /** Of the chunk: bytes still to come. */
  #left = 0;
  #digits = 0;
  #extension = "";
  #heldTrailers: HeldBytes | null = null;
  #trailers: HeadBlock | null = null;
  /** Where the last call stopped: bytes from here on are not of this body. */
  consumed = 0;

  get isDone(): boolean {
    return this.#state === "done";
  }

  /** The trailer fields that may be passed on, once done; null without. */
  get trailers(): HeadBlock | null {
    return this.#trailers;
  }

  /**
   * Takes the bytes from `start` to `end` and moves the data among them to `start`; returns where the data ends.
   * Throws {@linkcode BadMessage}.
   */
  decode(bytes: Uint8Array, start: number, end: number): number {
    let to = start;
    let at = start;
    while (at < end && this.#state !== "done") {
      if (this.#state === "data") {
        const count = Math.min(this.#left, end - at);
        if (to !== at) bytes.copyWithin(to, at, at + count);
        to += count;
        at += count;
        this.#left -= count;
        if (this.#left === 0) this.#state = "dataCr";
      } else if (this.#state === "trailers") {
        this.#trail(bytes, at++);
      } else this.#step(bytes[at++]!);
    }
    this.consumed = at;
    return to;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size":
        return this.#size(byte);
      case "extension":
        return this.#extend(byte);
      case "sizeLf":
        expect(byte, LF);
        this.#digits = 0;
        this.#state = this.#left > 0 ? "data" : "trailers";
        return;
      case "dataCr":
        expect(byte, CR);
        this.#state = "dataLf";
        return;
      case "dataLf":
        expect(byte, LF);
        this.#state = "size";
        return;
    }
  }

  #trail(bytes: Uint8Array, at: number): void {
    if (this.#heldTrailers === null) this.#heldTrailers = new HeldBytes(bytes, at, at + 1, true);
    else this.#heldTrailers.append(bytes, at, at + 1);
    const held = this.#heldTrailers;
    if (held.findHeadEnd() !== INCOMPLETE) {
      // A space that each field may gain.
      const block = new HeadBlock(new Uint8Array(2 * held.length));
      readFields(held.bytes, 0, held.length, block, ONLY_OTHERS);
      if (block.count > 0) this.#trailers = block;
      this.#state = "done";
    } else if (held.length === MAX_TRAILERS) throw new BadMessage(431, "trailers too long");
  }

  #size(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > MAX_SIZE_DIGITS) throw new BadMessage(400, "chunk size too large");
      this.#left = this.#left * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw new BadMessage(400, "chunk without size");
    if (byte === CR) this.#state = "sizeLf";
    else {
      this.#extension = "";
      this.#state = "extension";
      this.#extend(byte);
    }
  }

  #extend(byte: number): void {
    if (byte !== CR) {
      if (this.#extension.length === MAX_SIZE_LINE) throw new BadMessage(400, "chunk-size line too long");
      this.#extension += String.fromCharCode(byte);
      return;
    }
    if (!EXTENSIONS.test(this.#extension)) throw new BadMessage(400, "malformed chunk-size line");
    this.#state = "sizeLf";
  }
}

function expect(byte: number, wanted: number): void {
  if (byte !== wanted) throw new BadMessage(400, "chunk not ended by CR LF");
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
