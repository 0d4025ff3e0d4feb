/**
 * How the proxy processes of a node and its control process tell each other of speederize: small files in the run folder, each with one
 * writer, written anew as a whole. Nothing of this is on the way of a request.
 */
import { isRunning } from "../proxy/table_files.ts";
import { type Decisions, DECISIONS_FILE, readDecisions } from "./decisions.ts";
import type { SpeedState } from "./report.ts";
import type { SampledPath } from "./sampler.ts";

/** What a proxy process says: `speed-<pid>.json`. */
export interface ProcessWindow {
  /** Grows with each window. */
  readonly window: number;
  readonly seconds: number;
  readonly responses: number;
  readonly paths: readonly SampledPath[];
  /** Since the process began. */
  readonly rewritten: number;
  readonly doubts: Readonly<Record<string, number>>;
  readonly cache: { readonly bytes: number; readonly hits: number; readonly misses: number };
}

/** Wanted by `dlba speed purge`: pages of these paths are to be taken out. */
export interface PurgeOrder {
  readonly id: string;
  readonly pattern: string;
}

/** What a process did of it: `speed-purged-<pid>.json`. */
export interface Purged {
  readonly id: string;
  readonly pages: number;
}

const WINDOW = /^speed-(\d+)\.json$/;
const STATE_FILE = "speederize.state";
const PURGE_FILE = "speederize.purge";

function write(path: string, data: unknown): void {
  Deno.writeTextFileSync(`${path}.new`, JSON.stringify(data));
  Deno.renameSync(`${path}.new`, path);
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export function writeWindow(dir: string, window: ProcessWindow): void {
  write(`${dir}/speed-${Deno.pid}.json`, window);
}

/** Windows of the processes that run, by pid. What ended ones left is removed. */
export function readWindows(dir: string): Map<number, ProcessWindow> {
  const windows = new Map<number, ProcessWindow>();
  for (const { name } of Deno.readDirSync(dir)) {
    const pid = Number(WINDOW.exec(name)?.[1]);
    if (Number.isNaN(pid)) continue;
    const text = isRunning(pid) ? read(`${dir}/${name}`) : undefined;
    if (text !== undefined) windows.set(pid, JSON.parse(text));
  }
  return windows;
}

/** Takes away what this process wrote, at its end. */
export function removeOwn(dir: string): void {
  for (const name of [`speed-${Deno.pid}.json`, `speed-purged-${Deno.pid}.json`]) {
    try {
      Deno.removeSync(`${dir}/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

export function writeDecisions(dir: string, decisions: Decisions): void {
  write(`${dir}/${DECISIONS_FILE}`, decisions);
}

export function loadDecisions(dir: string): Decisions | undefined {
  const text = read(`${dir}/${DECISIONS_FILE}`);
  return text === undefined ? undefined : readDecisions(text);
}

export function writeState(dir: string, state: SpeedState): void {
  write(`${dir}/${STATE_FILE}`, state);
}

/** What the control process said last; undefined before it did. */
export function loadState(dir: string): SpeedState | undefined {
  const text = read(`${dir}/${STATE_FILE}`);
  return text === undefined ? undefined : JSON.parse(text);
}

export function orderPurge(dir: string, order: PurgeOrder): void {
  write(`${dir}/${PURGE_FILE}`, order);
}

export function purgeOrder(dir: string): PurgeOrder | undefined {
  const text = read(`${dir}/${PURGE_FILE}`);
  return text === undefined ? undefined : JSON.parse(text);
}

export function confirmPurge(dir: string, purged: Purged): void {
  write(`${dir}/speed-purged-${Deno.pid}.json`, purged);
}

export function purgedBy(dir: string, pid: number): Purged | undefined {
  const text = read(`${dir}/speed-purged-${pid}.json`);
  return text === undefined ? undefined : JSON.parse(text);
}
