/**
 * Cookie injection (seed, "Cookie Injection"): the client holds the mapping to its back end in a cookie of ours, set
 * beside the application's session cookie and with the same attributes. RFC 6265.
 */
import { CACHE_CONTROL, SET_COOKIE, TARGETED_CACHE_CONTROL } from "./field_names.ts";
import type { HeadBlock } from "./head_block.ts";
import type { PersistenceRules } from "./persistence.ts";

/**
 * Adds a Set-Cookie of ours for each that concerns a session; false when there is none. A session cookie that is deleted, by its
 * attributes or by an empty value, takes ours with it.
 */
export function injectCookies(block: HeadBlock, rules: PersistenceRules, key: number): boolean {
  const { count } = block;
  for (let i = 0; i < count; i++) {
    if (block.numberOf(i) !== SET_COOKIE) continue;
    const setCookie = block.value(i);
    const equals = setCookie.indexOf("=");
    if (!isSessionCookie(setCookie, equals, rules)) continue;
    const semicolon = setCookie.indexOf(";", equals);
    const pairEnd = semicolon < 0 ? setCookie.length : semicolon;
    const attributes = copiedAttributes(setCookie.slice(pairEnd));
    const start = block.begin(SET_COOKIE);
    block.text(rules.cookie);
    if (isEmpty(setCookie, equals + 1, pairEnd)) {
      block.text(`=${attributes.replace(/; (?:max-age|expires)=[^;]*/gi, "")}; Max-Age=0`);
    } else {
      block.text("=");
      block.decimal(key);
      block.text(attributes);
    }
    block.complete(SET_COOKIE, start);
  }
  return block.count > count;
}

function isSessionCookie(setCookie: string, equals: number, rules: PersistenceRules): boolean {
  const semicolon = setCookie.indexOf(";");
  if (equals < 0 || (semicolon >= 0 && semicolon < equals)) return false;
  return rules.session_cookies.includes(setCookie.slice(0, equals).trim());
}

function isEmpty(setCookie: string, start: number, end: number): boolean {
  const value = setCookie.slice(start, end).trim();
  return value === "" || value === '""';
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
  copied = attributes.split(";").map((attribute) => attribute.trim())
    .filter((attribute) => COPIED.has(attribute.split("=", 1)[0]!.trim().toLowerCase()))
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
