/**
 * Which nodes have failed, for the proxy processes of this node: they divide the limits of back ends among those that serve now. The
 * scheduler's sweep finds it out, the other nodes ask the scheduler.
 */
import * as v from "valibot";
import type { Config, NodeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import type { BackEndControl } from "../proxy/back_end_control.ts";
import { MAX_NODES, type NodeState } from "../scheduler/node_table.ts";
import type { SchedulingReader } from "./scheduling.ts";
import { askStatusPort } from "./status_client.ts";

/** The scheduler is asked so often, and has so long to answer, ms. */
const ASK_EVERY_MS = 500;
const ANSWER_MS = 1_000;
/** More than all server numbers in JSON, bytes. */
const MAX_BYTES = 2_048;

const answerSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ failed: v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_NODES - 1))) }),
);

/** Server numbers. */
export function failedNodes({ nodes }: Config, state: NodeState): number[] {
  return nodes.map(({ id }) => id).filter((id) => state.failed[id] !== 0);
}

export interface ServingWatchParts {
  readonly config: Config;
  readonly node: NodeConfig;
  readonly state: NodeState;
  readonly scheduling: Pick<SchedulingReader, "current">;
  readonly control: BackEndControl;
}

/** Runs until the signal aborts; at once where no back end has a limit. */
export async function watchServing(parts: ServingWatchParts, stop: AbortSignal): Promise<void> {
  const { pools } = parts.config;
  if (!pools.some(({ back_ends }) => back_ends.some(({ max_connections }) => max_connections > 0))) return;
  while (!stop.aborted) {
    // While nobody says who has failed every node keeps to its part of the whole: so the limit holds.
    parts.control.setFailed(await failedNow(parts, stop).catch(() => []));
    await delay(ASK_EVERY_MS, stop);
  }
}

async function failedNow(parts: ServingWatchParts, stop: AbortSignal): Promise<readonly number[]> {
  const { config, node, state, scheduling } = parts;
  const { isOwn, scheduler } = scheduling.current();
  if (isOwn) return failedNodes(config, state);
  if (scheduler === undefined || scheduler === node) return [];
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MS)]);
  const port = { address: scheduler.address.address, port: config.control.status_port };
  const { status, body } = await askStatusPort(port, "/serving", MAX_BYTES, signal);
  return status === 200 ? v.parse(answerSchema, new TextDecoder().decode(body)).failed : [];
}
