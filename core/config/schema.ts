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
  durationOrZero,
  fieldName,
  fieldValue,
  freeFieldName,
  host,
  hostPattern,
  interfaceName,
  interval,
  ip,
  ipv4,
  mac,
  name,
  number,
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

/** An etcd of version 3.4 or later, by its JSON gateway. */
export const etcdSchema = map({
  /** Tried one after another. */
  endpoints: list(text(/^https?:\/\/[^\s/]+$/, "a URL as http://192.0.2.5:2379")),
  /** Keys of the array begin with it and the array's name. */
  prefix: v.optional(text(/^\/[^\s]*[^\s/]$/, "a path as /dlba, without / at its end"), "/dlba"),
  /** The VIP of a scheduler that etcd has not heard of for so long is free. */
  lease: v.optional(duration, "5s"),
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
  /** A scheduler of which no heartbeat comes for so long is dead though its machine answers pings: longer than its processes take to start. */
  process_timeout: v.optional(duration, "5s"),
  /** A node that has lost the VIP forwards for so long what still comes to it, by its table as it was; then it drops that. */
  grace_time: v.optional(duration, "60s"),
  /** A node of a higher priority than the scheduler's gets the VIP by a hand-over. */
  preempt: v.optional(yesNo, false),
  /** Once it was ready for so long. */
  preempt_delay: v.optional(duration, "30s"),
  /** An address that is not the array's, as the router's: of two nodes the one that it answers to takes the VIP of the other at once. */
  witness: v.optional(ipv4),
  /** Who decides who schedules: the nodes by themselves, an etcd, or nobody: then `first_scheduler` does, always. */
  coordination: v.optional(oneOf(["builtin", "etcd", "none"]), "builtin"),
  etcd: v.optional(etcdSchema),
});

export const errorPageSchema = map({ status: whole(400, 599), file: path });

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
  /** HTTP/2 for clients that ask for it by ALPN on the HTTPS port. */
  http2: v.optional(yesNo, true),
  /** HTTP/2 on the HTTP port too, for clients that know of it: RFC 9113 section 3.3. */
  http2_cleartext: v.optional(yesNo, false),
  /** Name of a field with an id of the request, for back ends, clients and the access log; none when absent. */
  request_id: v.optional(freeFieldName),
  /** In place of our own pages: files, HTML, JSON or plain text by their names. */
  error_pages: v.optional(v.array(errorPageSchema, "a list"), []),
});

export const nodeSchema = map({
  id: whole(0, 255),
  name,
  address: cidr,
  mac,
  interface: interfaceName,
  weight: v.optional(weight, 1),
  /** Of two that could be scheduler the one of the higher priority is, then that of the lower id. */
  priority: v.optional(whole(0, 255), 100),
  /** False: it holds no bucket. */
  enabled: v.optional(yesNo, true),
  /** True: it keeps the buckets that are in use and gets no others. */
  draining: v.optional(yesNo, false),
});

export const backEndSchema = map({
  /** Unique integer that the persistence cookie carries (seed, "Cookie Injection"). */
  key: whole(0, 65_535),
  /** A name is resolved by the control process, as often as its TTL says; the last good answer counts. */
  address: socketAddress,
  weight: v.optional(weight, 1),
  /** Most requests at a time from the whole array, divided among its nodes and their processes; 0 means any. */
  max_connections: v.optional(whole(0, 65_535), 0),
  /** Takes requests only where no other back end is up. */
  backup: v.optional(yesNo, false),
  /** drain: users that are persisted to it stay, new ones do not come; disabled: they do not stay either. */
  state: v.optional(oneOf(["active", "drain", "disabled"]), "active"),
  /** Of an agent that says which part of its weight the machine bears, as "75%". */
  agent_port: v.optional(port),
  /** SNMPv2c, for hrProcessorLoad: a machine that is 40 % busy bears 60 % of its weight. */
  snmp: v.optional(
    map({ port: v.optional(port, 161), community: text(/^[!-~]{1,64}$/, "1 to 64 characters of ASCII") }),
  ),
  /** The name that session ids of it carry behind their last dot (Tomcat's jvmRoute); its key when absent. */
  route: v.optional(text(/^[A-Za-z0-9_-]{1,64}$/, "a name of at most 64 characters of A-Z, a-z, 0-9, _ and -")),
});

const parameterName = text(/^[A-Za-z0-9_.-]{1,64}$/, "a name of at most 64 characters of A-Z, a-z, 0-9, _, . and -");

