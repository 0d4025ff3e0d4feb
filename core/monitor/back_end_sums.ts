/** What the looks at several nodes say of one back end, added up. Pure. */
import type { BackEndView } from "./array_view.ts";
import type { BackEndName, BackEndRows } from "./back_end_rows.ts";

/** Of response times, weighed by hits since the earlier rows; by all hits where none came since. */
export class Mean {
  #hits = 0;
  #ms = 0;
  #allHits = 0;
  #allMs = 0;

  /** @param earlierRow -1 where there is none */
  add(rows: BackEndRows, row: number, earlier: BackEndRows | undefined, earlierRow: number): void {
    const hits = rows.value(row, "hits"), ms = rows.value(row, "avg_response_ms") * hits;
    this.#allHits += hits;
    this.#allMs += ms;
    if (!earlier || earlierRow < 0) return;
    const earlierHits = earlier.value(earlierRow, "hits");
    // Counts that went back began anew.
    if (earlierHits > hits) return;
    this.#hits += hits - earlierHits;
    this.#ms += ms - earlier.value(earlierRow, "avg_response_ms") * earlierHits;
  }

  get value(): number {
    if (this.#hits > 0) return Math.max(0, this.#ms / this.#hits);
    return this.#allHits > 0 ? this.#allMs / this.#allHits : 0;
  }
}

/** Sums over nodes for one back end. */
export class BackEndSums {
  readonly mean = new Mean();
  hits = 0;
  hitsPerSecond = 0;
  open = 0;
  failures = 0;
  failuresPerSecond = 0;
  ejections = 0;
  cookies = 0;

  constructor(readonly name: BackEndName) {}

  get view(): BackEndView {
    const { pool, key, address } = this.name;
    return {
      pool,
      key,
      address,
      hits: this.hits,
      hits_per_second: this.hitsPerSecond,
      open_connections: this.open,
      avg_response_ms: this.mean.value,
      connect_failures: this.failures,
      failures_per_second: this.failuresPerSecond,
      ejections: this.ejections,
      cookie_groups: this.cookies,
    };
  }
}
