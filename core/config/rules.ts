/**
 * Rules that need more than one value. They look at each part that is whole in itself, so that a mistake in one place does not hide
 * those in others.
 */
import { ipToU32, u32ToIp } from "../scheduler/addresses.ts";
import { MAX_BUCKET_TIMEOUT_S } from "../scheduler/bucket_table.ts";
import { MAX_VIPS } from "../scheduler/settings.ts";
import { didYouMean } from "./did_you_mean.ts";
import { type KeyPath, pathText } from "./findings.ts";
import { checkKeyUris } from "./key_uris.ts";
import { shortened } from "./printable.ts";
import { asList, asMap, eachBackEndValue, eachValue, type Raw, read } from "./raw.ts";
import {
  arraySchema,
  backEndSchema,
  clientIdentitySchema,
  ejectionSchema,
  errorPageSchema,
  failoverSchema,
  hashSchema,
  nodeSchema,
  poolSchema,
  proxySchema,
  routeSchema,
  schedulerSchema,
  serviceSchema,
} from "./schema.ts";
import { checkSpeederize } from "./speederize_rules.ts";
import { checkPersistence } from "./persistence_rules.ts";
import { checkTls } from "./tls_rules.ts";
import { isUnicast } from "./values.ts";

/** Reports that what stands at the path should be something else; what is expensive to say is said when it is shown. */
export type Report = (path: KeyPath, expected: string | (() => string), found?: string) => void;

/** Looks at the file's data, sound or not. */
export type Rule = (data: unknown, report: Report) => void;

/** Names listed in a message. */
const NAMES_SHOWN = 10;

/** Runs every rule over the file's data. */
export function checkRules(data: unknown, report: Report): void {
  const raw = asMap(data);
  checkArray(raw, report);
  checkNodes(raw, report);
  checkFailover(raw, report);
  checkPools(raw, report);
  checkRoutes(raw, report);
  checkPersistence(raw, report);
  checkErrorPages(raw, report);
  checkTimeouts(raw, report);
  checkTls(raw, report);
  checkIdentity(raw, report);
  checkSpeederize(raw, report);
  checkKeyUris(raw, report);
}

function checkArray(raw: Raw, report: Report): void {
  const array = asMap(raw["array"]);
  const ports = read(arraySchema.entries.ports, array["ports"]);
  if (ports?.http === ports?.https && ports) report(["array", "ports"], "two ports", `${ports.http} twice`);
  const vip = read(arraySchema.entries.vip, array["vip"]);
  checkServices(raw, vip, report);
  if (vip === undefined) return;
  if (!isReachable(vip)) {
    report(["array", "vip"], "a unicast address that a client can reach");
    return;
  }
  checkVip(vip, raw, report);
  eachBackEndValue(raw, "address", ({ address }, path) => {
    if (address === vip) report(path, "an address other than the VIP");
  });
}

/** Further VIPs: reachable, no node's own address, and not more than a frame can be looked up among. */
function checkServices(raw: Raw, vip: string | undefined, report: Report): void {
  const own = new Set<string>();
  eachValue(raw, "nodes", nodeSchema, "address", ({ address }) => own.add(address));
  const vips = new Set(vip === undefined ? [] : [vip]);
  eachValue(raw, "services", serviceSchema, "vip", (service, path) => {
    vips.add(service);
    if (!isReachable(service)) report(path, "a unicast address that a client can reach");
    if (own.has(service)) report(path, "an address other than a node's");
    if (vips.size > MAX_VIPS) report(path, `at most ${MAX_VIPS} VIPs`);
  });
}

function checkVip(vip: string, raw: Raw, report: Report): void {
  // Nodes share a prefix: it is complained of once.
  const unfit = new Set<string>();
  eachValue(raw, "nodes", nodeSchema, "address", ({ address, prefix }, path) => {
    const net = network(address, prefix);
    if (network(vip, prefix) !== net) report(path, `a prefix that holds the VIP ${vip}`);
    else if (address === vip) report(path, "an address other than the VIP");
    else if (isReserved(vip, prefix)) unfit.add(`${u32ToIp(net)}/${prefix}`);
  });
  for (const prefix of unfit) report(["array", "vip"], `an address that is not the first or last of ${prefix}`);
}

