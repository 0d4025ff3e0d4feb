/** The URLs of one page or stylesheet: which are its origin's own, and what is put in the place of their beginnings. */
import { decodeLatin1 } from "../proxy/http1/latin1.ts";
import type { OnDoubt } from "./doubts.ts";
import { HASH_START, hashByte } from "./placement.ts";
import { originsOf, OTHER_ORIGIN, type OwnOrigins } from "./own_origins.ts";
import type { Splice } from "./splice.ts";
import { STYLE, WITH_CORS } from "./url_use.ts";

/** Replaces the first `drop` characters of a URL. What follows them, query and fragment included, stays as it is. */
export interface Move {
  readonly drop: number;
  readonly insert: string;
}

/** A CDN host as it begins URLs. */
export interface HostTexts {
  readonly relative: string;
  readonly http: string;
  readonly https: string;
}

/** Where the content of a path is served from. */
export interface Placement {
  /** The CDN's host for an origin path with its query, or null where it stays. */
  place(path: string, query: string, use: number): string | null;
  /**
   * The same for a path that stands in bytes, from `start` to `pathEnd`; undefined when bytes do not decide.
   * @param hash of path and query, as {@linkcode hashByte} makes it
   */
  placeBytes(bytes: Uint8Array, start: number, pathEnd: number, hash: number): HostTexts | null | undefined;
  /** The CDN was seen to allow loads with CORS from this path. */
  allowsCors(path: string): boolean;
}

export interface DocumentPlace {
  /** Own host with its port where there is one, in lower case. */
  readonly host: string;
  /** Others that serve the same content. */
  readonly aliases: ReadonlySet<string>;
  /** From "/", without a query. */
  readonly path: string;
  /** A stylesheet: which of its URLs stay are tied to the origin, since it may move itself. */
  readonly isStylesheet: boolean;
}

