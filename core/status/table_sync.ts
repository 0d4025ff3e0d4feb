/** What nodes fetch of each other for the failover: the bucket table's changes, and at a take-over what each really holds. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { type Changes, type Cursor, decodeChanges, HEADER_BYTES } from "../scheduler/changes.ts";
import { LiveBuckets } from "../scheduler/live_buckets.ts";
import { askStatusPort } from "./status_client.ts";

const PAIR_BYTES = 8;

/** HTTP's No Content (RFC 9110 section 15.3.5). */
const NO_CONTENT = 204;

/**
 * Asks the scheduler what changed in the Client IP Hash Table; undefined where nothing did, and then nothing was sent but that. Throws Error where no
 * whole answer came before the signal aborted: that says nothing of the scheduler's health.
 */
export async function fetchChanges(
  config: Config,
  scheduler: NodeConfig,
  cursor: Cursor | undefined,
  signal: AbortSignal,
): Promise<Changes | undefined> {
  const query = cursor ? `?epoch=${cursor.epoch}&incarnation=${cursor.incarnation}&version=${cursor.version}` : "";
  const most = HEADER_BYTES + config.scheduler.table_size * PAIR_BYTES;
  const { status, body } = await askStatusPort(statusPortOf(config, scheduler), `/changes${query}`, most, signal);
  if (status === NO_CONTENT && cursor) return undefined;
  if (status !== 200) throw new Error(`Node ${scheduler.name} sends no table: HTTP status ${status}`);
  return decodeChanges(body);
}

/**
 * Asks the nodes, all at once, in which buckets they hold live connections. Who does not answer within `deadlineMs`, or with something else, is left
 * out.
 */
export async function collectLiveBuckets(
  config: Config,
  nodes: readonly NodeConfig[],
  deadlineMs: number,
): Promise<LiveBuckets[]> {
  const { table_size } = config.scheduler;
  const signal = AbortSignal.timeout(deadlineMs);
  const answers = await Promise.allSettled(nodes.map(async (node) => {
    const most = LiveBuckets.bytes(table_size);
    const { status, body } = await askStatusPort(statusPortOf(config, node), "/live", most, signal);
    if (status !== 200) throw new Error(`Node ${node.name} does not say: HTTP status ${status}`);
    return new LiveBuckets(node.id, table_size, body);
  }));
  return answers.flatMap((answer) => answer.status === "fulfilled" ? [answer.value] : []);
}

function statusPortOf({ control }: Config, { address }: NodeConfig) {
  return { address: address.address, port: control.status_port };
}
