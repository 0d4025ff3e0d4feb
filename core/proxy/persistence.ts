/** The persistence cookie of a request: which back end its user has (seed, "Cookie Injection"). RFC 6265. */

import { trimWhitespace } from "./http1/whitespace.ts";

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
    if (equals < 0 || trimWhitespace(pair.slice(0, equals)) !== name) return true;
    const value = trimWhitespace(pair.slice(equals + 1));
    if (key === undefined && KEY.test(value)) key = Number(value);
    removed = true;
    return false;
  });
  return { key, cookie: removed ? trimWhitespace(kept.join(";")) : cookie };
}