/** Whether another machine can send to it: no loopback, and RFC 1122 section 3.2.1.3; RFC 4291 section 2.4, and no IPv4 in it. */
function isReachable(address: string): boolean {
  if (address.includes(":")) return !/^(::|ff..:)/.test(address);
  return isUnicast(address) && !address.startsWith("127.");
}

/** The prefix's own address, as a number. */
function network(address: string, prefix: number): number {
  return (ipToU32(address) & mask(prefix)) >>> 0;
}

/** Whether it is the network's or the broadcast address of its prefix; of 31 bits and more there is neither (RFC 3021). */
function isReserved(address: string, prefix: number): boolean {
  const host = (ipToU32(address) & ~mask(prefix)) >>> 0;
  return prefix < 31 && (host === 0 || host === ~mask(prefix) >>> 0);
}

function mask(prefix: number): number {
  return prefix === 32 ? 0xffffffff : ~(0xffffffff >>> prefix) >>> 0;
}

function checkNodes(raw: Raw, report: Report): void {
  for (const key of ["id", "name", "mac"] as const) {
    const seen = new Map<unknown, KeyPath>();
    const expected = `another ${key === "mac" ? "MAC" : key}`;
    eachValue(raw, "nodes", nodeSchema, key, (value, path) => once(seen, value, path, expected, report));
  }
  const addresses = new Map<unknown, KeyPath>();
  eachValue(raw, "nodes", nodeSchema, "address", ({ address, prefix }, path) => {
    once(addresses, address, path, "another address", report);
    if (!isUnicast(address)) report(path, "a unicast address");
    else if (isReserved(address, prefix)) {
      const net = u32ToIp(network(address, prefix));
      report(path, `an address that is not the first or last of ${net}/${prefix}`);
    }
  });
  const nodes = asList(raw["nodes"]).map((node) => read(nodeSchema, node)).filter((node) => node !== undefined);
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
  if (!node) report(path, () => named("a node", first, nodes.map((node) => node.name)));
  else if (!node.enabled) report(path, "an enabled node");
}

/** The VIP's lease ends a second before `process_timeout`, and is counted in whole seconds. */
const LEAST_PROCESS_TIMEOUT_MS = 3000;

/** As that of the VIP it is counted in whole seconds. */
const LEAST_LEASE_MS = 2000;

function checkFailover(raw: Raw, report: Report): void {
  const failover = read(failoverSchema, raw["failover"] ?? {});
  if (!failover) return;
  const path = (key: string) => ["failover", key];
  const { process_timeout, ping_interval, ping_misses, alone_timeout, witness, coordination, etcd } = failover;
  const notice = ping_interval * ping_misses;
  if (process_timeout < LEAST_PROCESS_TIMEOUT_MS) {
    report(path("process_timeout"), `${LEAST_PROCESS_TIMEOUT_MS / 1000}s or more`);
  } else if (process_timeout < notice * 3) {
    report(path("process_timeout"), `${notice * 3}ms (3 times ping_interval times ping_misses) or more`);
  }
  if (alone_timeout < notice) report(path("alone_timeout"), `${notice}ms (ping_interval times ping_misses) or more`);
  if (coordination === "etcd" && !etcd) report(path("coordination"), "etcd.endpoints beside it");
  if (etcd && etcd.lease < LEAST_LEASE_MS) report(["failover", "etcd", "lease"], `${LEAST_LEASE_MS / 1000}s or more`);
  if (witness === undefined) return;
  eachValue(raw, "nodes", nodeSchema, "address", ({ address }) => {
    if (address === witness) report(path("witness"), "an address other than a node's");
  });
  if (witness === read(arraySchema.entries.vip, asMap(raw["array"])["vip"])) {
    report(path("witness"), "an address other than the VIP");
  }
}

