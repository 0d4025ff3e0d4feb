/** What a node says of itself when the scheduler's sweep asks: the figures of its row of the DLBA Server Status Table, and its Web Server Status Table. */
import * as v from "valibot";
import type { Config, NodeConfig } from "../config/schema.ts";
import { askStatusPort } from "./status_client.ts";

const count = v.pipe(v.number(), v.finite(), v.minValue(0));

/** A row of the Web Server Status Table of this node (seed fig. 7). */
export const backEndSchema = v.object({
  pool: v.string(),
  key: count,
  address: v.string(),
  avg_response_ms: count,
  hits: count,
  open_connections: count,
  /** Persistence cookies set that name it: sessions that began there. */
  cookie_groups: count,
  connect_failures: count,
  /** How often it was left out for failing requests. */
  ejections: v.optional(count, 0),
});

const reportSchema = v.object({
  node: v.string(),
  avg_response_ms: count,
  hits: count,
  open_connections: count,
  back_ends: v.array(backEndSchema),
});

export type BackEndRow = v.InferOutput<typeof backEndSchema>;
export type NodeReport = v.InferOutput<typeof reportSchema>;

/** More than a report and a row of it are, bytes. */
const HEAD_BYTES = 1024;
const ROW_BYTES = 512;

/** Asks a node for its report. Throws Error where no report of that node came before the signal aborted. */
export async function askReport(config: Config, node: NodeConfig, signal: AbortSignal): Promise<NodeReport> {
  const { address } = node.address, port = config.control.status_port;
  const rows = config.pools.reduce((sum, pool) => sum + pool.back_ends.length, 0);
  const { status, body } = await askStatusPort({ address, port }, "/status", HEAD_BYTES + rows * ROW_BYTES, signal);
  const report = v.parse(v.pipe(v.string(), v.parseJson(), reportSchema), new TextDecoder().decode(body));
  if (status !== 200 || report.node !== node.name) throw new Error(`Not the status of node ${node.name}`);
  return report;
}
