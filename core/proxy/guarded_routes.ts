/** Which requests need a client certificate, however their path is written. Pure. */

import type { RouteConfig } from "../config/schema.ts";
import { type Condition, conditionOf, isForHost, type Routed } from "./route_conditions.ts";

/** A route as far as that goes. */
export type GuardedRoute = Pick<RouteConfig, "host" | "path" | "methods" | "header" | "client_certificate">;

export class GuardedRoutes {
  #routes: readonly (GuardedRoute & { readonly start: string; readonly isMine: Condition | null })[];

  /** @param routes the first that matches counts */
  constructor(routes: readonly GuardedRoute[]) {
    this.#routes = routes.map((route) => ({
      ...route,
      start: route.path.replace(/\/$/, "").toLowerCase(),
      isMine: conditionOf(route),
    }));
  }

  /** Whether a back end may take the request for one of a route that requires a certificate. */
  isGuarded(request: Routed): boolean {
    const name = request.host.replace(/:[0-9]*$/, "").replace(/\.$/, "").toLowerCase();
    const path = plainPath(request.target);
    const route = this.#routes.find((route) =>
      isForHost(route, name) && (path === route.start || path.startsWith(`${route.start}/`)) &&
      (route.isMine === null || route.isMine(request))
    );
    return route?.client_certificate === "required";
  }
}

/** So often a path is decoded: once by each program that it passes on its way. */
const DECODINGS = 4;

/**
 * A target's path as the most lenient back end reads it: without the query and the parameters of segments, decoded, in lower case,
 * with neither empty nor dot segments (RFC 3986 sections 3.3 and 5.2.4).
 */
export function plainPath(target: string): string {
  let path = target.replace(/[?#].*$/s, "");
  for (let i = 0; i < DECODINGS; i++) {
    path = path.replace(/%([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
  }
  const kept: string[] = [];
  for (const segment of path.toLowerCase().split(/[/\\]/).map((segment) => segment.replace(/;.*$/s, ""))) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}`;
}
