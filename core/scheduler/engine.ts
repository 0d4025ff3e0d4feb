/** What runs the scheduler's decisions at the packets' side. */
import type { Config } from "../config/schema.ts";
import type { SchedulerTables } from "./tables.ts";
import type { VipDuty } from "./vip_duty.ts";

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
   * Schedules frames until the signal aborts, and answers for the VIPs as is its duty; `onReady` is called once it does, or stands by.
   * Throws UsageError where the duty cannot begin.
   */
  run(signal: AbortSignal, duty: VipDuty, onReady: () => void): Promise<void>;
  /** Takes another config up, of the same VIPs; no frame is lost. */
  take(config: Config): void;
  /** Frees what it holds. The tables must not be touched afterwards. */
  close(): void;
}
