/** Where a request carries the application's session id: in a cookie, in a path parameter (`;jsessionid=`) or in the query (`?sid=`). */
import { trimWhitespace } from "../http1/whitespace.ts";

export interface SessionPlaces {
  readonly session_cookies: readonly string[];
  /** Name of the path parameter, in the form of RFC 3986 section 3.3. */
  readonly path_parameter?: string | undefined;
  readonly query_parameter?: string | undefined;
}

/** The first id, the cookie's before those of the URL; undefined without one. */
export function sessionId(cookie: string, target: string, places: SessionPlaces): string | undefined {
  return idInCookie(cookie, places.session_cookies) ?? idInTarget(target, places)?.id;
}

export function idInCookie(cookie: string, names: readonly string[]): string | undefined {
  for (const name of names) {
    if (!cookie.includes(name)) continue;
    for (const pair of cookie.split(";")) {
      const equals = pair.indexOf("=");
      if (equals < 0 || trimWhitespace(pair.slice(0, equals)) !== name) continue;
      const value = unquoted(trimWhitespace(pair.slice(equals + 1)));
      if (value !== "") return value;
    }
  }
  return undefined;
}

/** RFC 6265 section 4.1.1: a value may stand in quotes. */
function unquoted(value: string): string {
  return value.length >= 2 && value[0] === '"' && value.at(-1) === '"' ? value.slice(1, -1) : value;
}

/** An id of a URL, and where it begins. */
export interface IdInTarget {
  readonly id: string;
  readonly at: number;
}

export function idInTarget(target: string, { path_parameter, query_parameter }: SessionPlaces): IdInTarget | undefined {
  const query = target.indexOf("?");
  const pathEnd = query < 0 ? target.length : query;
  return (path_parameter === undefined ? undefined : idAfter(target, ";", path_parameter, 0, pathEnd, /[;/]/)) ??
    (query_parameter === undefined || query < 0
      ? undefined
      : idAfter(target, "&", query_parameter, query, target.length, /[&]/));
}

/** The id in a URL reference (RFC 3986 section 4.1) as Location has it, where it leads to the host itself. */
export function idInReference(reference: string, host: string, places: SessionPlaces): IdInTarget | undefined {
  const authority = /^(?:https?:)?\/\/([^/?#]*)/i.exec(reference)?.[1];
  if (authority !== undefined && withoutPort(authority) !== withoutPort(host)) return undefined;
  const fragment = reference.indexOf("#");
  return idInTarget(fragment < 0 ? reference : reference.slice(0, fragment), places);
}

function withoutPort(host: string): string {
  return host.replace(/:[0-9]*$/, "").toLowerCase();
}

/** The value of `name=` behind the mark (or at the start of a query), up to what ends it. */
function idAfter(
  target: string,
  mark: string,
  name: string,
  start: number,
  end: number,
  stop: RegExp,
): IdInTarget | undefined {
  for (
    let at = mark === "&" ? start : target.indexOf(mark, start);
    at >= 0 && at < end;
    at = target.indexOf(mark, at + 1)
  ) {
    if (!target.startsWith(name, at + 1) || target[at + 1 + name.length] !== "=") continue;
    const valueAt = at + name.length + 2;
    const length = target.slice(valueAt, end).search(stop);
    const id = target.slice(valueAt, length < 0 ? end : valueAt + length);
    return id === "" ? undefined : { id, at: valueAt };
  }
  return undefined;
}
