/**
 * Which pool serves a request: a Hono app with one synchronous handler a route. A chain of middleware would answer by a Promise,
 * which costs more than all the rest of the dispatch.
 */
import { type Context, Hono } from "hono";
import type { Config, RouteConfig } from "../config/schema.ts";
import { GuardedRoutes } from "./guarded_routes.ts";
import type { RequestHead } from "./message.ts";
import type { Pool } from "./pool.ts";

/** A request on its way, as the routes see it. */
export interface Dispatched {
  readonly request: RequestHead;
  readonly identity: { readonly hasCertificate: boolean };
  /** Sends the request to a back end of the pool, with what of its body is there already. */
  forward(pool: Pool, firstBody: Uint8Array<ArrayBuffer> | undefined): void;
  /** Answers by an error page. */
  fail(status: number): void;
}

interface Env {
  Bindings: { readonly dispatched: Dispatched; readonly firstBody: Uint8Array<ArrayBuffer> | undefined };
}

/** What a handler returns: the response itself comes later, from the back end. */
const TAKEN = new Response(null);

type Handler = (context: { readonly env: Env["Bindings"] }) => Response;

export class Dispatcher {
  #app = new Hono<Env>();

  constructor(config: Config, pools: ReadonlyMap<string, Pool>) {
    const routes: RouteConfig[] = config.routes.length > 0
      ? [...config.routes].sort(moreSpecificFirst)
      : [{ path: "/", pool: config.pools[0]!.name }];
    const asks = routes.some(({ client_certificate }) => client_certificate === "required");
    const guarded = new GuardedRoutes(routes);
    for (const route of routes) {
      const pool = pools.get(route.pool)!;
      const isGuarded = route.client_certificate === "required";
      const forward = ({ env: { dispatched, firstBody } }: Context<Env>) => {
        dispatched.forward(pool, firstBody);
        return TAKEN;
      };
      const forwardIfAllowed = (context: Context<Env>) => {
        const { request, identity } = context.env.dispatched;
        const isAllowed = identity.hasCertificate || !isGuarded && !guarded.isGuarded(request.host, request.target);
        if (isAllowed) return forward(context);
        context.env.dispatched.fail(403);
        return TAKEN;
      };
      this.#app.all(patternOf(route), asks ? forwardIfAllowed : forward);
    }
  }

  /**
   * Asks Hono's router and calls the handler itself: a handler needs nothing of Hono's Context, and to make one, with a Request and a
   * closure for the next handler, is a twentieth of all that a request costs.
   */
  dispatch(dispatched: Dispatched, firstBody: Uint8Array<ArrayBuffer> | undefined): void {
    // Routes do not ask for the method.
    const [[match]] = this.#app.router.match("GET", routedPath(dispatched.request));
    if (match === undefined) return dispatched.fail(404);
    const [[handler]] = match as unknown as [[Handler]];
    handler({ env: { dispatched, firstBody } });
  }
}

/** "/shop.example/cart" for http://Shop.example:8080/cart?x=1. */
function routedPath({ host, target }: RequestHead): string {
  const query = target.indexOf("?");
  // Most requests name the host of the one before.
  if (host !== lastHost) {
    lastHost = host;
    lastSegment = hostSegment(host);
  }
  // OPTIONS of the server as a whole goes where its root goes.
  if (target === "*") return `${lastSegment}/`;
  return lastSegment + (query < 0 ? target : target.slice(0, query));
}

let lastHost = "";
let lastSegment = hostSegment("");

/** A host without its port as the first segment of a path. */
function hostSegment(host: string): string {
  const colon = host.lastIndexOf(":");
  const name = colon > host.lastIndexOf("]") ? host.slice(0, colon) : host;
  return `/${name === "" ? "-" : name.toLowerCase()}`;
}

/** Matches the path itself and everything below it. */
function patternOf({ host, path }: RouteConfig): string {
  return `/${host ?? ":host"}${path === "/" ? "" : path.replace(/\/$/, "")}/*`;
}

/** A named host before any host, a longer path before a shorter one: Hono takes the first that matches. */
function moreSpecificFirst(one: RouteConfig, other: RouteConfig): number {
  return (other.host?.length ?? 0) - (one.host?.length ?? 0) || other.path.length - one.path.length;
}