/** What a user without our cookie is known by. */
export const sessionIdSchema = map({
  /** route: ids name their back end; learn: who gave an id out is remembered by all nodes; hash: for ids that no back end made. */
  mode: oneOf(["route", "learn", "hash"]),
  /** Beside the session cookies: as in ;jsessionid=ID. */
  path_parameter: v.optional(parameterName),
  /** As in ?sid=ID. */
  query_parameter: v.optional(parameterName),
  /** route: the back ends do not put their names into ids; we do, and take them out again. */
  adds_route: v.optional(yesNo, false),
  /** learn: so many ids are remembered at least; the oldest go first. */
  sessions: v.optional(whole(1_024, 16_777_216), 65_536),
});

export const persistenceSchema = map({
  cookie: v.optional(cookieName, "SpServer"),
  /** The application's cookies that start a session and so trigger the injection. */
  session_cookies: list(cookieName),
  /** Values that tell nothing and that nobody else can make, in place of the keys; needs the array secret (`dlba init`). */
  opaque: v.optional(yesNo, false),
  session_id: v.optional(sessionIdSchema),
});

/** What a pool sets (in place of what stands there), adds and removes. */
export const headerRulesSchema = map({
  set: v.optional(v.array(map({ name: freeFieldName, value: fieldValue }), "a list"), []),
  add: v.optional(v.array(map({ name: freeFieldName, value: fieldValue }), "a list"), []),
  remove: v.optional(v.array(freeFieldName, "a list"), []),
});

/** How back ends are checked, by the control process of each node. */
export const checkSchema = map({
  /** tcp: a connection; http: an answer. */
  type: v.optional(oneOf(["tcp", "http"]), "tcp"),
  path: v.optional(text(/^\/[!-~]*$/, "a path as /health"), "/"),
  /** In the Host field; `tls.server_name`, else the address, when absent. */
  host: v.optional(host),
  /** What counts as an answer; 200 to 399 when absent. */
  status: v.optional(list(whole(100, 599))),
  /** What its body must hold. */
  body: v.optional(text(/^[\t -~]{1,1024}$/, "up to 1024 characters of ASCII")),
  interval: v.optional(interval, "2s"),
  timeout: v.optional(duration, "1s"),
  /** Checks in a row that bring a back end up, and down. */
  rise: v.optional(whole(1, 100), 2),
  fall: v.optional(whole(1, 100), 3),
  /** Where every check fails: false sends requests all the same, true answers 503. */
  fail_closed: v.optional(yesNo, false),
});

