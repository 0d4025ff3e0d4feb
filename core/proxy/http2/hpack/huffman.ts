/** The Huffman code of HPACK: RFC 7541 section 5.2 and appendix B. */
import { HpackError } from "./error.ts";

/** Bits of the code of each byte, and of EOS. The code is canonical: codes of a length follow each other in the order of bytes. */
// deno-fmt-ignore
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const LONGEST = 30;
const EOS = 256;

/**
 * A tree with 256 branches a node, by the next 8 bits. An entry is the offset of the next node, or where a code ends within those
 * bits, {@linkcode LEAF} + its bits there << 9 + the byte.
 */
const TREE: number[] = new Array(256).fill(0);
const LEAF = 1 << 16;

let next = 0;
for (let length = 1; length <= LONGEST; length++, next *= 2) {
  LENGTHS.forEach((bits, symbol) => {
    if (bits === length) plant(symbol, next++, length);
  });
}
const tree = Int32Array.from(TREE);

function plant(symbol: number, code: number, length: number): void {
  let node = 0;
  let left = length;
  for (; left > 8; left -= 8) {
    const at = node + ((code >>> (left - 8)) & 255);
    if (TREE[at] === 0) {
      TREE[at] = TREE.length;
      for (let i = 0; i < 256; i++) TREE.push(0);
    }
    node = TREE[at]!;
  }
  const first = (code << (8 - left)) & 255;
  for (let i = 0; i < 1 << (8 - left); i++) TREE[node + first + i] = LEAF + (left << 9) + symbol;
}

/** Longest that so many bytes can become. */
export function longestDecoded(bytes: number): number {
  return Math.ceil(bytes * 8 / 5);
}

/**
 * Decodes the bytes from `at` to `end`, writes them at `to` and returns where they end; `out` has room for
 * {@linkcode longestDecoded}. Throws {@linkcode HpackError} for EOS and for padding that is not the beginning of EOS, or a whole byte.
 */
export function decodeHuffman(bytes: Uint8Array, at: number, end: number, out: Uint8Array, to: number): number {
  let node = 0;
  let bits = 0;
  let count = 0;
  while (at < end) {
    // At most 7 bits are left of those before.
    bits = ((bits << 8) | bytes[at++]!) & 0x7fff;
    count += 8;
    while (count >= 8) {
      const entry = tree[node + ((bits >>> (count - 8)) & 255)]!;
      if (entry < LEAF) {
        node = entry;
        count -= 8;
      } else {
        out[to++] = symbolOf(entry);
        count -= (entry - LEAF) >>> 9;
        node = 0;
      }
    }
  }
  while (count > 0) {
    const entry = tree[node + ((bits << (8 - count)) & 255)]!;
    const used = (entry - LEAF) >>> 9;
    if (entry < LEAF || used > count) break;
    out[to++] = symbolOf(entry);
    count -= used;
    node = 0;
  }
  if (node !== 0) throw new HpackError("Padding longer than 7 bits");
  const mask = (1 << count) - 1;
  if ((bits & mask) !== mask) throw new HpackError("Padding that is not the beginning of EOS");
  return to;
}

function symbolOf(entry: number): number {
  const symbol = entry & 511;
  if (symbol === EOS) throw new HpackError("EOS in a string");
  return symbol;
}
