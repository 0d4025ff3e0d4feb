/** The URLs in the attributes of a tag, and what becomes of them. */
import { decodeLatin1 } from "../proxy/http1/latin1.ts";
import {
  AS,
  CROSSORIGIN,
  FIRST_LAZY,
  HREF,
  IMAGESRCSET,
  INTEGRITY,
  POSTER,
  REL,
  SRC,
  SRCSET,
  STYLE_ATTRIBUTE,
  TYPE,
} from "./attribute_names.ts";
import { CssScanner } from "./css_scanner.ts";
import type { DocumentUrls } from "./document_urls.ts";
import type { OnDoubt } from "./doubts.ts";
import { AUDIO, IMG, INPUT, LINK, SCRIPT as SCRIPT_ELEMENT, SOURCE, VIDEO } from "./elements.ts";
import { resolve, type ResolvedBytes, resolvedText } from "./references.ts";
import type { Splice } from "./splice.ts";
import { candidateEnd, candidateStart, descriptorsEnd, trimCommas } from "./srcset.ts";
import type { Tag } from "./tag.ts";
import { FONT, IMAGE, MEDIA, SCRIPT, STYLE, WITH_CORS } from "./url_use.ts";

const AMPERSAND = 38;
const SPACE_AROUND = /^[\t\n\f\r ]+|[\t\n\f\r ]+$/g;
/** `rel` of links that load what the page shows; what a user or a crawler follows is not among them. */
const ICONS = new Set(["icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon"]);
/** `as` of a preload: what it is for. Documents, fetches and workers stay. */
const PRELOADS: ReadonlyMap<string, number> = new Map([
  ["image", IMAGE],
  ["script", SCRIPT],
  ["style", STYLE],
  ["font", FONT | WITH_CORS],
  ["video", MEDIA],
  ["audio", MEDIA],
]);

export class AttributeRewriter {
  /** CSS of the page's character set cannot be read. */
  hidesCss = false;
  /** The video or audio around a source element asks with CORS. */
  #mediaCors = 0;
  #count = 0;
  #starts: number[] = [];
  #ends: number[] = [];
  #texts: string[] = [];

  /** @param lazy attributes from which scripts load images later, as `data-src` */
  constructor(
    readonly splice: Splice,
    readonly urls: DocumentUrls,
    readonly lazy: readonly string[],
    readonly onDoubt: OnDoubt,
  ) {}

  /** A start tag of an element of which all attributes are noted. */
  rewriteElement(tag: Tag): void {
    if (tag.isCrowded) return this.onDoubt("too_long");
    const cors = tag.find(CROSSORIGIN) < 0 ? 0 : WITH_CORS;
    switch (tag.element) {
      case IMG:
        this.#url(tag, SRC, IMAGE | cors);
        this.#srcset(tag, SRCSET, IMAGE | cors);
        this.#lazy(tag, cors);
        break;
      case SOURCE:
        this.#url(tag, SRC, MEDIA | cors | this.#mediaCors);
        this.#srcset(tag, SRCSET, IMAGE | cors);
        this.#lazy(tag, cors);
        break;
      case VIDEO:
        this.#mediaCors = cors;
        this.#url(tag, SRC, MEDIA | cors);
        this.#url(tag, POSTER, IMAGE | cors);
        break;
      case AUDIO:
        this.#mediaCors = cors;
        this.#url(tag, SRC, MEDIA | cors);
        break;
      case INPUT:
        if (word(tag, TYPE) === "image") this.#url(tag, SRC, IMAGE);
        break;
      case SCRIPT_ELEMENT:
        if (!this.#isPinned(tag)) this.#url(tag, SRC, SCRIPT | (word(tag, TYPE) === "module" ? WITH_CORS : cors));
        break;
      case LINK:
        if (!this.#isPinned(tag)) this.#link(tag, cors);
        break;
    }
    this.rewriteStyle(tag);
    this.#write();
  }

  /** A start tag of any other element: it may have a style attribute. */
  rewriteOther(tag: Tag): void {
    if (tag.isCrowded) return this.onDoubt("too_long");
    this.rewriteStyle(tag);
    this.#write();
  }

  #isPinned(tag: Tag): boolean {
    const at = tag.find(INTEGRITY);
    if (at < 0 || tag.value(at).trim() === "") return false;
    this.onDoubt("integrity");
    return true;
  }

  #link(tag: Tag, cors: number): void {
    const rels = word(tag, REL).split(/[\t\n\f\r ]+/);
    if (rels.includes("stylesheet")) this.#url(tag, HREF, STYLE | cors);
    else if (rels.some((rel) => ICONS.has(rel))) this.#url(tag, HREF, IMAGE | cors);
    else if (rels.includes("modulepreload")) this.#url(tag, HREF, SCRIPT | WITH_CORS);
    else if (rels.includes("preload")) {
      const use = PRELOADS.get(word(tag, AS));
      if (use === undefined) return;
      this.#url(tag, HREF, use | cors);
      if (use === IMAGE) this.#srcset(tag, IMAGESRCSET, use | cors);
    }
  }

