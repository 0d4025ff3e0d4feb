/** What runs the scheduler's decisions at the packets' side. */
import type { TableFile } from "./table_file.ts";

export interface Engine {
  /** The tables; `tables.changesSince(cursor)` gives what changed in the Client IP Hash Table. */
  readonly tables: TableFile;
  /**
   * Answers ARP for the VIP and schedules frames until the signal aborts; `onActive` is called once it does.
   * Throws UsageError when another machine answers for the VIP already.
   */
  run(signal: AbortSignal, onActive: () => void): Promise<void>;
  /** Frees what it holds. The tables must not be touched afterwards. */
  close(): void;
}