function checkPools(raw: Raw, report: Report): void {
  const pools = raw["pools"] ?? [];
  const isProxy = raw["array"] !== undefined && asMap(raw["array"])["mode"] !== "direct";
  if (isProxy && Array.isArray(pools) && pools.length === 0) report(["pools"], "a list of one or more");
  const names = new Map<unknown, KeyPath>();
  eachValue(raw, "pools", poolSchema, "name", (name, path) => once(names, name, path, "another name", report));
  // One persistence cookie may serve several pools: a key means one back end in all of them.
  const keys = new Map<unknown, KeyPath>();
  eachBackEndValue(raw, "key", (key, path) => once(keys, key, path, "a key of its own", report));
  asList(raw["pools"]).forEach((item, i) => {
    const pool = asMap(item);
    const path = ["pools", i];
    const addresses = new Map<unknown, KeyPath>();
    eachValue(pool, "back_ends", backEndSchema, "address", ({ address, port }, at) => {
      once(addresses, `${address}:${port}`, [...path, ...at], "another address", report);
    });
    const weights: number[] = [];
    eachValue(pool, "back_ends", backEndSchema, "weight", (weight) => weights.push(weight));
    // What a faulty weight would be is not known.
    const isWhole = weights.length > 0 && weights.length === asList(pool["back_ends"]).length;
    if (isWhole && weights.every((weight) => weight === 0)) {
      report([...path, "back_ends"], "a back end of a weight above 0", "weight 0 everywhere");
    }
    checkPolicy(pool, path, report);
    checkHealth(pool, path, report);
  });
}

function checkIdentity(raw: Raw, report: Report): void {
  const identity = read(clientIdentitySchema, raw["client_identity"]);
  if (identity && (identity.proxy_protocol.http || identity.proxy_protocol.https) && identity.trusted.length === 0) {
    report(["client_identity"], "trusted proxies, whose PROXY headers are believed", "none");
  }
  asList(raw["pools"]).forEach((item, i) => {
    const { proxy_protocol, keepalive } = asMap(item);
    if (proxy_protocol !== undefined && keepalive !== 0) {
      report(
        ["pools", i, "proxy_protocol"],
        "keepalive: 0, since a connection is then for one client",
        `keepalive: ${keepalive ?? 256}`,
      );
    }
  });
}

/** Keys that would do nothing, and times that contradict each other. */
function checkHealth(pool: Raw, path: KeyPath, report: Report): void {
  const check = asMap(pool["check"]);
  if (pool["check"] !== undefined && (check["type"] ?? "tcp") === "tcp") {
    for (const key of ["path", "host", "status", "body"]) {
      if (check[key] !== undefined) report([...path, "check", key], "type: http", "type: tcp");
    }
  }
  // Checks speak HTTP/1.1: who is spoken to by HTTP/2 with prior knowledge need not know it.
  if (check["type"] === "http" && pool["protocol"] === "h2" && pool["tls"] === undefined) {
    report([...path, "check", "type"], "tcp, since these back ends speak HTTP/2 in clear", "http");
  }
  const ejection = pool["ejection"] === undefined ? undefined : read(ejectionSchema, pool["ejection"]);
  if (ejection && ejection.time > ejection.max_time) {
    report([...path, "ejection"], "a time of at most max_time", `${ejection.time} ms and ${ejection.max_time} ms`);
  }
}

function checkPolicy(pool: Raw, path: KeyPath, report: Report): void {
  const policy = read(poolSchema.entries.policy, pool["policy"]);
  const hash = pool["hash"] === undefined ? undefined : read(hashSchema, pool["hash"]);
  if (hash !== undefined && policy !== undefined && policy !== "url_hash") {
    report([...path, "hash"], "policy: url_hash", `policy: ${policy}`);
  }
  const named = hash?.parameter !== undefined;
  if (hash?.of === "parameter" && !named) report([...path, "hash"], "parameter: the name of a query parameter", "none");
  else if (hash !== undefined && hash.of !== "parameter" && named) {
    report([...path, "hash", "parameter"], "of: parameter", `of: ${hash.of}`);
  }
  const backEnds = asList(pool["back_ends"]).map((item) => read(backEndSchema, item));
  if (backEnds.length > 0 && backEnds.every((backEnd) => backEnd?.state === "drain")) {
    report([...path, "back_ends"], "a back end that takes new users", "drain everywhere");
  }
}

