/**
 * SVG and MathML in a page: HTML section 13.2.6.5. Nothing moves in there; what counts is where it ends. A start or end tag at which a
 * browser may leave it, or read HTML in it, is answered by false: then nobody knows without the tree.
 */
import { LEAVES_FOREIGN } from "./elements.ts";
import { NameTable } from "./name_table.ts";
import { EVERYTHING, type MaybeKnown, maybeKnown } from "./plain_markup.ts";

/** In SVG ordinary elements, whose names are those of raw text in HTML; only text is expected in them. */
const TEXT_ONLY = new Set(["style", "script", "title", "desc"]);
/** Of MathML those within which HTML is read; only text is expected in them. */
const TEXT_ONLY_IN_MATH = new Set(["mi", "mo", "mn", "ms", "mtext"]);

const table = new NameTable([...LEAVES_FOREIGN, ...TEXT_ONLY, ...TEXT_ONLY_IN_MATH, "svg", "math"]);

const KNOWN = maybeKnown(table.names);

/** The name where anything hangs on it; "" for all others. */
function nameOf(bytes: Uint8Array, start: number, end: number): string {
  const number = table.find(bytes, start, end);
  return number < 0 ? "" : table.names[number]!;
}

export class ForeignContent {
  #root = "";
  #depth = 0;
  /** Open element that holds only text. */
  #textOnly = "";

  get isInside(): boolean {
    return this.#depth > 0;
  }

  enter(root: string): void {
    this.#root = root;
    this.#depth = 1;
    this.#textOnly = "";
  }

  /** Names from which anything hangs now. */
  get known(): MaybeKnown {
    return this.#textOnly === "" ? KNOWN : EVERYTHING;
  }

  /** A start tag within it. */
  started(bytes: Uint8Array, start: number, end: number, isSelfClosing: boolean): boolean {
    const name = nameOf(bytes, start, end);
    if (this.#textOnly !== "" || LEAVES_FOREIGN.has(name)) return false;
    if (isSelfClosing) return true;
    if (name === this.#root) this.#depth++;
    else if (name === "svg") return false;
    else if (this.#root === "svg" ? TEXT_ONLY.has(name) : TEXT_ONLY_IN_MATH.has(name)) this.#textOnly = name;
    else if (this.#root === "math" && TEXT_ONLY.has(name)) return false;
    return true;
  }

  /** An end tag within it. */
  ended(bytes: Uint8Array, start: number, end: number): boolean {
    const name = nameOf(bytes, start, end);
    if (this.#textOnly !== "") {
      const isEnd = name === this.#textOnly;
      this.#textOnly = "";
      return isEnd;
    }
    if (name === this.#root) this.#depth--;
    return !LEAVES_FOREIGN.has(name);
  }
}
