/** Names by number, looked up in bytes in any case of letters, without a string. */

interface Candidate {
  readonly number: number;
  readonly name: Uint8Array;
}

export class NameTable {
  readonly #longest: number;
  /** Names of each length and first letter: for most names there is none, and the look-up ends. */
  readonly #slots: readonly (readonly Candidate[] | null)[];

  /** @param names in lower case; an empty one is never found */
  constructor(readonly names: readonly string[]) {
    this.#longest = Math.max(...names.map((name) => name.length));
    const candidates = names.map((name, number) => ({ number, name: new TextEncoder().encode(name) }));
    this.#slots = Array.from({ length: (this.#longest + 1) * 32 }, (_, slot) => {
      const found = candidates.filter(({ name }) => name.length > 0 && slotOf(name, 0, name.length) === slot);
      return found.length === 0 ? null : found;
    });
  }

  /** The number of the name from `start` to `end`; -1 without. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > this.#longest) return -1;
    const found = this.#slots[slotOf(bytes, start, length)]!;
    if (found === null) return -1;
    for (let i = 0; i < found.length; i++) if (isSame(bytes, start, found[i]!.name)) return found[i]!.number;
    return -1;
  }
}

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  return length * 32 + (bytes[start]! & 31);
}

/** Letters in any case. Names are of letters, digits and dashes: no byte that a name can hold becomes another of them by that bit. */
function isSame(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if ((bytes[start + i]! | 32) !== name[i]) return false;
  return true;
}
