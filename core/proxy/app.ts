/**
 * Which pool serves a request: a Hono app with one synchronous handler a route. A chain of middleware would answer by a Promise,
 * which costs more than all the rest of the dispatch.
 */
import { type Context, Hono } from "hono";
import type { Config, RouteConfig } from "../config/schema.ts";
import { GuardedRoutes } from "./guarded_routes.ts";
import type { RequestHead } from "./message.ts";
import type { Pool } from "./pool.ts";
import { conditionOf, moreSpecificFirst, pathAndQuery } from "./route_conditions.ts";
import { RouteTree } from "./route_tree.ts";

/** A request on its way, as the routes see it. */
export interface Dispatched {
  readonly request: RequestHead;
  readonly identity: { readonly hasCertificate: boolean };
  /** Sends the request to a back end of the pool, with what of its body is there already. */
  forward(pool: Pool, firstBody: Uint8Array<ArrayBuffer> | undefined): void;
  /** Answers by a redirect. */
  redirect(status: number, location: string): void;
  /** Answers by an error page. */
  fail(status: number): void;
}

interface Env {
  Bindings: { readonly dispatched: Dispatched; readonly firstBody: Uint8Array<ArrayBuffer> | undefined };
}

/** What a handler returns: the response itself comes later, from the back end. Or the request is not for this route. */
const TAKEN = new Response(null);
const NOT_MINE = new Response(null);

type Handler = (context: { readonly env: Env["Bindings"] }) => Response;
/** What Hono keeps of a handler: it comes first. */
type Kept = [handler: Handler, route: unknown];

export class Dispatcher {
  #app: Hono<Env>;
  #router: RouteTree<Kept>;
  /** Routes that take every request of their host and path. */
  #final = new WeakSet<Handler>();

  constructor(config: Config, pools: ReadonlyMap<string, Pool>) {
    this.#router = new RouteTree<Kept>(([handler]) => this.#final.has(handler));
    this.#app = new Hono<Env>({ router: this.#router as never });
    const routes: RouteConfig[] = config.routes.length > 0
      ? [...config.routes].sort(moreSpecificFirst)
      : [{ path: "/", pool: config.pools[0]!.name }];
    const asks = routes.some(({ client_certificate }) => client_certificate === "required");
    const guarded = new GuardedRoutes(routes);
    for (const route of routes) {
      const act = actionOf(route, pools);
      const isGuarded = route.client_certificate === "required";
      const actIfAllowed: Handler = (context) => {
        const { request, identity } = context.env.dispatched;
        const isAllowed = identity.hasCertificate || !isGuarded && !guarded.isGuarded(request);
        if (isAllowed) return act(context);
        context.env.dispatched.fail(403);
        return TAKEN;
      };
      this.#add(route, asks ? actIfAllowed : act);
    }
  }

  #add(route: RouteConfig, handler: Handler): void {
    const isMine = conditionOf(route);
    const conditional: Handler = (context) => isMine!(context.env.dispatched.request) ? handler(context) : NOT_MINE;
    if (isMine === null) this.#final.add(handler);
    this.#app.all(patternOf(route), (isMine === null ? handler : conditional) as (context: Context<Env>) => Response);
  }

  /**
   * Asks Hono's router and calls the handler itself: a handler needs nothing of Hono's Context, and to make one, with a Request and a
   * closure for the next handler, is a twentieth of all that a request costs.
   */
  dispatch(dispatched: Dispatched, firstBody: Uint8Array<ArrayBuffer> | undefined): void {
    const { host, target } = dispatched.request;
    // OPTIONS of the server as a whole goes where its root goes.
    const matches = this.#router.find(routedHost(host), target === "*" ? "/" : target);
    const env = { dispatched, firstBody };
    for (const [kept] of matches) if (kept[0]({ env }) === TAKEN) return;
    dispatched.fail(404);
  }
}

/** What a route does with its requests. */
function actionOf({ pool: name, redirect }: RouteConfig, pools: ReadonlyMap<string, Pool>): Handler {
  if (redirect !== undefined) {
    const { to, status } = redirect;
    return ({ env: { dispatched } }) => {
      const { request } = dispatched;
      dispatched.redirect(
        status,
        to.replaceAll("{host}", () => request.host).replaceAll("{target}", () => pathAndQuery(request)),
      );
      return TAKEN;
    };
  }
  const pool = pools.get(name!)!;
  return ({ env: { dispatched, firstBody } }) => {
    dispatched.forward(pool, firstBody);
    return TAKEN;
  };
}

/** Most requests name the host of the one before. */
let lastHost = "";
let lastRouted = "-";

/** "shop.example" for Shop.example:8080. */
function routedHost(host: string): string {
  if (host !== lastHost) {
    const colon = host.lastIndexOf(":");
    const name = colon > host.lastIndexOf("]") ? host.slice(0, colon) : host;
    lastHost = host;
    lastRouted = name === "" ? "-" : name.toLowerCase();
  }
  return lastRouted;
}

/** Matches the path itself and everything below it. */
function patternOf({ host, path }: RouteConfig): string {
  return `/${host ?? ":host"}${path === "/" ? "" : path.replace(/\/$/, "")}/*`;
}
