/** Whether this node's content moves to the CDN just now. */
import { loadState } from "../speederize/run_files.ts";
import type { SpeederizeRow } from "./tables.ts";

/** @param dir the node's run folder */
export function speederizeRow(dir: string): SpeederizeRow | null {
  const state = loadState(dir);
  if (!state) return null;
  const { decisions: { toCdn, chosen, withdrawn }, requests_per_second, mode } = state;
  return { to_cdn: toCdn, requests_per_second, mode, chosen: chosen?.length ?? null, withdrawn: withdrawn.length };
}
