/** The URLs in the attributes of a tag, and what becomes of them. */
import { decodeLatin1, encodeLatin1 } from "../proxy/http1/latin1.ts";
import { CssScanner } from "./css_scanner.ts";
import type { DocumentUrls } from "./document_urls.ts";
import type { OnDoubt } from "./doubts.ts";
import { AUDIO, IMG, INPUT, LINK, SCRIPT as SCRIPT_ELEMENT, SOURCE, VIDEO } from "./elements.ts";
import { Resolved } from "./references.ts";
import type { Splice } from "./splice.ts";
import { candidateEnd, candidateStart, descriptorsEnd, trimCommas } from "./srcset.ts";
import type { Tag } from "./tag.ts";
import { FONT, IMAGE, MEDIA, SCRIPT, STYLE, WITH_CORS } from "./url_use.ts";

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
    const cors = tag.find("crossorigin") < 0 ? 0 : WITH_CORS;
    switch (tag.element) {
      case IMG:
        this.#url(tag, "src", IMAGE | cors);
        this.#srcset(tag, "srcset", IMAGE | cors);
        this.#lazy(tag, cors);
        break;
      case SOURCE:
        this.#url(tag, "src", MEDIA | cors | this.#mediaCors);
        this.#srcset(tag, "srcset", IMAGE | cors);
        this.#lazy(tag, cors);
        break;
      case VIDEO:
        this.#mediaCors = cors;
        this.#url(tag, "src", MEDIA | cors);
        this.#url(tag, "poster", IMAGE | cors);
        break;
      case AUDIO:
        this.#mediaCors = cors;
        this.#url(tag, "src", MEDIA | cors);
        break;
      case INPUT:
        if (word(tag, "type") === "image") this.#url(tag, "src", IMAGE);
        break;
      case SCRIPT_ELEMENT:
        if (!this.#isPinned(tag)) this.#url(tag, "src", SCRIPT | (word(tag, "type") === "module" ? WITH_CORS : cors));
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
    const at = tag.find("integrity");
    if (at < 0 || tag.value(at).trim() === "") return false;
    this.onDoubt("integrity");
    return true;
  }

  #link(tag: Tag, cors: number): void {
    const rels = word(tag, "rel").split(/[\t\n\f\r ]+/);
    if (rels.includes("stylesheet")) this.#url(tag, "href", STYLE | cors);
    else if (rels.some((rel) => ICONS.has(rel))) this.#url(tag, "href", IMAGE | cors);
    else if (rels.includes("modulepreload")) this.#url(tag, "href", SCRIPT | WITH_CORS);
    else if (rels.includes("preload")) {
      const use = PRELOADS.get(word(tag, "as"));
      if (use === undefined) return;
      this.#url(tag, "href", use | cors);
      if (use === IMAGE) this.#srcset(tag, "imagesrcset", use | cors);
    }
  }

  #lazy(tag: Tag, cors: number): void {
    for (const name of this.lazy) {
      if (name.endsWith("srcset")) this.#srcset(tag, name, IMAGE | cors);
      else this.#url(tag, name, IMAGE | cors);
    }
  }

  #url(tag: Tag, name: string, use: number): void {
    const index = tag.find(name);
    if (index < 0) return;
    const { bytes } = tag;
    let start = tag.valueStart(index);
    let end = tag.valueEnd(index);
    while (start < end && isSpace(bytes[start]!)) start++;
    while (start < end && isSpace(bytes[end - 1]!)) end--;
    this.#urlAt(bytes, start, end, use);
  }

  #srcset(tag: Tag, name: string, use: number): void {
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
    const move = this.urls.movePath(bytes, start, end, use);
    if (move === undefined) {
      const value = new Resolved(decodeLatin1(bytes, start, end));
      const queryAt = value.text.indexOf("?");
      if (value.unclearAt >= 0 && (queryAt < 0 || value.unclearAt < queryAt)) return this.onDoubt("escape");
      this.#move(value.text, start, value, 0, use);
    } else if (move !== null) this.#edit(start, start, move.insert);
  }

  rewriteStyle(tag: Tag): void {
    const index = tag.find("style");
    if (index < 0) return;
    const source = tag.value(index);
    if (!/url\(/i.test(source)) return;
    const value = new Resolved(source);
    if (value.unclearAt >= 0) return this.onDoubt("escape");
    const bytes = new Uint8Array(value.text.length);
    encodeLatin1(value.text, bytes, 0);
    const scanner = new CssScanner((url, at, _end, use) => {
      this.#move(url, tag.valueStart(index), value, at, use);
    }, true);
    scanner.scan(bytes, 0, bytes.length, true);
  }

  /** @param at where the URL begins in the value */
  #move(url: string, valueStart: number, value: Resolved, at: number, use: number): void {
    const move = this.urls.move(url, use);
    if (move === null) return;
    this.#edit(valueStart + value.at(at), valueStart + value.at(at + move.drop), move.insert);
  }

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

function isSpace(byte: number): boolean {
  return byte === 32 || byte >= 9 && byte <= 13 && byte !== 11;
}

/** The value of an attribute of fixed words; "" without. */
function word(tag: Tag, name: string): string {
  const index = tag.find(name);
  return index < 0 ? "" : new Resolved(tag.value(index)).text.replace(SPACE_AROUND, "").toLowerCase();
}
