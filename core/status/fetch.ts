import { Failure } from "../errors.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import type { TablesReport } from "./tables.ts";

/** Longest wait for the tables, ms: a whole table of 65,536 buckets is made and sent in a tenth of it. */
const TIMEOUT_MS = 3_000;

/** Asks a node's status port for its tables. Throws {@linkcode Failure} when it does not answer. */
export async function fetchTables(config: Config, node: NodeConfig): Promise<TablesReport> {
  const url = `http://${node.address.address}:${config.control.status_port}/tables`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return await response.json() as TablesReport;
  } catch (cause) {
    throw new Failure(`Node ${node.name} does not answer at ${url}: is dlba node running there?`, { cause });
  }
}
