/** Names by number, looked up in bytes in any case of letters, without a string. Flat: a look-up follows no pointer. */

const NONE = -1;

export class NameTable {
  readonly #longest: number;
  /** By length and first letter: a name of these; for most there is none, and the look-up ends. */
  readonly #heads: Int16Array;
  /** By name: the next one of its length and first letter. */
  readonly #next: Int16Array;
  /** Where each name begins in the text. */
  readonly #starts: Int32Array;
  readonly #text: Uint8Array;

  /** @param names in lower case; an empty one is never found */
  constructor(readonly names: readonly string[]) {
    this.#longest = Math.max(...names.map((name) => name.length));
    this.#heads = new Int16Array((this.#longest + 1) * 32).fill(NONE);
    this.#next = new Int16Array(names.length).fill(NONE);
    this.#starts = new Int32Array(names.length);
    this.#text = new TextEncoder().encode(names.join(""));
    let start = 0;
    names.forEach((name, number) => {
      this.#starts[number] = start;
      if (name !== "") {
        const slot = name.length * 32 + (name.charCodeAt(0) & 31);
        this.#next[number] = this.#heads[slot]!;
        this.#heads[slot] = number;
      }
      start += name.length;
    });
  }

  /**
   * The number of the name from `start` to `end`; -1 without. Names are of letters, digits and dashes: no byte that a name can hold
   * becomes another of them by the bit that tells small letters from capitals.
   */
  find(bytes: Uint8Array, start: number, end: number): number {
    const length = (end - start) | 0;
    if (length > this.#longest) return NONE;
    let number = this.#heads[(length * 32 + (bytes[start]! & 31)) | 0]!;
    const text = this.#text;
    for (; number >= 0; number = this.#next[number]!) {
      const at = this.#starts[number]!;
      let i = 0;
      while (i < length && (bytes[(start + i) | 0]! | 32) === text[(at + i) | 0]) i = (i + 1) | 0;
      if (i === length) return number;
    }
    return NONE;
  }
}
