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

/** The Set-Cookie value to add for a Set-Cookie value of the application; undefined when that starts no session. */
export function injectedCookie(setCookie: string, rules: PersistenceRules, key: number): string | undefined {
  const semicolon = setCookie.indexOf(";");
  const pair = semicolon < 0 ? setCookie : setCookie.slice(0, semicolon);
  const equals = pair.indexOf("=");
  if (equals < 0 || !rules.session_cookies.includes(pair.slice(0, equals).trim())) return undefined;
  const attributes = semicolon < 0 ? "" : setCookie.slice(semicolon);
  return `${rules.cookie}=${key}${attributes}`;
}
