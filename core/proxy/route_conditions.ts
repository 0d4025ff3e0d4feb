/** What a route asks of a request beside host and path. Pure. */
import type { RouteConfig } from "../config/schema.ts";
import type { RequestHead } from "./message.ts";

/** As much of a request as routes look at. */
export interface Routed {
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly block: { fieldValue(name: string): string | undefined };
}

export type Condition = (request: Routed) => boolean;

/** Null where the route takes every request of its host and path. */
export function conditionOf({ methods, header }: Pick<RouteConfig, "methods" | "header">): Condition | null {
  if (methods === undefined && header === undefined) return null;
  const allowed = methods && new Set<string>(methods);
  return ({ method, block }) => {
    if (allowed && !allowed.has(method)) return false;
    if (header === undefined) return true;
    const value = block.fieldValue(header.name);
    return value !== undefined && (header.value === undefined || value === header.value);
  };
}

/** A named host before a pattern, a pattern before any host, a longer one before a shorter one, then the longer path, then who asks more. */
export function moreSpecificFirst(one: RouteConfig, other: RouteConfig): number {
  return hostRank(other) - hostRank(one) || other.path.length - one.path.length || conditions(other) - conditions(one);
}

function hostRank({ host }: RouteConfig): number {
  return host === undefined ? 0 : host.startsWith("*.") ? host.length : 1_000 + host.length;
}

function conditions({ methods, header }: RouteConfig): number {
  return (header === undefined ? 0 : header.value === undefined ? 2 : 3) + (methods === undefined ? 0 : 1);
}

/** Whether the route is for that host, in lower case and without its port. */
export function isForHost({ host }: { readonly host?: string | undefined }, name: string): boolean {
  return host === undefined || host === name || host.startsWith("*.") && name.endsWith(host.slice(1));
}

/** Of a target, for a redirect: all of it but OPTIONS' "*". */
export function pathAndQuery({ target }: Pick<RequestHead, "target">): string {
  return target === "*" ? "/" : target;
}
