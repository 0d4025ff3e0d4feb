/** The persistence cookie of a request: which back end its user has (seed, "Cookie Injection"). RFC 6265. */

import { trimWhitespace } from "./http1/whitespace.ts";

/** What a request's Cookie field holds for us. */
export interface PersistedRequest {
  /** Back-end key of the first persistence cookie that names a back end. */
  readonly key: number | undefined;
  /** The first value that names none, where no other one does. */
  readonly unknown: string | undefined;
  /** The field without any persistence cookie, otherwise as it was; "" when nothing is left. */
  readonly cookie: string;
}

/**
 * Finds and removes the persistence cookie.
 * @param keys of the pool's back ends, by the value that stands for each
 */
export function readPersistence(cookie: string, name: string, keys: ReadonlyMap<string, number>): PersistedRequest {
  if (!cookie.includes(name)) return { key: undefined, unknown: undefined, cookie };
  let key: number | undefined;
  let unknown: string | undefined;
  let removed = false;
  const kept = cookie.split(";").filter((pair) => {
    const equals = pair.indexOf("=");
    if (equals < 0 || trimWhitespace(pair.slice(0, equals)) !== name) return true;
    const value = trimWhitespace(pair.slice(equals + 1));
    key ??= keys.get(value);
    unknown ??= value;
    removed = true;
    return false;
  });
  return {
    key,
    unknown: key === undefined ? unknown : undefined,
    cookie: removed ? trimWhitespace(kept.join(";")) : cookie,
  };
}
