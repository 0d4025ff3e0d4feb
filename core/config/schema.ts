/**
 * The shape of `dlba.yaml`: one file for the whole array, the same on every node.
 * Rules that need more than one key (duplicate ids, a VIP outside the nodes' prefix) are in `rules.ts`.
 */
import * as v from "valibot";
import { list, map } from "./containers.ts";
import { speederizeSchema } from "./speederize_schema.ts";
import {
  cidr,
  cookieName,
  duration,
  host,
  interfaceName,
  interval,
  ip,
  ipv4,
  mac,
  name,
  oneOf,
  path,
  port,
  socketAddress,
  text,
  weight,
  whole,
  yesNo,
} from "./values.ts";

export const arraySchema = map({
  name,
  vip: ipv4,
  /** direct: the nodes run web servers of their own on the VIP (the seed's "Prototype"); dlba only schedules. */
  mode: v.optional(oneOf(["proxy", "direct"]), "proxy"),
  ports: v.optional(map({ http: v.optional(port, 80), https: v.optional(port, 443) }), {}),
  /** Where `dlba init` keeps the array secret, the array CA and the node certificates; relative to dlba.yaml. */
  secrets: v.optional(path, "secrets"),
});

export const schedulerSchema = map({
  engine: v.optional(oneOf(["auto", "xdp", "pcap"]), "auto"),
  /** Where the xdp engine's program runs. auto: in the driver, but in the stack on a veth, whose peer may lose what it sends. */
  xdp_mode: v.optional(oneOf(["auto", "native", "generic"]), "auto"),
  /** Buckets of the Client IP Hash Table; fixed while the array runs (seed, "Internal Operation"). */
  table_size: v.optional(whole(1024, 1_048_576), 65_536),
  /** A bucket untouched for longer may be given to another node. */
  bucket_timeout: v.optional(duration, "5m"),
  /** modulo: (client IP + client port) mod size, as in the seed. keyed: SipHash, for clients that choose their ports in bad faith. */
  hash: v.optional(oneOf(["modulo", "keyed"]), "modulo"),
  /** What lowers a node's share of new buckets beside its weight. */
  policy: v.optional(oneOf(["weights", "open_connections", "hits", "response_time"]), "weights"),
});

export const failoverSchema = map({
  /** The node that starts as scheduler; the enabled node of the lowest id when absent. */
  first_scheduler: v.optional(name),
  /** Pause after each status sweep: seed, "a configurable delay after the status sweep". */
  sweep_delay: v.optional(interval, "1s"),
  /** A node has so long to answer for its status: longer than its status daemon stands still by chance. */
  status_timeout: v.optional(interval, "1s"),
  /** Further attempts after which a node that does not answer has failed; all together longer than its status daemon takes to start again. */
  status_retries: v.optional(whole(0, 20), 2),
  ping_interval: v.optional(interval, "100ms"),
  /** Pings missed in a row after which a node is asked for its status out of turn, in a hurry. */
  ping_misses: v.optional(whole(1, 100), 3),
  /** A scheduler with its link up that hears no other node for so long takes them for dead and serves alone. */
  alone_timeout: v.optional(interval, "3s"),
});

export const proxySchema = map({
  /** Proxy processes of a node; 0 means one a core. */
  workers: v.optional(whole(0, 64), 0),
  /** A kept-alive client connection without a request is closed after this. */
  client_idle_timeout: v.optional(duration, "60s"),
  /** From the first byte of a request to the end of its head. */
  head_timeout: v.optional(duration, "10s"),
  /** Between two reads of a request's body. */
  body_timeout: v.optional(duration, "30s"),
  /** An upgraded connection (WebSocket) over which nothing passes is closed after this. */
  tunnel_timeout: v.optional(duration, "5m"),
  /** Running requests and tunnels have so long once the server is told to stop. */
  drain_timeout: v.optional(duration, "10s"),
  max_head_bytes: v.optional(whole(1024, 65_536), 32_768),
  /** Longest request body; 0 means any. */
  max_body_bytes: v.optional(whole(0, 1_000_000_000_000), 0),
});

export const nodeSchema = map({
  id: whole(0, 255),
  name,
  address: cidr,
  mac,
  interface: interfaceName,
  weight: v.optional(weight, 1),
  /** False: it holds no bucket. */
  enabled: v.optional(yesNo, true),
  /** True: it keeps the buckets that are in use and gets no others. */
  draining: v.optional(yesNo, false),
});

export const backEndSchema = map({
  /** Unique integer that the persistence cookie carries (seed, "Cookie Injection"). */
  key: whole(0, 65_535),
  address: socketAddress,
  weight: v.optional(weight, 1),
  /** Most requests at a time from each proxy process; 0 means any. */
  max_connections: v.optional(whole(0, 65_535), 0),
});

export const persistenceSchema = map({
  cookie: v.optional(cookieName, "SpServer"),
  /** The application's cookies that start a session and so trigger the injection. */
  session_cookies: list(cookieName),
});

