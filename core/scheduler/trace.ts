/** `dlba trace`: where a client's frames go and why, and frames with their verdicts. For the node that schedules. */
import { runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import { UsageError } from "../errors.ts";
import { bootSeconds } from "../../ffi/clock.ts";
import { ipToBytes } from "./addresses.ts";
import { fewestGroups } from "./assignment.ts";
import { UNASSIGNED } from "./bucket_table.ts";
import { CAPTURE_SLOTS } from "./capture_ring.ts";
import { openTables } from "./open_tables.ts";
import { pcapngFrame, pcapngHeader } from "./pcapng.ts";
import { Scheduler } from "./scheduler.ts";
import type { SchedulerTables } from "./tables.ts";
import { VERDICT_NAMES } from "./verdicts.ts";

/** The ring holds frames of 50 ms at 20,000 a second. */
const READ_MS = 20;
/** Frames are kept so long after the last reading, s: a tracer that was killed costs nothing afterwards. */
const KEEP_S = 2;

export interface Trace {
  readonly bucket: number;
  /** Name of the node that has the bucket; null when none has. */
  readonly node: string | null;
  /** Seconds since a frame last hit it; null when none did. */
  readonly age_s: number | null;
  /** Where a frame that opens a connection goes, and where another does; null when it is dropped. */
  readonly opening_goes_to: string | null;
  readonly other_goes_to: string | null;
  readonly why: string;
}

/** Pure: the tables and a clock in. */
export function traceClient(
  tables: SchedulerTables,
  config: Config,
  address: string,
  port: number,
  now: number,
): Trace {
  const { buckets, nodes, settings } = tables;
  const name = (node: number) => config.nodes.find(({ id }) => id === node)?.name ?? null;
  const bytes = ipToBytes(address).subarray(address.includes(":") ? 0 : 12);
  const bucket = new Scheduler(tables).bucketOf(bytes, 0, bytes.length, port);
  const owner = buckets.node(bucket), age = buckets.age(bucket, now);
  const isAssigned = owner !== UNASSIGNED, isLive = isAssigned && !nodes.isOut(owner);
  const next = settings.isActive(now) ? name(fewestGroups(nodes, settings.nodes)) : null;
  const found = { bucket, node: name(owner), age_s: isAssigned ? age : null };
  if (!settings.isForwarding(now)) {
    return { ...found, opening_goes_to: null, other_goes_to: null, why: "this node does not schedule" };
  }
  const fewest = next === null ? "no node can be had" : `${next} has the fewest IP groups per weight`;
  if (!isAssigned) {
    return { ...found, opening_goes_to: next, other_goes_to: next, why: `the bucket is unassigned; ${fewest}` };
  }
  if (!isLive) {
    return {
      ...found,
      opening_goes_to: next,
      other_goes_to: next,
      why: `${found.node} is failed or disabled; ${fewest}`,
    };
  }
  if (age < settings.idleAge) {
    return { ...found, opening_goes_to: found.node, other_goes_to: found.node, why: "the bucket is in use" };
  }
  return {
    ...found,
    opening_goes_to: next ?? found.node,
    other_goes_to: found.node,
    why:
      `the bucket is idle for longer than ${settings.bucketTimeout} s: only what opens a connection moves it; ${fewest}`,
  };
}

/** The tables of this node. Throws UsageError where no scheduler ran. */
export function tracedTables(config: Config, node: NodeConfig): SchedulerTables {
  const tables = openTables(runDir(config, node));
  if (!tables) throw new UsageError(`Node ${node.name} has no tables: trace on the node that schedules`);
  return tables;
}

/**
 * Writes frames with their verdicts to the file until the signal aborts; returns how many, and how many were missed. Throws UsageError where it
 * cannot write there.
 */
export async function captureFrames(
  tables: SchedulerTables,
  interfaceName: string,
  file: string,
  signal: AbortSignal,
): Promise<{ written: number; missed: number }> {
  using output = openOutput(file);
  const write = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += output.writeSync(bytes.subarray(at));
  };
  write(pcapngHeader(interfaceName));
  const { settings, captures } = tables;
  let next = settings.captured, written = 0, missed = 0;
  while (!signal.aborted) {
    settings.captureUntil = bootSeconds() + KEEP_S;
    await delay(READ_MS);
    const waiting = (settings.captured - next) >>> 0;
    const lost = Math.max(0, waiting - CAPTURE_SLOTS);
    missed += lost;
    next = (next + lost) >>> 0;
    for (let left = waiting - lost; left > 0; left--, next = (next + 1) >>> 0) {
      const frame = captures.read(next);
      if (!frame) {
        missed++;
        continue;
      }
      write(
        pcapngFrame(frame.bytes, frame.length, Date.now(), VERDICT_NAMES[frame.verdict] ?? `verdict ${frame.verdict}`),
      );
      written++;
    }
  }
  settings.captureUntil = bootSeconds();
  return { written, missed };
}

function openOutput(file: string): Deno.FsFile {
  try {
    return Deno.openSync(file, { write: true, create: true, truncate: true });
  } catch (error) {
    throw new UsageError(`Cannot write ${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}
