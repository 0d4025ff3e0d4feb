/**
 * The Web Server Status Table (seed fig. 7), a row a back end in the config's order: pools, then their back ends. One proxy
 * process writes one table; readers add up.
 */
import type { Config } from "../config/schema.ts";

/** Name of a proxy process's table in the run folder. */
export function serveTableFile(worker: number): string {
  return `serve-${worker}.tables`;
}

/** Columns, each a float64. */
const HITS = 0;
const OPEN = 1;
const RESPONSE_MS = 2;
const RESPONSES = 3;
const CONNECT_FAILURES = 4;
const COLUMNS = 5;
/** The first row is the process's own. */
const CLIENTS_OPEN = 0;
const REQUESTS = 1;
const ERRORS = 2;

export class BackEndTable {
  #cells: Float64Array;

  constructor(buffer: ArrayBuffer) {
    this.#cells = new Float64Array(buffer);
  }

  /** Bytes for a config's back ends. */
  static bytes(config: Config): number {
    return (1 + config.pools.reduce((sum, pool) => sum + pool.back_ends.length, 0)) * COLUMNS * 8;
  }

  /** Forgets what a predecessor wrote: its connections are gone with it. */
  clear(): void {
    this.#cells.fill(0);
  }

  /** A request was sent to the back end of that row. */
  hit(row: number): void {
    this.#cells[(row + 1) * COLUMNS + HITS]!++;
  }

  /** Its response head came after so many ms. */
  responded(row: number, ms: number): void {
    this.#cells[(row + 1) * COLUMNS + RESPONSE_MS]! += ms;
    this.#cells[(row + 1) * COLUMNS + RESPONSES]!++;
  }

  connectFailed(row: number): void {
    this.#cells[(row + 1) * COLUMNS + CONNECT_FAILURES]!++;
  }

  opened(row: number, change: 1 | -1): void {
    this.#cells[(row + 1) * COLUMNS + OPEN]! += change;
  }

  /** A client connected (1) or left (-1). */
  clients(change: 1 | -1): void {
    this.#cells[CLIENTS_OPEN]! += change;
  }

  /** A request came; `error` when it was answered by us and not by a back end. */
  request(error: boolean): void {
    this.#cells[error ? ERRORS : REQUESTS]!++;
  }

  get totals(): { readonly clientsOpen: number; readonly requests: number; readonly errors: number } {
    const cells = this.#cells;
    return { clientsOpen: cells[CLIENTS_OPEN]!, requests: cells[REQUESTS]!, errors: cells[ERRORS]! };
  }

  /** The figures of a row. */
  row(row: number): {
    readonly hits: number;
    readonly open: number;
    readonly responseMs: number;
    readonly responses: number;
    readonly connectFailures: number;
  } {
    const cells = this.#cells.subarray((row + 1) * COLUMNS, (row + 2) * COLUMNS);
    return {
      hits: cells[HITS]!,
      open: cells[OPEN]!,
      responseMs: cells[RESPONSE_MS]!,
      responses: cells[RESPONSES]!,
      connectFailures: cells[CONNECT_FAILURES]!,
    };
  }
}