function checkRoutes(raw: Raw, report: Report): void {
  const pools = asList(raw["pools"]).map((pool) => asMap(pool)["name"]).filter((name) => typeof name === "string");
  const known = new Set(pools);
  const routes = new Map<unknown, KeyPath>();
  asList(raw["routes"]).forEach((item, i) => {
    const route = read(routeSchema, item);
    if (!route) return;
    const { host = "any host", path, methods = [], header, pool, redirect } = route;
    if ((pool === undefined) === (redirect === undefined)) {
      report(["routes", i], "either pool or redirect", pool === undefined ? "neither" : "both");
    }
    if (pool !== undefined && !known.has(pool)) report(["routes", i, "pool"], () => named("a pool", pool, pools));
    const condition = [...methods, ...(header ? [`${header.name}: ${header.value ?? "any"}`] : [])];
    const place = [`${host}${path}`, ...condition].join(" ");
    once(routes, place, ["routes", i], "another host or path", report, place);
  });
}

/** Of two pages for one status neither is the right one. */
function checkErrorPages(raw: Raw, report: Report): void {
  const seen = new Map<unknown, KeyPath>();
  eachValue(asMap(raw["proxy"]), "error_pages", errorPageSchema, "status", (status, path) => {
    once(seen, status, ["proxy", ...path], "another status", report);
  });
}

/** A bucket must tell its age, and outlive every silence that our server lets a connection keep: its next frame would go to another node. */
function checkTimeouts(raw: Raw, report: Report): void {
  const scheduler = read(schedulerSchema, raw["scheduler"] ?? {});
  if (scheduler && scheduler.bucket_timeout > MAX_BUCKET_TIMEOUT_S * 1000) {
    report(["scheduler", "bucket_timeout"], `${MAX_BUCKET_TIMEOUT_S / 3600}h at most: a bucket's age is 16 bits`);
  }
  if (asMap(raw["array"])["mode"] === "direct") return;
  const proxy = read(proxySchema, raw["proxy"] ?? {});
  if (!scheduler || !proxy) return;
  const silences: [key: string, ms: number][] = [
    ["proxy.client_idle_timeout", proxy.client_idle_timeout],
    ["proxy.body_timeout", proxy.body_timeout],
    ["proxy.tunnel_timeout", proxy.tunnel_timeout],
  ];
  asList(raw["pools"]).forEach((pool, i) => {
    const ms = read(poolSchema.entries.response_timeout, asMap(pool)["response_timeout"]);
    if (ms !== undefined) silences.push([`pools[${i}].response_timeout`, ms]);
  });
  const [key, ms] = silences.reduce((longest, silence) => silence[1] > longest[1] ? silence : longest);
  if (scheduler.bucket_timeout >= ms) return;
  const isDefault = asMap(raw["scheduler"])["bucket_timeout"] === undefined;
  const found = isDefault ? `${scheduler.bucket_timeout / 1000}s (the default)` : undefined;
  report(["scheduler", "bucket_timeout"], `${ms / 1000}s (${key}) or more, or idle connections would be moved`, found);
}

/** Reports the second place of a value. */
export function once(
  seen: Map<unknown, KeyPath>,
  value: unknown,
  path: KeyPath,
  expected: string,
  report: Report,
  found?: string,
): void {
  const first = seen.get(value);
  if (first) report(path, `${expected}: ${pathText(first)} has it already`, found);
  else seen.set(value, path);
}

function named(what: string, word: string, names: readonly string[]): string {
  const near = didYouMean(word, names);
  if (near) return `${what} (did you mean ${near}?)`;
  const shown = names.slice(0, NAMES_SHOWN).map(shortened);
  return `${what}: ${[...shown, ...(names.length > NAMES_SHOWN ? ["..."] : [])].join(", ") || "there is none"}`;
}
