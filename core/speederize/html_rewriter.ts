/**
 * Moves URLs of a page as it passes: output is the input, byte for byte, but for the beginnings of URLs that were replaced. Reads as a
 * browser's tokenizer does (HTML section 13.2.5), keeps of the tree what changes how text is read, and looks only at tags that can
 * hold a URL. Where a browser's reading depends on more, the rest of the page passes untouched.
 */
import { attributeTable, CHARSET, CONTENT, HREF, HTTP_EQUIV, TYPE } from "./attribute_names.ts";
import { AttributeRewriter } from "./attributes.ts";
import { hasAsciiTrails, isPlainCharset } from "./charset.ts";
import { CssScanner } from "./css_scanner.ts";
import type { DocumentUrls } from "./document_urls.ts";
import type { Doubt, OnDoubt } from "./doubts.ts";
import * as element from "./elements.ts";
import { endOfCdata, endOfComment } from "./comments.ts";
import { ForeignContent } from "./foreign_content.ts";
import type { NameTable } from "./name_table.ts";
import type { Output } from "./output.ts";
import { endOfPlainMarkup, NOTHING } from "./plain_markup.ts";
import { RawText } from "./raw_text.ts";
import { resolvedText } from "./references.ts";
import { MAX_HELD, Splice } from "./splice.ts";
import { Tag } from "./tag.ts";

const GREATER = 62;
const SLASH = 47;
const BANG = 33;
const QUESTION = 63;
const DASH = 45;

const TEXT = 0;
const RAW = 1;
const CSS = 2;
const COMMENT = 3;
/** `<!doctype`, `<?` and what else ends at the next ">". */
const BOGUS = 4;
const CDATA = 5;
/** In a value that is too long to be held. */
const LONG_VALUE = 6;
/** Behind such a value, in its tag. */
const TAG_REST = 7;
/** Nothing is looked at any more. */
const UNTOUCHED = 8;

export class HtmlRewriter {
  readonly #splice: Splice;
  readonly #attributes: AttributeRewriter;
  readonly #tag: Tag;
  readonly #raw = new RawText();
  readonly #foreign = new ForeignContent();
  #css: CssScanner | null = null;
  #state = TEXT;
  #quote = 0;
  /** The tag that is too long to be held is an end tag. */
  #isEndTag = false;
  #templates = 0;
  #isInSelect = false;

  /**
   * @param lazy attributes from which scripts load images later, as `data-src`
   * @param hidesCss the page is of a character set in which CSS cannot be read: {@linkcode hasAsciiTrails}
   */
  constructor(
    readonly out: Output,
    readonly urls: DocumentUrls,
    readonly onDoubt: OnDoubt,
    lazy: readonly string[] = [],
    hidesCss = false,
  ) {
    this.#splice = new Splice(out);
    this.#tag = new Tag(tableOf(lazy));
    this.#attributes = new AttributeRewriter(this.#splice, urls, lazy, onDoubt);
    this.#attributes.hidesCss = hidesCss;
  }

  /** At most {@linkcode MAX_HELD}. */
  get heldBytes(): number {
    return this.#splice.heldBytes;
  }

