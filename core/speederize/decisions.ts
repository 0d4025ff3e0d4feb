/**
 * What moves just now, beside the rules of the config: written by the node's control process, read by its proxy processes as a file.
 */
import type { SpeederizeConfig } from "../config/schema.ts";

export interface Decisions {
  /** Grows with each change that makes pages differ. */
  readonly version: number;
  /** False while the array is lightly loaded and content stays local. */
  readonly toCdn: boolean;
  /** Paths that move; null when every path of the rules does. */
  readonly chosen: readonly string[] | null;
  /** Paths whose copy on the CDN failed. */
  readonly withdrawn: readonly string[];
  /** CDN hosts, as the config has them, that do not answer: nothing moves there. */
  readonly down: readonly string[];
  /** Paths whose copy on the CDN allows loads with CORS from any origin. */
  readonly cors: readonly string[];
}

/** Name of the file in the node's run folder. */
export const DECISIONS_FILE = "speederize.decisions";

/** What holds before anything was decided: without the advisor all moves, with it nothing does. */
export function firstDecisions({ advisor, local }: SpeederizeConfig): Decisions {
  return {
    version: 0,
    toCdn: local === undefined,
    chosen: advisor.mode === "auto" ? [] : null,
    withdrawn: [],
    down: [],
    cors: [],
  };
}

/** The decisions in a file's text; undefined for what is none. */
export function readDecisions(text: string): Decisions | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { version, toCdn, chosen, withdrawn, down, cors } = (data ?? {}) as Record<string, unknown>;
  const isList = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((item) => typeof item === "string");
  if (typeof version !== "number" || typeof toCdn !== "boolean") return undefined;
  if (chosen !== null && !isList(chosen) || !isList(withdrawn) || !isList(down) || !isList(cors)) return undefined;
  return { version, toCdn, chosen: chosen as string[] | null, withdrawn, down, cors };
}
