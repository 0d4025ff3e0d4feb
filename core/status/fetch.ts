/** Asks a node for its tables. */
import * as v from "valibot";
import { Failure } from "../errors.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { NODE_STATES } from "../scheduler/node_states.ts";
import { HOUR_SECONDS, type HourReport } from "./hour.ts";
import { backEndSchema } from "./node_report.ts";
import { askStatusPort, type StatusPort } from "./status_client.ts";
import { EVENT_LEVELS, type Overview, type TablesReport } from "./tables.ts";

/** Longest wait for the tables, ms: a whole table of 65,536 buckets is made and sent in a tenth of it. */
const TIMEOUT_MS = 3_000;
/** More than the tables of 1,048,576 buckets are. */
const MAX_BYTES = 128 << 20;

/** More than an overview of 10,000 back ends is. */
const MAX_OVERVIEW_BYTES = 8 << 20;

/** More than three numbers a second are. */
const MAX_HOUR_BYTES = 1 << 20;

const bucketTableHead = {
  is_copy: v.boolean(),
  size: v.number(),
  epoch: v.number(),
  incarnation: v.number(),
  version: v.number(),
  engine: v.string(),
  frames: v.record(v.string(), v.number()),
};

const tables = {
  array: v.string(),
  node: v.string(),
  scheduler: v.nullable(v.string()),
  epoch: v.number(),
  last_sweep: v.nullable(v.object({
    ended: v.string(),
    age_s: v.number(),
    took_ms: v.number(),
    asked: v.number(),
    answered: v.number(),
    held: v.array(v.string()),
  })),
  client_ip_hash_table: v.nullable(v.object({
    ...bucketTableHead,
    assigned: v.array(v.object({ bucket: v.number(), node: v.number(), age_s: v.nullable(v.number()) })),
  })),
  server_status: v.array(v.object({
    number: v.number(),
    name: v.string(),
    mac: v.string(),
    address: v.string(),
    state: v.picklist(NODE_STATES),
    ip_groups: v.number(),
    avg_response_ms: v.number(),
    hits: v.number(),
    open_connections: v.number(),
    stale_s: v.nullable(v.number()),
    failed: v.boolean(),
    enabled: v.boolean(),
    weight: v.number(),
  })),
  back_ends: v.array(backEndSchema),
  requests: v.object({
    clients_open: v.number(),
    requests: v.number(),
    own_answers: v.number(),
    unknown_back_end: v.number(),
    rate_limited: v.number(),
    log_dropped: v.number(),
  }),
  web_server_summary: v.nullable(v.array(v.object({
    pool: v.string(),
    key: v.number(),
    address: v.string(),
    cookie_groups: v.number(),
    hits: v.number(),
    open_connections: v.number(),
  }))),
  certificates: v.array(v.object({
    file: v.string(),
    subject: v.string(),
    names: v.array(v.string()),
    issuer: v.string(),
    key: v.string(),
    fingerprint_sha256: v.string(),
    valid_from: v.string(),
    valid_to: v.string(),
    days_left: v.number(),
    processes: v.number(),
  })),
  speederize: v.nullable(v.object({
    to_cdn: v.boolean(),
    requests_per_second: v.number(),
    mode: v.string(),
    chosen: v.nullable(v.number()),
    withdrawn: v.number(),
  })),
};

const reportSchema: v.GenericSchema<unknown, TablesReport> = v.object(tables);

const overviewSchema: v.GenericSchema<unknown, Overview> = v.object({
  ...tables,
  vip: v.string(),
  client_ip_hash_table: v.nullable(v.object(bucketTableHead)),
  events: v.array(v.object({ time: v.string(), level: v.picklist(EVENT_LEVELS), text: v.string() })),
});

/** Asks a status port for what changes every second. Throws Error where no overview came before the signal aborted. */
export async function fetchOverview(port: StatusPort, signal: AbortSignal): Promise<Overview> {
  const { status, body } = await askStatusPort(port, "/overview", MAX_OVERVIEW_BYTES, signal);
  if (status !== 200) throw new Error(`An answer of status ${status}`);
  return v.parse(v.pipe(v.string(), v.parseJson(), overviewSchema), new TextDecoder().decode(body));
}

const column = v.pipe(v.array(v.number()), v.maxLength(HOUR_SECONDS));
const hourSchema: v.GenericSchema<unknown, HourReport> = v.object({
  until: v.number(),
  requests: column,
  own_answers: column,
  open: column,
});

/** Asks a status port for the node's last hour. Throws Error where none came before the signal aborted. */
export async function fetchHour(port: StatusPort, signal: AbortSignal): Promise<HourReport> {
  const { status, body } = await askStatusPort(port, "/hour", MAX_HOUR_BYTES, signal);
  if (status !== 200) throw new Error(`An answer of status ${status}`);
  return v.parse(v.pipe(v.string(), v.parseJson(), hourSchema), new TextDecoder().decode(body));
}

/** Asks a node's status port for its tables. Throws {@linkcode Failure} when it does not answer, or with something else. */
export async function fetchTables(config: Config, node: NodeConfig): Promise<TablesReport> {
  const { address } = node.address, port = config.control.status_port;
  const url = `http://${address}:${port}/tables`;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await askStatusPort({ address, port }, "/tables", MAX_BYTES, signal).catch((cause) => {
    throw new Failure(`Node ${node.name} does not answer at ${url}: is dlba node running there?`, { cause });
  });
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), reportSchema), new TextDecoder().decode(answer.body));
  if (result.success) return result.output;
  throw new Failure(`${url} answers, but not with tables: is it dlba node, of this version, that listens there?`);
}
