/**
 * Finds the URLs of CSS as it comes in: `url()` in properties that load images and fonts, and `@import`. CSS Syntax level 3, as much
 * of it as is needed to know strings, comments and declarations apart.
 */
import { LONGEST_URL } from "./document_urls.ts";
import { lowerCase } from "./elements.ts";
import { NameTable } from "./name_table.ts";
import { FONT, IMAGE, STYLE, WITH_CORS } from "./url_use.ts";

/** Hears where each URL stands, without quotes and spaces around it. */
export type OnUrl = (bytes: Uint8Array, start: number, end: number, use: number) => void;

/** Longest name of a property or at-rule that is looked at, bytes; with spaces and the colon it is what is held back of one. */
const LONGEST_NAME = 64;

const BACKSLASH = 92;
const QUOTE = 34;
const APOSTROPHE = 39;
const SLASH = 47;
const STAR = 42;
const AT = 64;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const SEMICOLON = 59;
const COLON = 58;
const OPEN = 40;
const CLOSE = 41;
const LF = 10;

const IS_IDENT = 1;
const IS_SPACE = 2;
const IS_SPECIAL = 4;
const CLASS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  if (byte >= 128 || /[A-Za-z0-9_-]/.test(String.fromCharCode(byte))) CLASS[byte] = IS_IDENT;
}
for (const byte of [9, 10, 12, 13, 32]) CLASS[byte] = IS_SPACE;
for (
  const byte of [BACKSLASH, QUOTE, APOSTROPHE, SLASH, AT, OPEN_BRACE, CLOSE_BRACE, SEMICOLON, COLON, OPEN]
) CLASS[byte] = IS_SPECIAL;

/** Properties that load what they show, without CORS. */
const IMAGES =
  ("background background-image border-image border-image-source content cursor list-style list-style-image " +
    "-webkit-border-image").split(" ");
/** Of these the browser asks with CORS: CSS Masking, CSS Shapes, Filter Effects. */
const IMAGES_WITH_CORS =
  ("mask mask-image mask-border mask-border-source -webkit-mask -webkit-mask-image -webkit-mask-box-image shape-outside " +
    "-webkit-shape-outside").split(" ");
const SRC = IMAGES.length + IMAGES_WITH_CORS.length;
const PROPERTIES = new NameTable([...IMAGES, ...IMAGES_WITH_CORS, "src"]);
/** No URL of these moves: a name, a condition, a part of another document, a custom property. */
const OTHER = -1;

/** What an at-rule's head, or a declaration, makes of a URL. */
type AtRule = "" | "import" | "font-face" | "other";

export class CssScanner {
  /** Inside of a comment, a string or a URL that is not looked at: what ends it; 0 outside. */
  #until = 0;
  #atRule: AtRule = "";
  #isInFontFace = false;
  /** The next colon ends a property's name. */
  #expectsName = false;
  #use = OTHER;

  constructor(readonly onUrl: OnUrl) {}

  /** Begins the content of a style attribute: declarations alone (HTML section 3.2.6.4). */
  beginDeclarations(): void {
    this.#until = 0;
    this.#isInFontFace = false;
    this.#beginDeclaration();
  }

  /** Reads the bytes from `at` to `end`; returns where those begin that must be there again with the next ones. */
  scan(bytes: Uint8Array, at: number, end: number, isLast: boolean): number {
    const from = at;
    while (true) {
      if (this.#until !== 0) {
        at = this.#skip(bytes, at, end);
        if (this.#until !== 0) return isLast ? end : at;
      }
      while (at < end && CLASS[bytes[at]!] !== IS_SPECIAL) at++;
      if (at === end) return isLast ? end : this.#heldName(bytes, from, end);
      const next = this.#take(bytes, from, at, end, isLast);
      if (next < 0) return ~next;
      at = next;
    }
  }

  /** Takes the special byte at `at`. Returns where it goes on, or the complement of where to hold. */
  #take(bytes: Uint8Array, from: number, at: number, end: number, isLast: boolean): number {
    switch (bytes[at]) {
      case BACKSLASH:
        return at + 1 < end ? at + 2 : isLast ? end : ~at;
      case SLASH:
        if (at + 1 === end) return isLast ? end : ~at;
        if (bytes[at + 1] !== STAR) return at + 1;
        this.#until = STAR;
        return at + 2;
      case QUOTE:
      case APOSTROPHE:
        if (this.#atRule === "import") return this.#takeQuoted(bytes, at, at, end, isLast);
        this.#until = bytes[at]!;
        return at + 1;
      case AT:
        return this.#takeAtRule(bytes, at, end, isLast);
      case OPEN_BRACE:
        this.#isInFontFace = this.#atRule === "font-face";
        this.#beginDeclaration();
        return at + 1;
      case CLOSE_BRACE:
        this.#isInFontFace = false;
        this.#beginDeclaration();
        return at + 1;
      case SEMICOLON:
        this.#beginDeclaration();
        return at + 1;
      case COLON:
        if (this.#expectsName) this.#nameProperty(bytes, from, at);
        return at + 1;
      default:
        return isUrl(bytes, from, at) ? this.#takeUrl(bytes, at, end, isLast) : at + 1;
    }
  }

  #beginDeclaration(): void {
    this.#atRule = "";
    this.#expectsName = true;
    this.#use = OTHER;
  }

  #nameProperty(bytes: Uint8Array, from: number, colon: number): void {
    let nameEnd = colon;
    while (nameEnd > from && colon - nameEnd < LONGEST_NAME && CLASS[bytes[nameEnd - 1]!] === IS_SPACE) nameEnd--;
    let nameStart = nameEnd;
    while (nameStart > from && colon - nameStart < LONGEST_NAME && CLASS[bytes[nameStart - 1]!] === IS_IDENT) {
      nameStart--;
    }
    const name = nameStart === nameEnd ? -1 : PROPERTIES.find(bytes, nameStart, nameEnd);
    this.#expectsName = false;
    if (this.#isInFontFace) this.#use = name === SRC ? FONT | WITH_CORS : OTHER;
    else if (name < 0 || name === SRC) this.#use = OTHER;
    else this.#use = name < IMAGES.length ? IMAGE : IMAGE | WITH_CORS;
  }

  #takeAtRule(bytes: Uint8Array, at: number, end: number, isLast: boolean): number {
    let nameEnd = at + 1;
    while (nameEnd < end && CLASS[bytes[nameEnd]!] === IS_IDENT && nameEnd - at <= LONGEST_NAME) nameEnd++;
    if (nameEnd === end && !isLast) return ~at;
    const name = lowerCase(bytes, at + 1, nameEnd);
    this.#atRule = name === "import" || name === "font-face" ? name : "other";
    this.#expectsName = false;
    this.#use = OTHER;
    return nameEnd;
  }