  /** Takes the bytes from `start` to `end`; what of them is decided is in the output. */
  write(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    const { out } = this;
    if (this.#state === UNTOUCHED && this.#splice.heldBytes === 0) return out.copy(bytes, start, end);
    const splice = this.#splice;
    splice.begin(bytes, start, end);
    const from = this.#read(splice.bytes, splice.at, splice.end, isLast);
    const mayHold = !isLast && this.#state !== UNTOUCHED;
    splice.hold(mayHold ? from : splice.end);
  }

  /** Returns where those bytes begin that must be there again with the next ones. */
  #read(bytes: Uint8Array, at: number, end: number, isLast: boolean): number {
    while (at < end) {
      let next = -1;
      switch (this.#state) {
        case TEXT: {
          at = this.#skipPlain(bytes, at, end);
          if (at === end) return end;
          next = this.#markup(bytes, at, end);
          break;
        }
        case RAW: {
          next = this.#raw.find(bytes, at, end);
          if (next < 0) return this.#raw.holdFrom;
          this.#state = TEXT;
          break;
        }
        case CSS:
          next = this.#style(bytes, at, end, isLast);
          break;
        case COMMENT:
          next = endOfComment(bytes, at, end);
          if (next < 0) return ~next;
          this.#state = TEXT;
          break;
        case BOGUS: {
          const close = bytes.indexOf(GREATER, at);
          if (close < 0 || close >= end) return end;
          next = close + 1;
          this.#state = TEXT;
          break;
        }
        case CDATA:
          next = endOfCdata(bytes, at, end);
          if (next < 0) return ~next;
          this.#state = TEXT;
          break;
        case LONG_VALUE: {
          const close = bytes.indexOf(this.#quote, at);
          if (close < 0 || close >= end) return end;
          next = close + 1;
          this.#state = TAG_REST;
          break;
        }
        case TAG_REST:
          next = this.#tag.readAttributes(bytes, at, end);
          if (next < 0) return this.#holdTag(bytes, at, end);
          this.#state = TEXT;
          if (!this.#isEndTag) this.#started(false, bytes);
          break;
        case UNTOUCHED:
          return end;
      }
      if (next < 0) return ~next;
      at = next;
    }
    return end;
  }

  #skipPlain(bytes: Uint8Array, at: number, end: number): number {
    if (this.#foreign.isInside) {
      const names = this.#foreign.known;
      return endOfPlainMarkup(bytes, at, end, names, names);
    }
    const isOpen = this.#templates > 0 || this.#isInSelect;
    return endOfPlainMarkup(bytes, at, end, element.KNOWN, isOpen ? element.KNOWN : NOTHING);
  }

  /** From a "<" of text. Returns where it goes on, or the complement of where to hold. */
  #markup(bytes: Uint8Array, at: number, end: number): number {
    if (at + 1 === end) return ~at;
    const byte = bytes[at + 1]!;
    if (isLetter(byte)) {
      const next = this.#tag.read(bytes, at + 1, end);
      if (next < 0) return ~this.#holdTag(bytes, at, end);
      this.#started(next - at <= MAX_HELD, bytes);
      return next;
    }
    if (byte === SLASH) {
      if (at + 2 === end) return ~at;
      if (isLetter(bytes[at + 2]!)) {
        const next = this.#tag.read(bytes, at + 2, end);
        if (next < 0) return ~this.#holdTag(bytes, at, end);
        this.#ended(bytes);
        return next;
      }
      this.#state = BOGUS;
      return at + 2;
    }
    if (byte === BANG) return this.#declaration(bytes, at, end);
    if (byte !== QUESTION) return at + 1;
    this.#state = BOGUS;
    return at + 2;
  }

