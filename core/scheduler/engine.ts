/** What runs the scheduler's decisions at the packets' side. */
import type { SchedulerTables } from "./tables.ts";

/** How often the engine's process looks after the tables, ms. */
export const UPKEEP_MS = 1000;
/**
 * VIPs are answered for, and buckets assigned, so long after the last upkeep, s: above the 5 s after which a supervisor starts a scheduler
 * again at the latest, so that the kernel goes on meanwhile.
 */
export const ACTIVE_S = 10;

export interface Engine {
  /** The tables; `tables.changesSince(cursor)` gives what changed in the Client IP Hash Table. */
  readonly tables: SchedulerTables;
  /**
   * Answers for the VIPs and schedules frames until the signal aborts; `onActive` is called once it does.
   * Throws UsageError when another machine answers for a VIP already.
   */
  run(signal: AbortSignal, onActive: () => void): Promise<void>;
  /** Frees what it holds. The tables must not be touched afterwards. */
  close(): void;
}
