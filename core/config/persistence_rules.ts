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
  const routes = asList(raw["routes"]).map((item) => read(routeSchema, item)).filter((route) => route !== undefined);
  const hostsOf = (name: unknown) => routes.filter(({ pool }) => pool === name).map(({ host }) => host);
  pools.forEach((pool, i) => {
    const hosts = hostsOf(pool.name);
    const other = pools.slice(0, i).find((other) =>
      other.cookie === pool.cookie && hostsOf(other.name).some((host) => hosts.some((own) => overlap(own, host)))
    );
    if (other) {
      report(pool.path, `a cookie of another name: ${pathText(other.path)} has it under the same host`, pool.cookie);
    }
  });
}

function overlap(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined || one === other) return true;
  return isBelow(one, other) || isBelow(other, one);
}

function isBelow(pattern: string, host: string): boolean {
  return pattern.startsWith("*.") && host.endsWith(pattern.slice(1));
}
