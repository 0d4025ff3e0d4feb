/** Rules of `persistence`: cookies that browsers would refuse or mix up, and modes that lack what they need. */
import { type KeyPath, pathText } from "./findings.ts";
import { asList, asMap, eachValue, type Raw, read } from "./raw.ts";
import { once, type Report } from "./rules.ts";
import { backEndSchema, persistenceSchema, routeSchema } from "./schema.ts";

interface PersistentPool {
  readonly name: unknown;
  readonly path: KeyPath;
  readonly cookie: string;
}

export function checkPersistence(raw: Raw, report: Report): void {
  const pools: PersistentPool[] = [];
  asList(raw["pools"]).forEach((item, i) => {
    const pool = asMap(item);
    const path = ["pools", i, "persistence"];
    const persistence = read(persistenceSchema, pool["persistence"]);
    if (persistence === undefined) return;
    const { cookie, session_cookies, session_id } = persistence;
    pools.push({ name: pool["name"], path, cookie });
    if (session_cookies.includes(cookie)) report(path, "a cookie that is not the application's", cookie);
    if (/^__(?:host|secure)-/i.test(cookie) && raw["tls"] === undefined) {
      report(path, "a tls section: browsers take a cookie of this name by HTTPS alone", cookie);
    }
    if (session_id === undefined) return;
    if (session_id.adds_route && session_id.mode !== "route") {
      report([...path, "session_id", "adds_route"], "mode: route", `mode: ${session_id.mode}`);
    }
    const isSized = asMap(asMap(pool["persistence"])["session_id"])["sessions"] !== undefined;
    if (isSized && session_id.mode !== "learn") {
      report([...path, "session_id", "sessions"], "mode: learn", `mode: ${session_id.mode}`);
    }
    if (session_id.mode === "route") checkRouteNames(pool, ["pools", i], report);
  });
  checkNames(pools, raw, report);
}

/** A back end without a name has its key for one. */
function checkRouteNames(pool: Raw, path: KeyPath, report: Report): void {
  const seen = new Map<unknown, KeyPath>();
  eachValue(pool, "back_ends", backEndSchema, "route", (route, at) => {
    if (route !== undefined) once(seen, route, [...path, ...at], "another name", report);
  });
  eachValue(pool, "back_ends", backEndSchema, "key", (key, at) => {
    const named = asMap(asList(pool["back_ends"])[at[1] as number])["route"];
    if (named === undefined) once(seen, String(key), [...path, ...at], "a key that is not another one's route", report);
  });
}

/** One name for two pools under one host: the browser would send the cookie of the one to the other. */
function checkNames(pools: readonly PersistentPool[], raw: Raw, report: Report): void {
  const hosts = new Map<unknown, (string | undefined)[]>();
  for (const item of asList(raw["routes"])) {
    const route = read(routeSchema, item);
    if (route?.pool === undefined) continue;
    const known = hosts.get(route.pool);
    if (known) known.push(route.host);
    else hosts.set(route.pool, [route.host]);
  }
  const byCookie = new Map<string, HostOwners>();
  for (const pool of pools) {
    const owners = byCookie.get(pool.cookie) ?? new HostOwners();
    byCookie.set(pool.cookie, owners);
    const own = hosts.get(pool.name) ?? [];
    const other = own.map((host) => owners.ownerOf(host)).find((owner) => owner !== undefined);
    if (other) {
      report(pool.path, `a cookie of another name: ${pathText(other.path)} has it under the same host`, pool.cookie);
    }
    for (const host of own) owners.add(host, pool);
  }
}

/** Which pool is first reached under a host, a pattern or any host. */
class HostOwners {
  /** By host and by pattern. */
  #named = new Map<string, PersistentPool>();
  /** By pattern, whoever has a host or pattern below it. */
  #below = new Map<string, PersistentPool>();
  #any: PersistentPool | undefined;
  #first: PersistentPool | undefined;

  add(host: string | undefined, pool: PersistentPool): void {
    this.#first ??= pool;
    if (host === undefined) {
      this.#any ??= pool;
      return;
    }
    if (!this.#named.has(host)) this.#named.set(host, pool);
    for (const pattern of above(host)) if (!this.#below.has(pattern)) this.#below.set(pattern, pool);
  }

  /** Undefined where nobody shares a host with it. */
  ownerOf(host: string | undefined): PersistentPool | undefined {
    if (host === undefined) return this.#first;
    return this.#any ?? this.#named.get(host) ?? this.#below.get(host) ??
      above(host).map((pattern) => this.#named.get(pattern)).find((owner) => owner !== undefined);
  }
}

/** The patterns that a host or a pattern fits: *.b.c and *.c of a.b.c. */
function above(host: string): string[] {
  const labels = host.replace(/^\*\./, "").split(".");
  const start = host.startsWith("*.") ? 0 : 1;
  return labels.slice(start).map((_, i) => `*.${labels.slice(start + i).join(".")}`).filter((pattern) =>
    pattern !== host
  );
}
