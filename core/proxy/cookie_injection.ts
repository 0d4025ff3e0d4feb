/**
 * Cookie injection (seed, "Cookie Injection"): the client holds the mapping to its back end in a cookie of ours, set
 * beside the application's session cookie and with the same attributes. RFC 6265.
 */
import { CACHE_CONTROL, SET_COOKIE, TARGETED_CACHE_CONTROL } from "./field_names.ts";
import type { HeadBlock } from "./head_block.ts";
import { decodeLatin1 } from "./http1/latin1.ts";
import { trimWhitespace } from "./http1/whitespace.ts";

const EQUALS = 61;
const SEMICOLON = 59;
const QUOTE = 34;
const SPACE = 32;
const HTAB = 9;

export interface InjectionRules {
  /** Name of the injected cookie. */
  readonly cookie: string;
  /** The application's cookies that start a session. */
  readonly session_cookies: readonly string[];
}

/** Adds the cookies of one pool. Most Set-Cookie fields have the attributes of the one before: those are compared as bytes. */
export class CookieInjector {
  #names: readonly Uint8Array[];
  #lastAttributes = new Uint8Array(0);
  #lastCopied = "";

  /** Whether the last {@linkcode inject} set a cookie with the key, not only one that ends a session. */
  named = false;

  constructor(readonly rules: InjectionRules) {
    this.#names = rules.session_cookies.map((name) => new TextEncoder().encode(name));
  }

  /**
   * Adds a Set-Cookie of ours for each that concerns a session; false when there is none. A session cookie that is deleted, by its
   * attributes or by an empty value, takes ours with it. `value` stands for the back end.
   */
  inject(block: HeadBlock, value: string): boolean {
    const { count, bytes } = block;
    this.named = false;
    for (let i = 0; i < count; i++) {
      if (block.numberOf(i) !== SET_COOKIE) continue;
      const end = block.valueEnd(i);
      const valueAt = this.#sessionValue(bytes, block.valueStart(i), end);
      if (valueAt < 0) continue;
      let pairEnd = valueAt;
      while (pairEnd < end && bytes[pairEnd] !== SEMICOLON) pairEnd++;
      const attributes = this.#copied(bytes, pairEnd, end);
      const start = block.begin(SET_COOKIE);
      block.text(this.rules.cookie);
      block.text("=");
      if (isEmpty(bytes, valueAt, pairEnd)) {
        block.text(`${attributes.replace(/; (?:max-age|expires)=[^;]*/gi, "")}; Max-Age=0`);
      } else {
        block.text(value);
        block.text(attributes);
        this.named = true;
      }
      block.complete(SET_COOKIE, start);
    }
    return block.count > count;
  }

  /** Where the value of a session cookie begins; -1 for other cookies. */
  #sessionValue(bytes: Uint8Array, start: number, end: number): number {
    for (const name of this.#names) {
      let at = start;
      while (at - start < name.length && bytes[at] === name[at - start]) at++;
      if (at - start < name.length) continue;
      while (bytes[at] === SPACE || bytes[at] === HTAB) at++;
      if (at < end && bytes[at] === EQUALS) return at + 1;
    }
    return -1;
  }

  #copied(bytes: Uint8Array, start: number, end: number): string {
    const last = this.#lastAttributes;
    let i = 0;
    if (last.length === end - start) { while (i < last.length && bytes[start + i] === last[i]) i++; }
    if (i < last.length || end - start !== i) {
      this.#lastAttributes = bytes.slice(start, end);
      this.#lastCopied = this.#prefixed(copiedAttributes(decodeLatin1(bytes, start, end)));
    }
    return this.#lastCopied;
  }

  /** What browsers ask of names that begin so: draft-ietf-httpbis-rfc6265bis section 4.1.3. */
  #prefixed(attributes: string): string {
    const { cookie } = this.rules;
    const isHost = /^__host-/i.test(cookie);
    if (!isHost && !/^__secure-/i.test(cookie)) return attributes;
    const kept = isHost ? attributes.replace(/; *(?:path|domain)(?: *=[^;]*)?(?=;|$)/gi, "") + "; Path=/" : attributes;
    return /; *secure *(?:;|$)/i.test(kept) ? kept : `${kept}; Secure`;
  }
}

function isEmpty(bytes: Uint8Array, start: number, end: number): boolean {
  while (start < end && (bytes[start] === SPACE || bytes[start] === HTAB)) start++;
  while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === HTAB)) end--;
  return end === start || (end - start === 2 && bytes[start] === QUOTE && bytes[start + 1] === QUOTE);
}

/** RFC 6265 section 4.1.1, SameSite (RFC 6265bis) and Partitioned (CHIPS). */
const COPIED = new Set(["path", "domain", "secure", "httponly", "samesite", "max-age", "expires", "partitioned"]);
/** An application uses few different attributes; their copies are kept. */
const copies = new Map<string, string>();
const COPIES = 256;

/** The attributes that say when and where a cookie is sent, each with "; " before it. */
function copiedAttributes(attributes: string): string {
  let copied = copies.get(attributes);
  if (copied !== undefined) return copied;
  copied = attributes.split(";").map(trimWhitespace)
    .filter((attribute) => COPIED.has(trimWhitespace(attribute.split("=", 1)[0]!).toLowerCase()))
    .map((attribute) => `; ${attribute}`).join("");
  if (copies.size === COPIES) copies.clear();
  copies.set(attributes, copied);
  return copied;
}

/** Keeps a response with a cookie of ours out of shared caches. */
export function keepPrivate(block: HeadBlock): void {
  if (!block.had(CACHE_CONTROL) && !block.had(TARGETED_CACHE_CONTROL)) return block.field(CACHE_CONTROL, "private");
  const values: string[] = [];
  for (let i = 0; i < block.count; i++) if (block.numberOf(i) === CACHE_CONTROL) values.push(block.value(i));
  const cacheControl = privateCacheControl(values);
  for (let i = block.count - 1; i >= 0; i--) {
    const number = block.numberOf(i);
    if (number === TARGETED_CACHE_CONTROL || (number === CACHE_CONTROL && cacheControl !== undefined)) block.remove(i);
  }
  if (cacheControl !== undefined) block.field(CACHE_CONTROL, cacheControl);
}

/** A directive of Cache-Control, with its argument: RFC 9111 section 5.2. */
const DIRECTIVE = /([^\s,=]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]*))?/g;

/**
 * The Cache-Control that keeps a response with a cookie of ours out of shared caches; undefined when it is kept out already. `values` are
 * the response's own Cache-Control fields.
 */
export function privateCacheControl(values: readonly string[]): string | undefined {
  const kept: string[] = [];
  for (const [directive, name, argument] of values.join(",").matchAll(DIRECTIVE)) {
    const lower = name!.toLowerCase();
    if (lower === "no-store" || (lower === "private" && argument === undefined)) return undefined;
    // With fields named, private and no-cache concern those only.
    if (lower !== "public" && lower !== "s-maxage" && lower !== "private") kept.push(directive);
  }
  return ["private", ...kept].join(", ");
}
