/**
 * The shape of `dlba.yaml`: one file for the whole array, the same on every node.
 * Rules that need more than one key (duplicate ids, a VIP outside the nodes' prefix) are in `rules.ts`.
 */
import * as v from "valibot";
import { cidr, duration, ipv4, mac, socketAddress } from "./values.ts";

const name = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "expected 1 to 63 characters of a-z, 0-9 and inner -"),
);
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));
const weight = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(256));
const cookieName = v.pipe(
  v.string(),
  v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/, "expected a cookie name (RFC 6265 section 4.1.1)"),
);
const path = v.pipe(v.string(), v.minLength(1));

const array = v.strictObject({
  name,
  vip: ipv4,
  ports: v.optional(
    v.strictObject({ http: v.optional(port, 80), https: v.optional(port, 443) }),
    {},
  ),
  /** Where `dlba init` keeps the array secret, the array CA and the node certificates; relative to dlba.yaml. */
  secrets: v.optional(path, "secrets"),
});

const scheduler = v.strictObject({
  engine: v.optional(v.picklist(["auto", "pcap"]), "auto"),
  /** Buckets of the Client IP Hash Table; fixed while the array runs (seed, "Internal Operation"). */
  table_size: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1024), v.maxValue(1_048_576)), 65_536),
  /** A bucket untouched for longer may be given to another node. */
  bucket_timeout: v.optional(duration, "5m"),
});

const failover = v.strictObject({
  /** The node that starts as scheduler; the enabled node of the lowest id when absent. */
  first_scheduler: v.optional(name),
  status_interval: v.optional(duration, "1s"),
  /** Missed status polls in a row after which a node counts as failed. */
  status_misses: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), 2),
});

const proxy = v.strictObject({
  /** Proxy processes of a node; 0 means one a core. */
  workers: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64)), 0),
  /** A kept-alive client connection without a request is closed after this. */
  client_idle_timeout: v.optional(duration, "60s"),
  /** From the first byte of a request to the end of its head. */
  head_timeout: v.optional(duration, "10s"),
  max_head_bytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1024), v.maxValue(65_536)), 32_768),
});

const node = v.strictObject({
  id: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)),
  name,
  address: cidr,
  mac,
  interface: v.pipe(v.string(), v.regex(/^[^\s/:]{1,15}$/, "expected an interface name of at most 15 characters")),
  weight: v.optional(weight, 1),
  enabled: v.optional(v.boolean(), true),
});

const backEnd = v.strictObject({
  /** Unique integer that the persistence cookie carries (seed, "Cookie Injection"). */
  key: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
  address: socketAddress,
  weight: v.optional(weight, 1),
});

const pool = v.strictObject({
  name,
  back_ends: v.pipe(v.array(backEnd), v.minLength(1)),
  /** Idle connections kept to each back end by each proxy process; 0 closes after each answer, as in the seed. */
  keepalive: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4096)), 64),
  connect_timeout: v.optional(duration, "1s"),
  /** Longest wait for a response head, and between two reads of its body. */
  response_timeout: v.optional(duration, "60s"),
  persistence: v.optional(v.strictObject({
    cookie: v.optional(cookieName, "SpServer"),
    /** The application's cookies that start a session and so trigger the injection. */
    session_cookies: v.pipe(v.array(cookieName), v.minLength(1)),
  })),
});

const route = v.strictObject({
  host: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9.-]{1,253}$/, "expected a host name in lower case"))),
  path: v.optional(v.pipe(v.string(), v.startsWith("/")), "/"),
  pool: name,
});

const certificate = v.strictObject({ cert: path, key: path });

export const schema = v.strictObject({
  array,
  scheduler: v.optional(scheduler, {}),
  failover: v.optional(failover, {}),
  proxy: v.optional(proxy, {}),
  nodes: v.pipe(v.array(node), v.minLength(1)),
  pools: v.pipe(v.array(pool), v.minLength(1)),
  /** First the longest host, then the longest path. Absent: everything goes to the first pool. */
  routes: v.optional(v.array(route), []),
  tls: v.optional(v.strictObject({ certificates: v.pipe(v.array(certificate), v.minLength(1)) })),
  control: v.optional(v.strictObject({ status_port: v.optional(port, 7600) }), {}),
});

/** A checked configuration with every default filled in. Durations are milliseconds. */
export type Config = v.InferOutput<typeof schema>;
export type NodeConfig = Config["nodes"][number];
export type PoolConfig = Config["pools"][number];
export type BackEndConfig = PoolConfig["back_ends"][number];
export type RouteConfig = Config["routes"][number];
