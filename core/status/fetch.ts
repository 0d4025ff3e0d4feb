/** Asks a node for its tables. */
import * as v from "valibot";
import { Failure } from "../errors.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { NODE_STATES } from "../scheduler/node_states.ts";
import type { TablesReport } from "./tables.ts";

/** Longest wait for the tables, ms: a whole table of 65,536 buckets is made and sent in a tenth of it. */
const TIMEOUT_MS = 3_000;

const reportSchema: v.GenericSchema<unknown, TablesReport> = v.object({
  array: v.string(),
  node: v.string(),
  scheduler: v.string(),
  client_ip_hash_table: v.nullable(v.object({
    size: v.number(),
    epoch: v.number(),
    incarnation: v.number(),
    version: v.number(),
    assigned: v.array(v.object({ bucket: v.number(), node: v.number(), age_s: v.number() })),
    engine: v.string(),
    frames: v.record(v.string(), v.number()),
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
    failed: v.boolean(),
    enabled: v.boolean(),
    weight: v.number(),
  })),
  back_ends: v.array(v.object({
    pool: v.string(),
    key: v.number(),
    address: v.string(),
    avg_response_ms: v.number(),
    hits: v.number(),
    open_connections: v.number(),
    connect_failures: v.number(),
  })),
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
});

/** Asks a node's status port for its tables. Throws {@linkcode Failure} when it does not answer, or with something else. */
export async function fetchTables(config: Config, node: NodeConfig): Promise<TablesReport> {
  const url = `http://${node.address.address}:${config.control.status_port}/tables`;
  const text = await answer(url).catch((cause) => {
    throw new Failure(`Node ${node.name} does not answer at ${url}: is dlba node running there?`, { cause });
  });
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), reportSchema), text);
  if (result.success) return result.output;
  throw new Failure(`${url} answers, but not with tables: is it dlba node, of this version, that listens there?`);
}

async function answer(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return await response.text();
}
