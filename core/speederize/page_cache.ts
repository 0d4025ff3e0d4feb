/** Rewritten pages that are static: RFC 9111, one cache a proxy process, bounded by bytes. */
import type { Freshness } from "./cache_control.ts";
import type { Changes } from "./changes.ts";
import type { Output } from "./output.ts";

export interface CachedPage {
  /** Status line and fields, without those that are added for each client. */
  head: Uint8Array;
  readonly body: Uint8Array<ArrayBuffer>;
  /** As the client gets it; "" without. */
  readonly etag: string;
  /** As the origin knows it; "" without. */
  readonly originTag: string;
  /** Names of request fields that it depends on, with the values that they had. */
  readonly vary: readonly (readonly [name: string, value: string])[];
  /** Paths that it refers to on the CDN, where the advisor wants to know. */
  readonly moved: readonly string[];
  /** Its counter among the changes, and what that said when the page was asked for. */
  readonly slot: number;
  readonly count: number;
  /** What the origin said last of its age and life. */
  freshness: Freshness;
  /** When it was 0 s old, and until when it is fresh, ms since 1970. */
  bornAt: number;
  freshUntil: number;
}

/** Pages of one URL that differ by Vary. */
const MOST_VARIANTS = 8;
/** What an entry takes beside its bytes, about. */
const ENTRY_BYTES = 512;

export class PageCache {
  /** In the order of their last use. */
  #pages = new Map<string, CachedPage[]>();
  #bytes = 0;
  hits = 0;
  misses = 0;

  constructor(readonly maxBytes: number, readonly changes: Changes) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Longest page that is kept: one does not push out all others. */
  get longestPage(): number {
    return this.maxBytes >> 3;
  }

  /** The page for a request with these fields, fresh or not. */
  find(key: string, field: (name: string) => string): CachedPage | undefined {
    const variants = this.#pages.get(key);
    if (variants === undefined) return undefined;
    const page = variants.find(({ vary }) => vary.every(([name, value]) => field(name) === value));
    if (page === undefined) return undefined;
    if (this.changes.at(page.slot) !== page.count) {
      this.remove(key);
      return undefined;
    }
    this.#pages.delete(key);
    this.#pages.set(key, variants);
    return page;
  }

  put(key: string, page: CachedPage): void {
    if (sizeOf(key, page) > this.maxBytes || this.changes.at(page.slot) !== page.count) return;
    let variants = this.#pages.get(key) ?? [];
    const isSame = (other: CachedPage) =>
      other.vary.length === page.vary.length &&
      other.vary.every(([name, value], i) => page.vary[i]![0] === name && page.vary[i]![1] === value);
    for (const old of variants.filter(isSame)) this.#bytes -= sizeOf(key, old);
    variants = [page, ...variants.filter((other) => !isSame(other))];
    for (const old of variants.splice(MOST_VARIANTS)) this.#bytes -= sizeOf(key, old);
    this.#pages.delete(key);
    this.#pages.set(key, variants);
    this.#bytes += sizeOf(key, page);
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= this.maxBytes) break;
      this.remove(oldest);
    }
  }

  remove(key: string): void {
    const variants = this.#pages.get(key);
    if (variants === undefined) return;
    for (const page of variants) this.#bytes -= sizeOf(key, page);
    this.#pages.delete(key);
  }

  /** Takes out the pages of which that is true. Returns how many URLs they had. */
  purge(matches: (key: string) => boolean): number {
    const keys = [...this.#pages.keys()].filter(matches);
    for (const key of keys) this.remove(key);
    return keys.length;
  }
}

/** Values that clients sent count too: they are as long as a head may be. */
function sizeOf(key: string, { head, body, vary, moved }: CachedPage): number {
  let characters = key.length;
  for (const [name, value] of vary) characters += name.length + value.length;
  for (const path of moved) characters += path.length;
  return head.length + body.length + 2 * characters + ENTRY_BYTES;
}

/** Gathers a page while it passes; gives up when it is too long. */
export class PageBytes {
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(readonly longest: number) {}

  /** False once it is too long. */
  add({ bytes, length }: Output): boolean {
    this.#length += length;
    if (this.#length > this.longest) return false;
    if (length > 0) this.#pieces.push(bytes.slice(0, length));
    return true;
  }

  whole(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}
