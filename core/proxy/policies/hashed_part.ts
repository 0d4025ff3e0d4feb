/** The part of a request that a URL hash is made of. */
import { hashText } from "./text_hash.ts";

/** What a request is hashed by. */
export interface HashedRequest {
  readonly host: string;
  /** RFC 9112 section 3.2.1 */
  readonly target: string;
}

export type HashOf = (request: HashedRequest) => number;

/**
 * By the whole URL (host, path and query), by its path, or by the value of one query parameter, where there is none by the path.
 * @param seed of the pool
 */
export function hashOf(part: "url" | "path" | { readonly parameter: string }, seed: number): HashOf {
  if (part === "url") return ({ host, target }) => hashText(target, hashText(host, seed));
  if (part === "path") return ({ target }) => hashText(pathOf(target), seed);
  const { parameter } = part;
  return ({ target }) => hashText(parameterOf(target, parameter) ?? pathOf(target), seed);
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

/** The value, as it stands, of the first parameter of that name; undefined without one. */
export function parameterOf(target: string, name: string): string | undefined {
  let at = target.indexOf("?");
  while (at >= 0) {
    const start = at + 1;
    at = target.indexOf("&", start);
    const end = at < 0 ? target.length : at;
    if (target.startsWith(name, start) && target[start + name.length] === "=") {
      return target.slice(start + name.length + 1, end);
    }
  }
  return undefined;
}