/** Most URLs whose moves are remembered: a page repeats its own. */
const MOST_REMEMBERED = 2_048;
/** Longer URLs stay, characters. */
export const LONGEST_URL = 4_096;
const ABSOLUTE = /^(https?:)?\/\/([^/?#]*)/i;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
/** Browsers drop tabs and line ends and take a backslash for a slash; an escape of CSS or HTML may be anything. */
// deno-lint-ignore no-control-regex
const UNCLEAR = /[\x00-\x1f\\]/;
/** A client may send quotes and parentheses too, which would end the URL that they are put in. */
const PLAIN_HOST = /^[a-z0-9.:[\]_-]+$/;
const SLASH = 47;
const HASH = 35;
/** What a byte of a path from the root means: it must be resolved first, or that if it stands behind a slash, or the path ends. */
const RESOLVED = 1;
const NOT_AFTER_SLASH = 2;
const ENDS_PATH = 3;
const REFERENCE = 4;
const AMP = "&amp;";
const MEANING = new Uint8Array(256);
for (let byte = 0; byte <= 32; byte++) MEANING[byte] = RESOLVED;
MEANING["\\".charCodeAt(0)] = RESOLVED;
MEANING["&".charCodeAt(0)] = REFERENCE;
for (const character of "./%") MEANING[character.charCodeAt(0)] = NOT_AFTER_SLASH;
for (const character of "?#") MEANING[character.charCodeAt(0)] = ENDS_PATH;
const DOT_SEGMENT = /\/\.|\/%2e/i;

function isAmp(bytes: Uint8Array, at: number): boolean {
  for (let i = 1; i < AMP.length; i++) if (bytes[at + i] !== AMP.charCodeAt(i)) return false;
  return true;
}

export class DocumentUrls {
  #directory: string;
  /** The base URL is of another origin: only absolute URLs can be own ones. */
  #isBaseForeign = false;
  #hasBase = false;
  #remembered = new Map<string, Move | null>();
  readonly #origins: OwnOrigins;
  /** A stylesheet that moves: what is relative in it would load from the CDN too. */
  readonly #isOnCdn: boolean;

  constructor(readonly placement: Placement, readonly place: DocumentPlace, readonly onDoubt: OnDoubt) {
    this.#directory = directoryOf(place.path);
    this.#origins = originsOf(place);
    this.#isOnCdn = place.isStylesheet && placement.place(place.path, "", STYLE) !== null;
  }

  /** After {@linkcode movePath}: how many bytes the text takes the place of. */
  dropped = 0;

  /**
   * What is put before the URL in the bytes from `start` to `end`, without spaces around it, in its most common forms: a path from the
   * root, with or without the own origin, without anything that would have to be resolved. Null where it stays, undefined where
   * {@linkcode move} must be asked.
   */
  movePath(bytes: Uint8Array, start: number, end: number, use: number): string | null | undefined {
    if ((use & WITH_CORS) !== 0 || end - start > LONGEST_URL) return undefined;
    const origin = bytes[start] === SLASH && bytes[start + 1] !== SLASH ? null : this.#origins.find(bytes, start, end);
    if (origin === undefined || origin === null && this.#isBaseForeign) return undefined;
    if (origin === OTHER_ORIGIN) return null;
    this.dropped = origin === null ? 0 : origin.bytes.length;
    start += this.dropped;
    let hash = hashByte(HASH_START, SLASH);
    let pathEnd = end;
    let before = SLASH;
    for (let i = start + 1; i < end; i++) {
      const byte = bytes[i]!;
      const meaning = MEANING[byte]!;
      if (meaning !== 0) {
        if (meaning === RESOLVED || meaning === NOT_AFTER_SLASH && before === SLASH) return undefined;
        if (meaning === REFERENCE) {
          // Of a query's only the one that is in most of them.
          if (pathEnd === end || !isAmp(bytes, i)) return undefined;
          i += AMP.length - 1;
        } else if (byte === HASH) {
          if (pathEnd === end) pathEnd = i;
          break;
        } else if (meaning === ENDS_PATH && pathEnd === end) pathEnd = i;
      }
      hash = hashByte(hash, byte);
      before = byte;
    }
    const texts = this.placement.placeBytes(bytes, start, pathEnd, hash);
    if (texts === null && this.#isOnCdn) return undefined;
    return texts ? origin === null ? texts.relative : texts[origin.text] : texts;
  }

  /** Replaces the beginning of the URL in the bytes from `start` to `end` if it moves. */
  replace(splice: Splice, bytes: Uint8Array, start: number, end: number, use: number): void {
    const text = this.movePath(bytes, start, end, use);
    if (text === null) return;
    if (text !== undefined) return splice.replace(start, start + this.dropped, text);
    const move = this.move(decodeLatin1(bytes, start, end), use);
    if (move !== null) splice.replace(start, start + move.drop, move.insert);
  }

  /** What becomes of a URL without spaces around it; null when it stays. */
  move(url: string, use: number): Move | null {
    const key = String.fromCharCode(use) + url;
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined) return remembered;
    const move = this.#find(url, use);
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, move);
    return move;
  }

  #find(url: string, use: number): Move | null {
    if (url === "" || url[0] === "#" || url[0] === "?" || url.length > LONGEST_URL) return null;
    if (UNCLEAR.test(url)) {
      this.onDoubt("escape");
      return null;
    }
    const absolute = ABSOLUTE.exec(url);
    if (absolute) {
      const [whole, scheme = "", host = ""] = absolute;
      return this.#isOwn(host.toLowerCase())
        ? this.#moveOwn(url.slice(whole.length), whole.length, scheme, "", use)
        : null;
    }
    if (SCHEME.test(url) || this.#isBaseForeign) return null;
    return url[0] === "/" ? this.#moveOwn(url, 0, "", "", use) : this.#moveOwn(url, 0, "", this.#directory, use);
  }

  #isOwn(host: string): boolean {
    return host === this.place.host || this.place.aliases.has(host);
  }

  /** @param directory stands before `rest` where that is relative */
  #moveOwn(rest: string, drop: number, scheme: string, directory: string, use: number): Move | null {
    const queryAt = rest.search(/[?#]/);
    let path = directory + (queryAt < 0 ? rest : rest.slice(0, queryAt));
    const query = queryAt < 0 || rest[queryAt] === "#" ? "" : rest.slice(queryAt).replace(/#.*$/, "");
    if (path === "") path = "/";
    // What looks as if it lay in one folder may lie in another.
    if (DOT_SEGMENT.test(path)) path = new URL(`http://own${path}`).pathname;
    const host = this.placement.place(path, query, use);
    if (host === null) return this.#isOnCdn ? this.#tieToOrigin(drop, scheme, directory, rest) : null;
    if ((use & WITH_CORS) !== 0 && !this.placement.allowsCors(path)) {
      this.onDoubt("cors");
      return this.#tieToOrigin(drop, scheme, directory, rest);
    }
    return { drop, insert: `${scheme}//${host}${directory}` };
  }

  /** A relative URL in a stylesheet that the CDN serves would load from there. */
  #tieToOrigin(drop: number, scheme: string, directory: string, rest: string): Move | null {
    const isRelative = drop === 0 && scheme === "";
    if (!this.place.isStylesheet || !isRelative || rest === "" || !PLAIN_HOST.test(this.place.host)) return null;
    return { drop, insert: `//${this.place.host}${directory}` };
  }

  /** Takes the URL of the first base element; false when it cannot be understood. */
  setBase(href: string): boolean {
    if (this.#hasBase) return true;
    this.#hasBase = true;
    if (UNCLEAR.test(href) || href.includes("&")) return false;
    this.#remembered.clear();
    const absolute = ABSOLUTE.exec(href);
    if (absolute ? !this.#isOwn(absolute[2]!.toLowerCase()) : SCHEME.test(href)) {
      this.#isBaseForeign = true;
      return true;
    }
    const rest = absolute ? href.slice(absolute[0].length) : href;
    const path = rest.replace(/[?#].*$/, "");
    if (path === "" && !absolute) return true;
    this.#directory = directoryOf(path.startsWith("/") || absolute ? path || "/" : this.#directory + path);
    return true;
  }
}

/** "/a/b" lies in "/a/". */
function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1) || "/";
}
