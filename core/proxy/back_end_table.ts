/**
 * The Web Server Status Table (seed fig. 7), a row a back end in the config's order: pools, then their back ends. One proxy
 * process writes one table; readers add up. Behind the rows stands whose they are, so that who has another version of the config
 * reads them all the same.
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
const ROWS = 7;
/** Beside the rows of back ends: the process's own, and one for those that have left the config and still have requests. */
const MORE_ROWS = 2;
const COUNTS = [HITS, RESPONSE_MS, RESPONSES, CONNECT_FAILURES, COOKIES, EJECTIONS];
const OWN_COUNTS = [REQUESTS, ERRORS, UNKNOWN_KEYS, LOG_DROPPED, LIMITED];

/** What a process counts of itself. */
export interface Totals {
  readonly clientsOpen: number;
  readonly requests: number;
  readonly errors: number;
  readonly unknownKeys: number;
  readonly logDropped: number;
  readonly limited: number;
}

/** The figures of a row. */
export interface Figures {
  readonly hits: number;
  readonly open: number;
  readonly responseMs: number;
  readonly responses: number;
  readonly connectFailures: number;
  readonly cookies: number;
  readonly ejections: number;
}

export class BackEndTable {
  #cells: Float64Array;
  /** By the names of their back ends; read once they stand there. */
  #rows: ReadonlyMap<string, number> | undefined;
  /** What it wrote before it moved. */
  #retired: Float64Array | undefined;

  /** @param buffer {@linkcode BackEndTable.bytes} long; all zero is an empty table */
  constructor(buffer: ArrayBuffer) {
    this.#cells = new Float64Array(buffer);
  }

  /** Bytes for a config's back ends. */
  static bytes(config: Config): number {
    const names = rowNames(config);
    return (MORE_ROWS + names.length) * COLUMNS * 8 + Math.ceil(encodeNames(names).length / 8) * 8;
  }

  /** Empties it, whatever the file held before. */
  clear(): void {
    this.#cells.fill(0);
  }

  /** Says whose rows these are: from now on readers count them. */
  begin(config: Config): void {
    const names = rowNames(config);
    this.#cells[ROWS] = names.length;
    new Uint8Array(this.#cells.buffer).set(encodeNames(names), (MORE_ROWS + names.length) * COLUMNS * 8);
    this.#cells[LAYOUT] = layoutOf(config);
  }

  /** False as long as its process has not begun, and once it goes on in another file. */
  get isInUse(): boolean {
    return this.#cells[LAYOUT] !== 0;
  }

  /** Adds what another process counted before it ended; what it had open is gone with it. */
  addCounts(other: BackEndTable, config: Config): void {
    this.#take(this.#cells, other, config, [], []);
  }

  /** Goes on in another buffer, whose rows are this config's: nothing that was counted is lost. Who reads the old one sees that it has ended. */
  moveTo(buffer: ArrayBuffer, config: Config): void {
    const before = this.#cells;
    const cells = new Float64Array(buffer);
    this.#take(cells, this, config, [CLIENTS_OPEN], [OPEN]);
    this.#cells = cells;
    this.#rows = undefined;
    this.begin(config);
    this.#retired = before;
  }

  /** The former buffer is read no more. */
  retire(): void {
    if (this.#retired) this.#retired[LAYOUT] = 0;
    this.#retired = undefined;
  }

  /** Adds the other's counts to the rows of the same names. */
  #take(
    cells: Float64Array,
    other: BackEndTable,
    config: Config,
    own: readonly number[],
    columns: readonly number[],
  ): void {
    for (const cell of [...OWN_COUNTS, ...own]) cells[cell]! += other.#cells[cell]!;
    const rows = other.#named();
    rowNames(config).forEach((name, row) => {
      const from = rows.get(name);
      if (from === undefined) return;
      for (const column of [...COUNTS, ...columns]) {
        cells[(row + 1) * COLUMNS + column]! += other.#cells[(from + 1) * COLUMNS + column]!;
      }
    });
  }

  #named(): ReadonlyMap<string, number> {
    if (this.#rows || !this.isInUse) return this.#rows ?? new Map();
    const count = this.#cells[ROWS]!;
    const names = decodeNames(new Uint8Array(this.#cells.buffer, (MORE_ROWS + count) * COLUMNS * 8));
    return this.#rows = new Map(names.map((name, row) => [name, row]));
  }

  /** The figures of the back end of that name ({@linkcode rowNames}); undefined where it has no row. */
  rowNamed(name: string): Figures | undefined {
    const row = this.#named().get(name);
    return row === undefined ? undefined : this.row(row);
  }

  /** What its process has open is gone: the process ended. */
  clearOpen(): void {
    this.#cells[CLIENTS_OPEN] = 0;
    for (let row = 1; row <= this.#cells[ROWS]!; row++) this.#cells[row * COLUMNS + OPEN] = 0;
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
  row(row: number): Figures {
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

/** Whose the rows are, in their order. */
export function rowNames(config: Config): string[] {
  return config.pools.flatMap(({ name, back_ends }) =>
    back_ends.map(({ key, address }) => `${name} ${key} ${address.address}:${address.port}`)
  );
}

/** A number for the list of back ends, FNV-1a over {@linkcode rowNames}: never 0. */
export function layoutOf(config: Config): number {
  let hash = 0x811c9dc5;
  for (const name of rowNames(config)) {
    for (const character of `${name}\n`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash + 1;
}

function encodeNames(names: readonly string[]): Uint8Array {
  return new TextEncoder().encode(names.join("\n"));
}

function decodeNames(bytes: Uint8Array): string[] {
  return new TextDecoder().decode(bytes).replace(/\0+$/, "").split("\n");
}
