/**
 * The Web Server Status Table (seed fig. 7), a row a back end in the config's order: pools, then their back ends. One proxy
 * process writes one table; readers add up.
 */
import type { Config } from "../config/schema.ts";

/** Columns, each a float64. */
const HITS = 0;
const OPEN = 1;
const RESPONSE_MS = 2;
const RESPONSES = 3;
const CONNECT_FAILURES = 4;
const COOKIES = 5;
const EJECTIONS = 6;
const COLUMNS = 8;
/** The first row is the process's own. */
const CLIENTS_OPEN = 0;
const REQUESTS = 1;
const ERRORS = 2;
const LAYOUT = 3;
const UNKNOWN_KEYS = 4;
const LOG_DROPPED = 5;
const LIMITED = 6;

/** What a process counts of itself. */
export interface Totals {
  readonly clientsOpen: number;
  readonly requests: number;
  readonly errors: number;
  readonly unknownKeys: number;
  readonly logDropped: number;
  readonly limited: number;
}

export class BackEndTable {
  #cells: Float64Array;

  /** @param buffer {@linkcode BackEndTable.bytes} long; all zero is an empty table */
  constructor(buffer: ArrayBuffer) {
    this.#cells = new Float64Array(buffer);
  }

  /** Bytes for a config's back ends. */
  static bytes(config: Config): number {
    return (1 + config.pools.reduce((sum, pool) => sum + pool.back_ends.length, 0)) * COLUMNS * 8;
  }

  /** Empties it, whatever the file held before. */
  clear(): void {
    this.#cells.fill(0);
  }

  /** Says whose rows these are: from now on readers count them. */
  begin(config: Config): void {
    this.#cells[LAYOUT] = layoutOf(config);
  }

  /** Whether its rows are those of this config's back ends. */
  isOf(config: Config): boolean {
    return this.#cells[LAYOUT] === layoutOf(config);
  }

  /** Adds what another process counted before it ended; what it had open is gone with it. */
  addCounts(other: BackEndTable): void {
    for (const cell of [REQUESTS, ERRORS, UNKNOWN_KEYS, LOG_DROPPED, LIMITED]) {
      this.#cells[cell]! += other.#cells[cell]!;
    }
    for (let row = COLUMNS; row < this.#cells.length; row += COLUMNS) {
      for (const column of [HITS, RESPONSE_MS, RESPONSES, CONNECT_FAILURES, COOKIES, EJECTIONS]) {
        this.#cells[row + column]! += other.#cells[row + column]!;
      }
    }
  }

  /** What its process has open is gone: the process ended. */
  clearOpen(): void {
    this.#cells[CLIENTS_OPEN] = 0;
    for (let row = COLUMNS; row < this.#cells.length; row += COLUMNS) this.#cells[row + OPEN] = 0;
  }

  /** A request was sent to the back end of that row (1), or it was lost there and is sent again (-1). */
  hit(row: number, change: 1 | -1): void {
    this.#cells[(row + 1) * COLUMNS + HITS]! += change;
  }

  /** Its response head came after so many ms. */
  responded(row: number, ms: number): void {
    this.#cells[(row + 1) * COLUMNS + RESPONSE_MS]! += ms;
    this.#cells[(row + 1) * COLUMNS + RESPONSES]!++;
  }

  connectFailed(row: number): void {
    this.#cells[(row + 1) * COLUMNS + CONNECT_FAILURES]!++;
  }

  /** A persistence cookie was set that names it. */
  cookieSet(row: number): void {
    this.#cells[(row + 1) * COLUMNS + COOKIES]!++;
  }

  /** It failed so often that it is left out for a while. */
  ejected(row: number): void {
    this.#cells[(row + 1) * COLUMNS + EJECTIONS]!++;
  }

  /** A request named a back end that is not there. */
  unknownKey(): void {
    this.#cells[UNKNOWN_KEYS]!++;
  }

  /** Lines of the access log that could not be written in time. */
  logDropped(lines: number): void {
    this.#cells[LOG_DROPPED]! += lines;
  }

  /** A request was refused for coming too often (429). */
  limited(): void {
    this.#cells[LIMITED]!++;
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

  get totals(): Totals {
    const cells = this.#cells;
    return {
      clientsOpen: cells[CLIENTS_OPEN]!,
      requests: cells[REQUESTS]!,
      errors: cells[ERRORS]!,
      unknownKeys: cells[UNKNOWN_KEYS]!,
      logDropped: cells[LOG_DROPPED]!,
      limited: cells[LIMITED]!,
    };
  }

  /** The figures of a row. */
  row(row: number): {
    readonly hits: number;
    readonly open: number;
    readonly responseMs: number;
    readonly responses: number;
    readonly connectFailures: number;
    readonly cookies: number;
    readonly ejections: number;
  } {
    const cells = this.#cells.subarray((row + 1) * COLUMNS, (row + 2) * COLUMNS);
    return {
      hits: cells[HITS]!,
      open: cells[OPEN]!,
      responseMs: cells[RESPONSE_MS]!,
      responses: cells[RESPONSES]!,
      connectFailures: cells[CONNECT_FAILURES]!,
      cookies: cells[COOKIES]!,
      ejections: cells[EJECTIONS]!,
    };
  }
}

/** A number for the list of back ends, FNV-1a over their pools, keys and addresses: never 0. */
export function layoutOf(config: Config): number {
  let hash = 0x811c9dc5;
  for (const { name, back_ends } of config.pools) {
    for (const { key, address } of back_ends) {
      for (const character of `${name} ${key} ${address.address}:${address.port}\n`) {
        hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
      }
    }
  }
  return hash + 1;
}
