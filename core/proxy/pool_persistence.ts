/** How a pool keeps its users on their back ends: by the persistence cookie first, else by the session id in the mode that the config names. */
import type { PoolConfig } from "../config/schema.ts";
import { CookieInjector } from "./cookie_injection.ts";
import type { CookieValues } from "./cookie_values.ts";
import { SET_COOKIE } from "./field_names.ts";
import type { HeadBlock } from "./head_block.ts";
import type { RequestHead, ResponseHead } from "./message.ts";
import { readPersistence } from "./persistence.ts";
import { hashText } from "./policies/text_hash.ts";
import { idInCookie, idInReference, idInTarget, sessionId, type SessionPlaces } from "./sessions/session_id.ts";
import { routeOf, RouteSuffixes } from "./sessions/session_routes.ts";

type PersistenceConfig = NonNullable<PoolConfig["persistence"]>;

/** How the back end of a request was found, for the log. `unknown`: it named one that is not there. */
export type Verdict = "none" | "cookie" | "route" | "learned" | "hash" | "unknown";

/** Where a request should go, and what is left of its cookies. */
export interface Persisted {
  readonly key: number | undefined;
  /** Where no key is known, but all requests of that user must go to one back end; -1 else. */
  readonly hash: number;
  readonly verdict: Verdict;
  readonly cookie: string;
}

const NOTHING: Persisted = { key: undefined, hash: -1, verdict: "none", cookie: "" };

/** What knows session ids that back ends gave out. */
export interface SessionMemory {
  find(pool: string, id: string): number | undefined;
  learn(pool: string, id: string, key: number): void;
}

export class PoolPersistence {
  readonly injector: CookieInjector;
  #config: PersistenceConfig;
  #pool: string;
  #values: CookieValues;
  #memory: SessionMemory | undefined;
  #places: SessionPlaces | null = null;
  /** Back ends by the names that ids carry. */
  #routes = new Map<string, number>();
  #routeOfKey = new Map<number, string>();
  #suffixes: RouteSuffixes | null = null;
  #seed: number;

  constructor({ name, persistence, back_ends }: PoolConfig, values: CookieValues, memory: SessionMemory | undefined) {
    this.#config = persistence!;
    this.#pool = name;
    this.#values = values;
    this.#memory = this.#config.session_id?.mode === "learn" ? memory : undefined;
    this.#seed = hashText(name, 0);
    this.injector = new CookieInjector(this.#config);
    const { session_id, session_cookies } = this.#config;
    if (session_id === undefined) return;
    const { path_parameter, query_parameter, mode, adds_route } = session_id;
    this.#places = { session_cookies, path_parameter, query_parameter };
    if (mode !== "route") return;
    for (const { key, route = String(key) } of back_ends) {
      this.#routes.set(route, key);
      this.#routeOfKey.set(key, route);
    }
    if (adds_route) this.#suffixes = new RouteSuffixes(this.#places, this.#routes);
  }

  /** Takes what is ours out of the request. */
  read(request: RequestHead): Persisted {
    if (request.cookie === "" && this.#places === null) return NOTHING;
    const { key, unknown, cookie } = readPersistence(request.cookie, this.#config.cookie, this.#values.keys);
    const found = key === undefined && this.#places !== null
      ? this.#ofSession(cookie, request.target, this.#places)
      : undefined;
    const rest = this.#suffixes === null ? cookie : this.#withoutRoute(this.#suffixes, request, cookie);
    if (key !== undefined) return { key, hash: -1, verdict: "cookie", cookie: rest };
    if (found !== undefined) return { ...found, cookie: rest };
    if (unknown !== undefined) return { key: undefined, hash: this.#hash(unknown), verdict: "unknown", cookie: rest };
    return { key: undefined, hash: -1, verdict: "none", cookie: rest };
  }

  #ofSession(cookie: string, target: string, places: SessionPlaces): Omit<Persisted, "cookie"> | undefined {
    const id = sessionId(cookie, target, places);
    if (id === undefined) return undefined;
    switch (this.#config.session_id!.mode) {
      case "hash":
        return { key: undefined, hash: this.#hash(id), verdict: "hash" };
      case "learn":
        return this.#named(this.#memory?.find(this.#pool, id), id, "learned");
      case "route": {
        const route = routeOf(id);
        return route === undefined
          ? this.#named(undefined, id, "route")
          : this.#named(this.#routes.get(route), route, "route");
      }
    }
  }

  #named(key: number | undefined, text: string, verdict: Verdict): Omit<Persisted, "cookie"> {
    const isThere = key !== undefined && this.#values.values.has(key);
    return isThere ? { key, hash: -1, verdict } : { key: undefined, hash: this.#hash(text), verdict: "unknown" };
  }

  #withoutRoute(suffixes: RouteSuffixes, { block, method, target }: RequestHead, cookie: string): string {
    suffixes.stripTarget(block, method, target);
    return suffixes.stripCookie(cookie);
  }

  #hash(text: string): number {
    return hashText(text, this.#seed);
  }

  /** Sets our cookie beside the application's session cookies, and remembers what it made; false where it set none. */
  write({ block, status }: ResponseHead, key: number, request: RequestHead): boolean {
    // What else leads somewhere (RFC 9110 section 10.2.2) has no id, or none that a client follows.
    if (this.#hasUrlIds && status >= 201 && status < 400) this.#writeLocation(block, key, request);
    if (!block.had(SET_COOKIE)) return false;
    if (this.#memory !== undefined) this.#learn(block, key);
    const added = this.injector.inject(block, this.#values.values.get(key)!);
    if (this.#suffixes !== null) this.#suffixes.add(block, this.#routeOfKey.get(key)!);
    return added;
  }

  get #hasUrlIds(): boolean {
    return this.#places?.path_parameter !== undefined || this.#places?.query_parameter !== undefined;
  }

  /** An id that the back end puts into the URL where it sends the client. */
  #writeLocation(block: HeadBlock, key: number, { host, target }: RequestHead): void {
    this.#suffixes?.addToLocation(block, this.#routeOfKey.get(key)!, host);
    const location = this.#memory === undefined ? undefined : block.fieldValue("location");
    if (location === undefined) return;
    const id = idInReference(location, host, this.#places!)?.id;
    // One that is repeated, or that another back end made, is none of its own.
    if (id === undefined || id === idInTarget(target, this.#places!)?.id) return;
    if (this.#memory!.find(this.#pool, id) === undefined) this.#memory!.learn(this.#pool, id, key);
  }

  #learn(block: HeadBlock, key: number): void {
    for (let i = 0; i < block.count; i++) {
      if (block.numberOf(i) !== SET_COOKIE) continue;
      const value = block.value(i);
      const end = value.indexOf(";");
      const id = idInCookie(end < 0 ? value : value.slice(0, end), this.#config.session_cookies);
      if (id !== undefined) this.#memory!.learn(this.#pool, id, key);
    }
  }
}