  #declaration(bytes: Uint8Array, at: number, end: number): number {
    // As far as "<![CDATA[" needs: a shorter comment is at least as long as "<!-->".
    if (bytes[at + 2] === DASH || at + 2 === end) {
      if (at + 6 > end) return ~at;
      if (bytes[at + 3] === DASH) {
        if (bytes[at + 4] === GREATER) return at + 5;
        if (bytes[at + 4] === DASH && bytes[at + 5] === GREATER) return at + 6;
        this.#state = COMMENT;
        return at + 4;
      }
    } else if (bytes[at + 2] === 91 && this.#foreign.isInside) {
      if (at + 9 > end) return ~at;
      if (String.fromCharCode(...bytes.subarray(at + 3, at + 9)) === "CDATA[") {
        this.#state = CDATA;
        return at + 9;
      }
    }
    this.#state = BOGUS;
    return at + 2;
  }

  /** The bytes end in a tag that began at `at`. */
  #holdTag(bytes: Uint8Array, at: number, end: number): number {
    if (end - at <= MAX_HELD) return at;
    const { openQuote } = this.#tag;
    if (openQuote === 0) {
      this.#giveUp("too_long");
      return end;
    }
    // What an image holds in itself may be long; nothing of its tag is moved.
    this.#isEndTag = this.#state === TEXT && bytes[at + 1] === SLASH;
    this.#quote = openQuote;
    this.#state = LONG_VALUE;
    return end;
  }

  #giveUp(doubt: Doubt): void {
    this.onDoubt(doubt);
    this.#state = UNTOUCHED;
  }

  /** A start tag was read. @param isWhole all of it is there, so that it may be rewritten */
  #started(isWhole: boolean, bytes: Uint8Array): void {
    const tag = this.#tag;
    if (this.#foreign.isInside) {
      // Of a tag that did not fit the name is gone.
      const isClear = isWhole && this.#foreign.started(bytes, tag.nameStart, tag.nameEnd, tag.isSelfClosing);
      if (!isClear) this.#giveUp("foreign_content");
      return;
    }
    if (tag.element === element.NONE) {
      if (tag.count > 0 && isWhole && this.#templates === 0) this.#attributes.rewriteOther(tag);
      return;
    }
    this.#startedKnown(tag, isWhole && this.#templates === 0);
  }

  #startedKnown(tag: Tag, mayRewrite: boolean): void {
    const kind = tag.element;
    if (mayRewrite) {
      if (kind === element.BASE && !this.#base(tag)) return;
      if (kind === element.META && !this.#meta(tag)) return;
      if (kind !== element.SVG && kind !== element.MATH) this.#attributes.rewriteElement(tag);
    }
    switch (kind) {
      case element.TEMPLATE:
        this.#templates++;
        return;
      case element.SVG:
      case element.MATH:
        if (!tag.isSelfClosing) this.#foreign.enter(element.NAMES[kind]!);
        return;
      case element.SELECT:
        this.#isInSelect = !this.#isInSelect;
        return;
      case element.FRAMESET:
        return this.#giveUp("frameset");
    }
    const isRaw = kind === element.STYLE || kind >= element.PLAINTEXT;
    if (isRaw && this.#isInSelect && kind !== element.TEXTAREA) return this.#giveUp("select_content");
    if (kind === element.TEXTAREA) this.#isInSelect = false;
    if (kind === element.PLAINTEXT) this.#state = UNTOUCHED;
    else if (isRaw || kind === element.SCRIPT) {
      this.#raw.begin(kind);
      this.#state = RAW;
      if (kind === element.STYLE && mayRewrite) this.#beginStyle(tag);
    }
  }

  #beginStyle(tag: Tag): void {
    const type = tag.find(TYPE);
    if (type >= 0 && !["", "text/css"].includes(tag.value(type).toLowerCase())) return;
    if (this.#attributes.hidesCss) return this.onDoubt("charset");
    this.#state = CSS;
    this.#css = new CssScanner((bytes, start, end, use) => this.urls.replace(this.#splice, bytes, start, end, use));
  }

  #style(bytes: Uint8Array, at: number, end: number, isLast: boolean): number {
    const close = this.#raw.find(bytes, at, end);
    const cssEnd = close < 0 ? this.#raw.holdFrom : close;
    const from = this.#css!.scan(bytes, at, cssEnd, close >= 0 || isLast);
    if (close < 0) return ~from;
    this.#css = null;
    this.#state = TEXT;
    return close;
  }

  #ended(bytes: Uint8Array): void {
    const tag = this.#tag;
    if (this.#foreign.isInside) {
      if (!this.#foreign.ended(bytes, tag.nameStart, tag.nameEnd)) this.#giveUp("foreign_content");
    } else if (tag.element === element.TEMPLATE) this.#templates = Math.max(0, this.#templates - 1);
    else if (tag.element === element.SELECT) this.#isInSelect = false;
  }

  #base(tag: Tag): boolean {
    const href = tag.find(HREF);
    if (href < 0 || this.urls.setBase(resolvedText(tag.value(href)).trim())) return true;
    this.#giveUp("base");
    return false;
  }

  #meta(tag: Tag): boolean {
    const charset = tag.find(CHARSET);
    if (charset >= 0 && !this.#takeCharset(tag.value(charset))) return false;
    const name = tag.find(HTTP_EQUIV);
    const kind = name < 0 ? "" : resolvedText(tag.value(name)).trim().toLowerCase();
    const content = tag.find(CONTENT);
    if (kind === "content-security-policy") {
      this.#giveUp("csp_meta");
      return false;
    }
    if (kind !== "content-type" || content < 0) return true;
    const label = /charset\s*=\s*["']?([^\s;"']+)/i.exec(tag.value(content))?.[1];
    return label === undefined || this.#takeCharset(label);
  }

  /** What a meta element says; false where the page cannot be read. */
  #takeCharset(label: string): boolean {
    if (hasAsciiTrails(label)) this.#attributes.hidesCss = true;
    if (isPlainOrUtf16(label)) return true;
    this.#giveUp("charset");
    return false;
  }
}

/** Most pages have the same attributes: one config. */
let lastLazy: readonly string[] | undefined;
let lastTable: NameTable | undefined;

function tableOf(lazy: readonly string[]): NameTable {
  if (lazy !== lastLazy || lastTable === undefined) {
    lastLazy = lazy;
    lastTable = attributeTable(lazy);
  }
  return lastTable;
}

/** In a meta element that could be read UTF-16 means UTF-8: HTML section 13.2.3.2. */
function isPlainOrUtf16(label: string): boolean {
  return isPlainCharset(label) || /^\s*utf-?16([bl]e)?\s*$/i.test(label);
}

function isLetter(byte: number): boolean {
  return (byte | 32) - 97 >>> 0 < 26;
}
