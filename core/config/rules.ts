/**
 * Rules that need more than one value. They look at each part that is whole in itself, so that a mistake in one place does not hide
 * those in others.
 */
import * as v from "valibot";
import { didYouMean, type KeyPath } from "./findings.ts";
import {
  arraySchema,
  backEndSchema,
  failoverSchema,
  nodeSchema,
  persistenceSchema,
  proxySchema,
  routeSchema,
  schedulerSchema,
} from "./schema.ts";

/** Reports that what stands at the path should be something else. */
export type Report = (path: KeyPath, expected: string, found?: string) => void;

/** The raw file as the rules look at it. */
type Raw = Record<string, unknown>;

/** Runs every rule over the file's data. */
export function checkRules(data: unknown, report: Report): void {
  const raw = asMap(data);
  checkArray(raw, report);
  checkNodes(raw, report);
  checkPools(raw, report);
  checkRoutes(raw, report);
  checkTimeouts(raw, report);
}

function checkArray(raw: Raw, report: Report): void {
  const array = read(arraySchema, raw["array"]);
  if (!array) return;
  const vip = ipNumber(array.vip);
  const first = vip >>> 24;
  if (first === 0 || first === 127 || first >= 224) {
    report(["array", "vip"], "a unicast address that a client can reach");
    return;
  }
  eachOf(raw, "nodes", nodeSchema, (node, i) => {
    const { address, prefix } = node.address;
    const path = ["nodes", i, "address"];
    const mask = prefix === 32 ? 0xffffffff : ~(0xffffffff >>> prefix) >>> 0;
    const net = (ipNumber(address) & mask) >>> 0;
    if (((vip & mask) >>> 0) !== net) report(path, `a prefix that holds the VIP ${array.vip}`);
    else if (address === array.vip) report(path, "an address other than the VIP");
    else if (prefix < 31 && (vip === net || vip === (net | ~mask) >>> 0)) {
      report(["array", "vip"], `an address that is not the first or last of ${address}/${prefix}`);
    }
  });
  eachBackEnd(raw, (backEnd, path) => {
    if (backEnd.address.address === array.vip) report([...path, "address"], "an address other than the VIP");
  });
  if (array.ports.http === array.ports.https) report(["array", "ports"], "two ports", `${array.ports.http} twice`);
}

function checkNodes(raw: Raw, report: Report): void {
  const nodes: v.InferOutput<typeof nodeSchema>[] = [];
  const unique = { id: new Map(), name: new Map(), address: new Map(), mac: new Map() };
  eachOf(raw, "nodes", nodeSchema, (node, i) => {
    nodes.push(node);
    for (const key of ["id", "name", "address", "mac"] as const) {
      const value = key === "address" ? node.address.address : node[key];
      once(unique[key], value, ["nodes", i, key], `another ${key === "mac" ? "MAC" : key}`, report);
    }
  });
  // What a faulty node would be is not known.
  if (nodes.length !== asList(raw["nodes"]).length || nodes.length === 0) return;
  if (!nodes.some((node) => node.enabled)) report(["nodes"], "an enabled node", "none");
  else if (!nodes.some((node) => node.enabled && node.weight > 0)) {
    report(["nodes"], "an enabled node of a weight above 0", "weight 0 everywhere");
  }
  const first = read(failoverSchema, raw["failover"])?.first_scheduler;
  if (first === undefined) return;
  const path = ["failover", "first_scheduler"];
  const node = nodes.find((node) => node.name === first);
  if (!node) report(path, named("a node", first, nodes.map((node) => node.name)));
  else if (!node.enabled) report(path, "an enabled node");
}

function checkPools(raw: Raw, report: Report): void {
  const names = new Map<unknown, KeyPath>();
  const keys = new Map<unknown, KeyPath>();
  eachBackEnd(raw, (backEnd, path) => once(keys, backEnd.key, [...path, "key"], "a key of its own", report));
  asList(raw["pools"]).forEach((item, i) => {
    const pool = asMap(item);
    if (typeof pool["name"] === "string") once(names, pool["name"], ["pools", i, "name"], "another name", report);
    const addresses = new Map<unknown, KeyPath>();
    const weights: number[] = [];
    eachOf(pool, "back_ends", backEndSchema, (backEnd, j) => {
      const { address, port } = backEnd.address;
      once(addresses, `${address}:${port}`, ["pools", i, "back_ends", j, "address"], "another address", report);
      weights.push(backEnd.weight);
    });
    if (weights.length > 0 && weights.length === asList(pool["back_ends"]).length && weights.every((w) => w === 0)) {
      report(["pools", i, "back_ends"], "a back end of a weight above 0", "weight 0 everywhere");
    }
    const persistence = read(persistenceSchema, pool["persistence"]);
    if (persistence?.session_cookies.includes(persistence.cookie)) {
      report(["pools", i, "persistence"], "a cookie that is not the application's", persistence.cookie);
    }
  });
}

function checkRoutes(raw: Raw, report: Report): void {
  const pools = asList(raw["pools"]).map((pool) => asMap(pool)["name"]).filter((name) => typeof name === "string");
  const routes = new Map<unknown, KeyPath>();
  eachOf(raw, "routes", routeSchema, (route, i) => {
    if (!pools.includes(route.pool)) report(["routes", i, "pool"], named("a pool", route.pool, pools));
    const place = `${route.host ?? "any host"}${route.path}`;
    once(routes, place, ["routes", i], "another host or path", report, place);
  });
}

function checkTimeouts(raw: Raw, report: Report): void {
  const scheduler = read(schedulerSchema, raw["scheduler"] ?? {});
  const proxy = read(proxySchema, raw["proxy"] ?? {});
  if (!scheduler || !proxy || scheduler.bucket_timeout >= proxy.client_idle_timeout) return;
  const idle = `${proxy.client_idle_timeout / 1000}s`;
  report(
    ["scheduler", "bucket_timeout"],
    `${idle} (proxy.client_idle_timeout) or more, or idle connections would be moved`,
  );
}

/** Reports the second place of a value. */
function once(
  seen: Map<unknown, KeyPath>,
  value: unknown,
  path: KeyPath,
  expected: string,
  report: Report,
  found?: string,
): void {
  const first = seen.get(value);
  if (first) report(path, `${expected}: ${first.map(String).join(".")} has it already`, found);
  else seen.set(value, path);
}

function named(what: string, word: string, names: readonly string[]): string {
  const near = didYouMean(word, names);
  return near ? `${what} (did you mean ${near}?)` : `${what}: ${names.join(", ") || "there is none"}`;
}

/** Each item of a list that is whole. */
function eachOf<const T extends v.GenericSchema>(
  raw: Raw,
  key: string,
  schema: T,
  visit: (item: v.InferOutput<T>, index: number) => void,
): void {
  asList(raw[key]).forEach((item, i) => {
    const whole = read(schema, item);
    if (whole !== undefined) visit(whole, i);
  });
}

function eachBackEnd(raw: Raw, visit: (backEnd: v.InferOutput<typeof backEndSchema>, path: KeyPath) => void): void {
  asList(raw["pools"]).forEach((pool, i) =>
    eachOf(asMap(pool), "back_ends", backEndSchema, (backEnd, j) => visit(backEnd, ["pools", i, "back_ends", j]))
  );
}

function read<const T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> | undefined {
  const result = v.safeParse(schema, value);
  return result.success ? result.output : undefined;
}

function asMap(value: unknown): Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Raw : {};
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function ipNumber(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
