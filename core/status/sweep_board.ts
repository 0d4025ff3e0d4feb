/** What the scheduler's sweep brought, for the tables. */
import type { NodeReport } from "./node_report.ts";

export interface SweepRecord {
  /** When it ended, ms since 1970. */
  readonly endedAt: number;
  readonly tookMs: number;
  readonly asked: number;
  readonly answered: number;
  /** Server numbers of those that would count as failed, were it not more than half. */
  readonly held: readonly number[];
}

export class SweepBoard {
  /** The last sweep of all nodes. */
  last: SweepRecord | undefined;
  /** By server number: the last report, and when it came, ms since 1970. */
  readonly reports = new Map<number, { readonly report: NodeReport; readonly at: number }>();

  clear(): void {
    this.last = undefined;
    this.reports.clear();
  }
}
