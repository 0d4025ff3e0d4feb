/** The URLs of one page or stylesheet: which are its origin's own, and what is put in the place of their beginnings. */
import type { OnDoubt } from "./doubts.ts";
import { HASH_START, hashByte } from "./placement.ts";
import { WITH_CORS } from "./url_use.ts";

/** Replaces the first `drop` characters of a URL. What follows them, query and fragment included, stays as it is. */
export interface Move {
  readonly drop: number;
  readonly insert: string;
}

/** Where the content of a path is served from. */
export interface Placement {
  /** The CDN's host for an origin path with its query, or null where it stays. */
  place(path: string, query: string, use: number): string | null;
  /**
   * The same for a path that stands in bytes, from `start` to `pathEnd`; undefined when bytes do not decide.
   * @param hash of path and query, as {@linkcode hashByte} makes it
   */
  placeBytes(bytes: Uint8Array, start: number, pathEnd: number, hash: number): Move | null | undefined;
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
  /** A stylesheet: where its URLs need CORS that the CDN does not show they are tied to the origin, since it may move itself. */
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
const SLASH = 47;
const HASH = 35;
/** What a byte of a path from the root means: it must be resolved first, or that if it stands behind a slash, or the path ends. */
const RESOLVED = 1;
const NOT_AFTER_SLASH = 2;
const ENDS_PATH = 3;
const MEANING = new Uint8Array(256);
for (let byte = 0; byte <= 32; byte++) MEANING[byte] = RESOLVED;
for (const character of "\\&%") MEANING[character.charCodeAt(0)] = RESOLVED;
for (const character of "./") MEANING[character.charCodeAt(0)] = NOT_AFTER_SLASH;
for (const character of "?#") MEANING[character.charCodeAt(0)] = ENDS_PATH;
const DOT_SEGMENT = /\/\.|\/%2e/i;

export class DocumentUrls {
  #directory: string;
  /** The base URL is of another origin: only absolute URLs can be own ones. */
  #isBaseForeign = false;
  #hasBase = false;
  #remembered = new Map<string, Move | null>();

  constructor(readonly placement: Placement, readonly place: DocumentPlace, readonly onDoubt: OnDoubt) {
    this.#directory = directoryOf(place.path);
  }

  /**
   * What becomes of the URL in the bytes from `start` to `end`, without spaces around it, in its most common form: a path from the
   * root, without anything that would have to be resolved. Undefined when {@linkcode move} must be asked.
   */
  movePath(bytes: Uint8Array, start: number, end: number, use: number): Move | null | undefined {
    if (bytes[start] !== SLASH || this.#isBaseForeign || (use & WITH_CORS) !== 0 || end - start > LONGEST_URL) {
      return undefined;
    }
    let hash = hashByte(HASH_START, SLASH);
    let pathEnd = end;
    let before = SLASH;
    for (let i = start + 1; i < end; i++) {
      const byte = bytes[i]!;
      const meaning = MEANING[byte]!;
      if (meaning !== 0) {
        if (meaning === RESOLVED || meaning === NOT_AFTER_SLASH && before === SLASH) return undefined;
        if (meaning === ENDS_PATH && pathEnd === end) {
          if (byte === HASH) {
            pathEnd = i;
            break;
          }
          pathEnd = i;
        } else if (byte === HASH) break;
      }
      hash = hashByte(hash, byte);
      before = byte;
    }
    return this.placement.placeBytes(bytes, start, pathEnd, hash);
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
    if (host === null) return null;
    if ((use & WITH_CORS) !== 0 && !this.placement.allowsCors(path)) {
      this.onDoubt("cors");
      return this.#tieToOrigin(drop, scheme, directory, rest);
    }
    return { drop, insert: `${scheme}//${host}${directory}` };
  }

  /** A relative URL in a stylesheet that the CDN serves would load from there. */
  #tieToOrigin(drop: number, scheme: string, directory: string, rest: string): Move | null {
    const isRelative = drop === 0 && scheme === "";
    if (!this.place.isStylesheet || !isRelative || rest === "") return null;
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
