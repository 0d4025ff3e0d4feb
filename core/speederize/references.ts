/** An attribute's value with its character references resolved, and where each character came from. HTML section 13.5. */

const REFERENCES: ReadonlyMap<string, string> = new Map([
  ["&amp;", "&"],
  ["&quot;", '"'],
  ["&apos;", "'"],
  ["&#34;", '"'],
  ["&#39;", "'"],
  ["&#x22;", '"'],
  ["&#x27;", "'"],
]);
/** What may be a reference and is not resolved. */
const UNKNOWN = /&[#a-z]/i;
/** Only these, written out in full, are resolved: any other makes the value unclear where it matters. */
const KNOWN = /&(?:amp|quot|apos|#34|#39|#x22|#x27);/gi;

export class Resolved {
  readonly text: string;
  /** Where in the text the first reference stands that was not resolved; -1 without. */
  readonly unclearAt: number;
  /** For each character of the text and its end: where it stands in the source. Null when they are the same. */
  readonly #offsets: Int32Array | null;

  constructor(source: string) {
    if (!source.includes("&")) {
      this.text = source;
      this.unclearAt = -1;
      this.#offsets = null;
      return;
    }
    const offsets = new Int32Array(source.length + 1);
    let text = "";
    let at = 0;
    let unclearAt = -1;
    const take = (end: number) => {
      const unknown = source.slice(at, end).search(UNKNOWN);
      if (unclearAt < 0 && unknown >= 0) unclearAt = text.length + unknown;
      for (; at < end; at++) {
        offsets[text.length] = at;
        text += source[at];
      }
    };
    for (const match of source.matchAll(KNOWN)) {
      const character = REFERENCES.get(match[0].toLowerCase());
      if (character === undefined) continue;
      take(match.index);
      offsets[text.length] = at;
      text += character;
      at += match[0].length;
    }
    take(source.length);
    offsets[text.length] = source.length;
    this.text = text;
    this.unclearAt = unclearAt;
    this.#offsets = offsets;
  }

  /** Where the character at `index` of the text stands in the source. */
  at(index: number): number {
    return this.#offsets === null ? index : this.#offsets[index]!;
  }
}