  #lazy(tag: Tag, cors: number): void {
    for (let i = 0; i < this.lazy.length; i++) {
      if (this.lazy[i]!.endsWith("srcset")) this.#srcset(tag, FIRST_LAZY + i, IMAGE | cors);
      else this.#url(tag, FIRST_LAZY + i, IMAGE | cors);
    }
  }

  #url(tag: Tag, name: number, use: number): void {
    const index = tag.find(name);
    if (index < 0) return;
    const { bytes } = tag;
    let start = tag.valueStart(index);
    let end = tag.valueEnd(index);
    while (start < end && isSpace(bytes[start]!)) start++;
    while (start < end && isSpace(bytes[end - 1]!)) end--;
    this.#urlAt(bytes, start, end, use);
  }

  #srcset(tag: Tag, name: number, use: number): void {
    const index = tag.find(name);
    if (index < 0) return;
    const { bytes } = tag;
    const end = tag.valueEnd(index);
    for (let at = tag.valueStart(index); (at = candidateStart(bytes, at, end)) < end;) {
      const urlEnd = candidateEnd(bytes, at, end);
      const withoutCommas = trimCommas(bytes, at, urlEnd);
      this.#urlAt(bytes, at, withoutCommas, use);
      at = withoutCommas < urlEnd ? urlEnd : descriptorsEnd(bytes, urlEnd, end);
    }
  }

  #urlAt(bytes: Uint8Array, start: number, end: number, use: number): void {
    const text = this.urls.movePath(bytes, start, end, use);
    if (text === null) return;
    if (text !== undefined) return this.#edit(start, start + this.urls.dropped, text);
    const value = resolve(bytes, start, end);
    const url = decodeLatin1(value.bytes, 0, value.length);
    const queryAt = url.indexOf("?");
    if (value.unclearAt >= 0 && (queryAt < 0 || value.unclearAt < queryAt)) return this.onDoubt("escape");
    const move = this.urls.move(url, use);
    if (move !== null) this.#edit(start, value.offsets[move.drop]!, move.insert);
  }

  rewriteStyle(tag: Tag): void {
    const index = tag.find(STYLE_ATTRIBUTE);
    if (index < 0) return;
    if (!hasUrl(tag.bytes, tag.valueStart(index), tag.valueEnd(index))) return;
    if (this.hidesCss) return this.onDoubt("charset");
    const { bytes } = tag;
    const start = tag.valueStart(index);
    const end = tag.valueEnd(index);
    this.#css.beginDeclarations();
    if (hasReference(bytes, start, end)) {
      this.#value = resolve(bytes, start, end);
      if (this.#value.unclearAt >= 0) return this.onDoubt("escape");
      this.#css.scan(this.#value.bytes, 0, this.#value.length, true);
    } else {
      this.#value = null;
      this.#css.scan(bytes, start, end, true);
    }
  }

  /** A URL of a style attribute, in the tag's bytes or in those of its value with references resolved. */
  readonly #cssUrl = (bytes: Uint8Array, start: number, end: number, use: number): void => {
    const { urls } = this;
    const value = this.#value;
    let drop = 0;
    let text = urls.movePath(bytes, start, end, use);
    if (text === undefined) {
      const move = urls.move(decodeLatin1(bytes, start, end), use);
      text = move?.insert ?? null;
      drop = move?.drop ?? 0;
    } else drop = urls.dropped;
    if (text === null) return;
    if (value === null) this.#edit(start, start + drop, text);
    else this.#edit(value.offsets[start]!, value.offsets[start + drop]!, text);
  };
  readonly #css = new CssScanner(this.#cssUrl);
  #value: ResolvedBytes | null = null;

  /** Attributes stand in any order, and what is replaced goes from left to right. */
  #edit(start: number, end: number, text: string): void {
    let at = this.#count++;
    for (; at > 0 && this.#starts[at - 1]! > start; at--) {
      this.#starts[at] = this.#starts[at - 1]!;
      this.#ends[at] = this.#ends[at - 1]!;
      this.#texts[at] = this.#texts[at - 1]!;
    }
    this.#starts[at] = start;
    this.#ends[at] = end;
    this.#texts[at] = text;
  }

  #write(): void {
    const count = this.#count;
    for (let i = 0; i < count; i++) this.splice.replace(this.#starts[i]!, this.#ends[i]!, this.#texts[i]!);
    this.#count = 0;
  }
}

function hasReference(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === AMPERSAND) return true;
  return false;
}

/** Whether a parenthesis stands behind an L: in most styles none does. */
function hasUrl(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start + 3; i < end; i++) if (bytes[i] === 40 && (bytes[i - 1]! | 32) === 108) return true;
  return false;
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte >= 9 && byte <= 13 && byte !== 11;
}

/** The value of an attribute of fixed words; "" without. */
function word(tag: Tag, name: number): string {
  const index = tag.find(name);
  return index < 0 ? "" : resolvedText(tag.value(index)).replace(SPACE_AROUND, "").toLowerCase();
}
