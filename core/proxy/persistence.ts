/**
 * Cookie injection (seed, "Cookie Injection"): the client holds the mapping to its back end in a cookie of ours, set
 * beside the application's session cookie and with the same attributes. RFC 6265.
 */

export interface PersistenceRules {
  /** Name of the injected cookie. */
  readonly cookie: string;
  /** The application's cookies that start a session. */
  readonly session_cookies: readonly string[];
}

/** What a request's Cookie field holds for us. */
export interface PersistedRequest {
  /** Back-end key of the first valid persistence cookie. */
  readonly key: number | undefined;
  /** The field without any persistence cookie, otherwise as it was; "" when nothing is left. */
  readonly cookie: string;
}

const KEY = /^(?:0|[1-9][0-9]{0,4})$/;

/** Finds and removes the persistence cookie. */
export function readPersistence(cookie: string, { cookie: name }: PersistenceRules): PersistedRequest {
  if (!cookie.includes(name)) return { key: undefined, cookie };
  let key: number | undefined;
  let removed = false;
  const kept = cookie.split(";").filter((pair) => {
    const equals = pair.indexOf("=");
    if (equals < 0 || pair.slice(0, equals).trim() !== name) return true;
    const value = pair.slice(equals + 1).trim();
    if (key === undefined && KEY.test(value)) key = Number(value);
    removed = true;
    return false;
  });
  return { key, cookie: removed ? kept.join(";").trim() : cookie };
}

/**
 * The Set-Cookie value to add for a Set-Cookie value of the application; undefined when that concerns no session. A session
 * cookie that is deleted, by its attributes or by an empty value, takes ours with it.
 */
export function injectedCookie(setCookie: string, rules: PersistenceRules, key: number): string | undefined {
  const semicolon = setCookie.indexOf(";");
  const pairEnd = semicolon < 0 ? setCookie.length : semicolon;
  const equals = setCookie.indexOf("=");
  if (equals < 0 || equals > pairEnd || !rules.session_cookies.includes(setCookie.slice(0, equals).trim())) {
    return undefined;
  }
  const attributes = copiedAttributes(setCookie.slice(pairEnd));
  const value = setCookie.slice(equals + 1, pairEnd).trim();
  if (value !== "" && value !== '""') return `${rules.cookie}=${key}${attributes}`;
  return `${rules.cookie}=${attributes.replace(/; (?:max-age|expires)=[^;]*/gi, "")}; Max-Age=0`;
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