  /** From the parenthesis of `url(`. */
  #takeUrl(bytes: Uint8Array, open: number, end: number, isLast: boolean): number {
    const start = open - 3;
    let at = open + 1;
    while (at < end && CLASS[bytes[at]!] === IS_SPACE && at - start <= LONGEST_NAME) at++;
    if (at - start > LONGEST_NAME) {
      this.#until = CLOSE;
      return at;
    }
    if (at < end && (bytes[at] === QUOTE || bytes[at] === APOSTROPHE)) {
      return this.#takeQuoted(bytes, start, at, end, isLast);
    }
    const urlStart = at;
    while (at < end && bytes[at] !== CLOSE && CLASS[bytes[at]!] !== IS_SPACE && at - urlStart <= LONGEST_URL) {
      at += bytes[at] === BACKSLASH ? 2 : 1;
    }
    const isWhole = at < end && at - urlStart <= LONGEST_URL;
    if (isWhole) this.#foundUrl(bytes, urlStart, at);
    else if (!isLast && at - urlStart <= LONGEST_URL) return ~start;
    this.#until = CLOSE;
    return Math.min(at, end);
  }

  /** A string that is a URL. @param start where it is held back from, while it is not complete */
  #takeQuoted(bytes: Uint8Array, start: number, quote: number, end: number, isLast: boolean): number {
    const mark = bytes[quote]!;
    let at = quote + 1;
    while (at < end && bytes[at] !== mark && bytes[at] !== LF && at - quote <= LONGEST_URL) {
      at += bytes[at] === BACKSLASH ? 2 : 1;
    }
    if (at < end && bytes[at] === mark) {
      this.#foundUrl(bytes, quote + 1, at);
      return at + 1;
    }
    if (at >= end && !isLast && at - quote <= LONGEST_URL) return ~start;
    this.#until = mark;
    return Math.min(at, end);
  }

  #foundUrl(bytes: Uint8Array, start: number, end: number): void {
    const use = this.#atRule === "import" ? STYLE : this.#use;
    if (this.#atRule === "import") this.#atRule = "other";
    if (use !== OTHER && end - start <= LONGEST_URL) this.onUrl(bytes, start, end, use);
  }

  /** Goes on in a comment, string or URL to behind its end. */
  #skip(bytes: Uint8Array, at: number, end: number): number {
    const until = this.#until;
    if (until === STAR) {
      for (; at + 1 < end; at++) {
        if (bytes[at] !== STAR || bytes[at + 1] !== SLASH) continue;
        this.#until = 0;
        return at + 2;
      }
      return at;
    }
    for (; at < end; at++) {
      const byte = bytes[at];
      if (byte === BACKSLASH) {
        if (at + 1 === end) return at;
        at++;
      } else if (byte === until || byte === LF && until !== CLOSE) {
        this.#until = 0;
        return at + 1;
      }
    }
    return at;
  }

  /** At the end of the bytes: the name that a colon or parenthesis may follow, with its spaces. */
  #heldName(bytes: Uint8Array, from: number, end: number): number {
    let at = end;
    while (at > from && end - at <= LONGEST_NAME && (CLASS[bytes[at - 1]!]! & (IS_IDENT | IS_SPACE)) !== 0) at--;
    // An escape belongs to the name.
    return at > from && at < end && bytes[at - 1] === BACKSLASH ? at - 1 : at;
  }
}

/** Whether the parenthesis at `open` stands behind the name `url`. */
function isUrl(bytes: Uint8Array, from: number, open: number): boolean {
  const isNamed = open - 3 >= from && (bytes[open - 3]! | 32) === 117 && (bytes[open - 2]! | 32) === 114 &&
    (bytes[open - 1]! | 32) === 108;
  if (!isNamed) return false;
  const before = open - 4 < from ? 0 : bytes[open - 4]!;
  return CLASS[before] !== IS_IDENT && before !== BACKSLASH;
}
