/**
 * Which pool serves a request: a Hono app with one synchronous handler a route. A chain of middleware would answer by a Promise,
 * which costs more than all the rest of the dispatch.
 */
import { Hono } from "hono";
import type { Config, RouteConfig } from "../config/schema.ts";
import type { RequestHead } from "./message.ts";
import type { Pool } from "./pool.ts";

/** A request on its way, as the routes see it. */
export interface Dispatched {
  readonly request: RequestHead;
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

/** As much of a Request as Hono's router looks at. The host is the first segment of the path, so that routes can name it. */
class RoutedRequest {
  /** Routes do not ask for the method; Hono would handle HEAD apart, and asynchronously. */
  readonly method = "GET";

  constructor(readonly head: RequestHead) {}

  get url(): string {
    return `http://${this.head.host}${this.head.target}`;
  }
}

export class Dispatcher {
  #app: Hono<Env>;

  constructor(config: Config, pools: ReadonlyMap<string, Pool>) {
    this.#app = new Hono<Env>({ getPath: (request) => routedPath((request as unknown as RoutedRequest).head) });
    const routes: RouteConfig[] = config.routes.length > 0
      ? [...config.routes].sort(moreSpecificFirst)
      : [{ path: "/", pool: config.pools[0]!.name }];
    for (const route of routes) {
      const pool = pools.get(route.pool)!;
      this.#app.all(patternOf(route), (context) => {
        context.env.dispatched.forward(pool, context.env.firstBody);
        return TAKEN;
      });
    }
    this.#app.notFound((context) => {
      context.env.dispatched.fail(404);
      return TAKEN;
    });
    this.#app.onError((error) => {
      throw error;
    });
  }

  dispatch(dispatched: Dispatched, firstBody: Uint8Array<ArrayBuffer> | undefined): void {
    const request = new RoutedRequest(dispatched.request) as unknown as Request;
    void this.#app.fetch(request, { dispatched, firstBody });
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