/** A back end that fails requests is left out for a while. */
export const ejectionSchema = map({
  /** Failed requests in a row: no connection, none that lasts, no answer in time, or 500 and above. */
  failures: v.optional(whole(1, 10_000), 5),
  /** So long at first, twice as long each next time. */
  time: v.optional(duration, "10s"),
  max_time: v.optional(duration, "5m"),
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

/** What `url_hash` goes by. */
export const hashSchema = map({
  of: v.optional(oneOf(["url", "path", "parameter"]), "url"),
  /** Of the query; a request without it goes by its path. */
  parameter: v.optional(text(/^[^\s?#&=]{1,64}$/, "a name of at most 64 characters without ? # & =")),
  /** A back end has at most so many times its share of the requests under way; others go where they would without it. */
  bounded_load: v.optional(number(1.01, 100)),
});

export const poolSchema = map({
  name,
  back_ends: list(backEndSchema),
  /** Which back end gets a request that is persisted to none. */
  policy: v.optional(
    oneOf(["round_robin", "least_connections", "least_response_time", "random_of_two", "url_hash"]),
    "round_robin",
  ),
  hash: v.optional(hashSchema),
  /** h2: HTTP/2, by ALPN where `tls` stands beside it, else with prior knowledge; for gRPC. Upgrades (WebSocket) need http/1.1. */
  protocol: v.optional(oneOf(["http/1.1", "h2"]), "http/1.1"),
  /** A back end that was down takes up its weight over so long; 0s at once. */
  slow_start: v.optional(durationOrZero, "0s"),
  /** Idle connections kept to each back end by each proxy process; 0 closes after each answer, as in the seed. */
  keepalive: v.optional(whole(0, 4096), 256),
  /** An idle connection is closed after this: just before Apache and Node.js would close it themselves, after 5 s. */
  keepalive_timeout: v.optional(duration, "4s"),
  connect_timeout: v.optional(duration, "1s"),
  /** Longest wait for room at a back end, where `max_connections` is set. */
  queue_timeout: v.optional(duration, "5s"),
  check: v.optional(checkSchema),
  ejection: v.optional(ejectionSchema),
  /** Each connection to its back ends begins by a PROXY header; needs `keepalive: 0`, since it is for one client. */
  proxy_protocol: v.optional(oneOf(["v1", "v2"])),
  /** How often machines are asked for their load: `agent_port` and `snmp` of back ends. */
  load_interval: v.optional(interval, "5s"),
  /** Longest wait for a response head, and between two reads of its body. */
  response_timeout: v.optional(duration, "60s"),
  persistence: v.optional(persistenceSchema),
  tls: v.optional(poolTlsSchema),
  /** Pages of these back ends are rewritten as the section `speederize` says. */
  speederize: v.optional(yesNo, false),
  headers: v.optional(map({ request: v.optional(headerRulesSchema), response: v.optional(headerRulesSchema) })),
});

/** An answer of ours in place of a back end's. */
export const redirectSchema = map({
  /** A URL or a path; {host} and {target} stand for the request's. */
  to: text(/^(https?:\/\/|\/)[^\s<>"\\]*$/, "a URL or a path, with {host} and {target} for the request's"),
  status: v.optional(oneOf([301, 302, 303, 307, 308]), 302),
});

/** A field of a request: with that value, or with any. */
export const headerConditionSchema = map({ name: fieldName, value: v.optional(fieldValue) });

export const routeSchema = map({
  /** A host, or `*.` and a domain: every host below it. */
  host: v.optional(hostPattern),
  /** What a pattern would mean (`:` and `*`) is not taken. */
  path: v.optional(text(/^\/[^\s?#:*{}]*$/, "a path as /images, without ? # : * { }"), "/"),
  methods: v.optional(list(text(/^[A-Z]{1,20}$/, "a method as GET"))),
  header: v.optional(headerConditionSchema),
  /** One of pool and redirect. */
  pool: v.optional(name),
  redirect: v.optional(redirectSchema),
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
  /** PEM, which certificates of clients are revoked: a list of each authority in `client_ca`. */
  client_crl: v.optional(path),
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

/** Which proxies before us are believed, and what back ends are told beside X-Forwarded-For and -Proto. */
export const clientIdentitySchema = map({
  trusted: v.optional(v.array(cidr, "a list"), []),
  /** X-Forwarded-Host too. */
  host: v.optional(yesNo, false),
  /** Forwarded (RFC 7239) too. */
  forwarded: v.optional(yesNo, false),
  /** Each connection to that port begins by a PROXY header, v1 or v2, of who is trusted; others are closed. */
  proxy_protocol: v.optional(map({ http: v.optional(yesNo, false), https: v.optional(yesNo, false) }), {}),
});

/** What one client network may do, in each proxy process; more is answered by 429. */
export const rateLimitSchema = map({
  /** 0 is any number. */
  requests_per_second: v.optional(whole(0, 1_000_000), 0),
  /** So many at once, after a while without. */
  burst: v.optional(whole(1, 1_000_000), 100),
  /** Requests under way; 0 is any number. */
  concurrent: v.optional(whole(0, 1_000_000), 0),
  /** Bits of an IPv4 address that tell networks apart; of IPv6 it is 64. */
  ipv4_prefix: v.optional(whole(8, 32), 32),
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
  client_identity: v.optional(clientIdentitySchema),
  rate_limit: v.optional(rateLimitSchema),
  /** A line of JSON for each request, at its end; none when absent. Appended to by all processes of the node. */
  access_log: v.optional(map({ file: path })),
  control: v.optional(
    map({
      status_port: v.optional(port, 7600),
      /** UDP, between the nodes. */
      failover_port: v.optional(port, 7601),
      /** TLS, for who has a certificate of the array CA: pushes and runtime overrides. */
      push_port: v.optional(port, 7602),
    }),
    {},
  ),
});

/** A checked configuration with every default filled in. Durations are milliseconds. */
export type Config = v.InferOutput<typeof schema>;
export type NodeConfig = Config["nodes"][number];
export type PoolConfig = Config["pools"][number];
export type BackEndConfig = PoolConfig["back_ends"][number];
export type SpeederizeConfig = NonNullable<Config["speederize"]>;
export type RouteConfig = Config["routes"][number];
export type HeaderRulesConfig = v.InferOutput<typeof headerRulesSchema>;
export type CheckConfig = v.InferOutput<typeof checkSchema>;
