/** Session ids that carry the name of their back end behind the last dot, as Tomcat's jvmRoute does: "0123ABCD.tomcat1". */
import { OTHER, SET_COOKIE } from "../field_names.ts";
import type { HeadBlock } from "../head_block.ts";
import { trimWhitespace } from "../http1/whitespace.ts";
import { idInReference, type IdInTarget, idInTarget, type SessionPlaces } from "./session_id.ts";

/** The name behind the last dot; undefined without one. */
export function routeOf(id: string): string | undefined {
  const dot = id.lastIndexOf(".");
  return dot < 0 ? undefined : id.slice(dot + 1);
}

/** Puts routes into the ids of back ends that do not, and takes them out again before a back end sees them. */
export class RouteSuffixes {
  /** @param routes names of the pool's back ends */
  constructor(readonly places: SessionPlaces, readonly routes: { has(route: string): boolean }) {}

  /** Of a Cookie field. */
  stripCookie(cookie: string): string {
    if (!this.places.session_cookies.some((name) => cookie.includes(name))) return cookie;
    return cookie.split(";").map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0 || !this.places.session_cookies.includes(trimWhitespace(pair.slice(0, equals)))) return pair;
      return pair.replace(/\.([^."\s]*)(?="?\s*$)/, (suffix, route) => this.routes.has(route) ? "" : suffix);
    }).join(";");
  }

  /** Of the target in a request line that was read into the block. @param target as it stands there */
  stripTarget(block: HeadBlock, method: string, target: string): void {
    const found = idInTarget(target, this.places);
    const length = found === undefined ? 0 : this.#suffixLength(found);
    if (length > 0) block.cut(method.length + 1 + found!.at + found!.id.length - length, length);
  }

  #suffixLength({ id }: IdInTarget): number {
    const route = routeOf(id);
    return route !== undefined && this.routes.has(route) ? route.length + 1 : 0;
  }

  /** To the session cookies that a response sets. */
  add(block: HeadBlock, route: string): void {
    for (let i = 0, left = block.count; left > 0; left--) {
      const value = block.numberOf(i) === SET_COOKIE ? block.value(i) : "";
      const changed = this.#withRoute(value, route);
      if (changed === value) {
        i++;
        continue;
      }
      block.remove(i);
      block.field(SET_COOKIE, changed);
    }
  }

  /** To the id in the URL that a response leads to. @param host of the request */
  addToLocation(block: HeadBlock, route: string, host: string): void {
    const location = block.fieldValue("location");
    const found = location === undefined ? undefined : idInReference(location, host, this.places);
    if (found === undefined || this.#suffixLength(found) > 0) return;
    const end = found.at + found.id.length;
    block.removeAll("location");
    const start = block.end;
    block.text(`location: ${location!.slice(0, end)}.${route}${location!.slice(end)}`);
    block.complete(OTHER, start);
  }

  #withRoute(setCookie: string, route: string): string {
    const [, name, id] = /^([^=;]*)=\s*"?([^;"]*)/.exec(setCookie) ?? [];
    if (name === undefined || !this.places.session_cookies.includes(trimWhitespace(name))) return setCookie;
    const bare = trimWhitespace(id!);
    if (bare === "") return setCookie;
    const end = setCookie.indexOf(bare, name.length + 1) + bare.length;
    return `${setCookie.slice(0, end)}.${route}${setCookie.slice(end)}`;
  }
}