/** TLS to the back ends of a pool. */
export const poolTlsSchema = map({
  /** PEM, who may sign their certificates; the system's store when absent. */
  ca: v.optional(path),
  /** In their certificates: needed unless nothing is verified, since a back end's address is no name. */
  server_name: v.optional(host),
  /** False takes any certificate. */
  verify: v.optional(yesNo, true),
});

export const poolSchema = map({
  name,
  back_ends: list(backEndSchema),
  /** Idle connections kept to each back end by each proxy process; 0 closes after each answer, as in the seed. */
  keepalive: v.optional(whole(0, 4096), 256),
  /** An idle connection is closed after this: just before Apache and Node.js would close it themselves, after 5 s. */
  keepalive_timeout: v.optional(duration, "4s"),
  connect_timeout: v.optional(duration, "1s"),
  /** Longest wait for room at a back end, where `max_connections` is set. */
  queue_timeout: v.optional(duration, "5s"),
  /** Longest wait for a response head, and between two reads of its body. */
  response_timeout: v.optional(duration, "60s"),
  persistence: v.optional(persistenceSchema),
  tls: v.optional(poolTlsSchema),
  /** Pages of these back ends are rewritten as the section `speederize` says. */
  speederize: v.optional(yesNo, false),
});

export const routeSchema = map({
  host: v.optional(host),
  /** What a pattern would mean (`:` and `*`) is not taken. */
  path: v.optional(text(/^\/[^\s?#:*{}]*$/, "a path as /images, without ? # : * { }"), "/"),
  pool: name,
  /** A client without a certificate (`tls.client_ca`) gets 403. */
  client_certificate: v.optional(oneOf(["required"])),
});

/** What else is scheduled: servers of the nodes themselves, or another address of the array. */
export const serviceSchema = map({
  vip: ip,
  protocol: v.optional(oneOf(["tcp", "udp"]), "tcp"),
  ports: list(port),
});

const certificateSchema = map({
  cert: path,
  /** A PEM file, or a PKCS#11 URI (RFC 7512). */
  key: path,
  /** File of the OCSP response in DER that is sent with it, or `fetch`: asked for where the certificate says. */
  ocsp: v.optional(path),
});

/** Where keys by PKCS#11 URI are: the device's library, and a file with the PIN that only its owner may read. */
export const pkcs11Schema = map({ module: path, pin_file: path });

export const tlsSchema = map({
  /** Of two certificates for one name and of one key type the first serves; the first of all is the default. */
  certificates: list(certificateSchema),
  pkcs11: v.optional(pkcs11Schema),
  /** `modern` is TLS 1.3 alone, `intermediate` TLS 1.2 too. */
  policy: v.optional(oneOf(["modern", "intermediate"]), "intermediate"),
  /** From accepting a connection to the end of its handshake. */
  handshake_timeout: v.optional(duration, "5s"),
  /** At a time in each proxy process; whoever has waited longest gives way to the next. */
  max_handshakes: v.optional(whole(1, 1_000_000), 4096),
  /** A client that names no server of these certificates, or none at all, is refused. */
  strict_sni: v.optional(yesNo, false),
  /** PEM, who may sign certificates of clients; clients are asked for none when absent. */
  client_ca: v.optional(path),
  /** Whether a client without one is refused in its handshake. */
  client_auth: v.optional(oneOf(["optional", "required"]), "required"),
  /** Plain HTTP is answered by a redirect to HTTPS. */
  redirect_http: v.optional(yesNo, false),
  /** Value of Strict-Transport-Security (RFC 6797) on HTTPS responses. */
  hsts: v.optional(
    text(
      /^max-age=[0-9]{1,10}(; includeSubDomains)?(; preload)?$/,
      "max-age=SECONDS, with ; includeSubDomains and ; preload as wanted",
    ),
  ),
});

export const schema = map({
  array: arraySchema,
  scheduler: v.optional(schedulerSchema, {}),
  failover: v.optional(failoverSchema, {}),
  proxy: v.optional(proxySchema, {}),
  nodes: list(nodeSchema),
  services: v.optional(v.array(serviceSchema, "a list"), []),
  /** Needed but in direct mode. */
  pools: v.optional(v.array(poolSchema, "a list"), []),
  /** First the longest host, then the longest path. Absent: everything goes to the first pool. */
  routes: v.optional(v.array(routeSchema, "a list"), []),
  tls: v.optional(tlsSchema),
  speederize: v.optional(speederizeSchema),
  control: v.optional(map({ status_port: v.optional(port, 7600) }), {}),
});

/** A checked configuration with every default filled in. Durations are milliseconds. */
export type Config = v.InferOutput<typeof schema>;
export type NodeConfig = Config["nodes"][number];
export type PoolConfig = Config["pools"][number];
export type BackEndConfig = PoolConfig["back_ends"][number];
export type SpeederizeConfig = NonNullable<Config["speederize"]>;
export type RouteConfig = Config["routes"][number];
