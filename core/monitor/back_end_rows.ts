/**
 * Rows of the Web Server Status Table as a monitor keeps them: figures in one array, and names that are the ones of the look before as
 * long as they are the same. What is kept from one second to the next is then a few objects, not thousands.
 */
import type { BackEndRow } from "../status/node_report.ts";

export type BackEndName = Pick<BackEndRow, "pool" | "key" | "address">;

/** Columns of {@linkcode BackEndRows.value}. */
export const FIGURES = [
  "avg_response_ms",
  "hits",
  "open_connections",
  "cookie_groups",
  "connect_failures",
  "ejections",
] as const;
export type Figure = typeof FIGURES[number];

export class BackEndRows {
  readonly names: readonly BackEndName[];
  #values: Float64Array;

  /** @param before of the same node */
  constructor(rows: readonly BackEndRow[], before: BackEndRows | undefined) {
    this.names = before?.hasNamesOf(rows)
      ? before.names
      : rows.map(({ pool, key, address }) => ({ pool, key, address }));
    this.#values = new Float64Array(rows.length * FIGURES.length);
    rows.forEach((row, i) => {
      for (let column = 0; column < FIGURES.length; column++) {
        this.#values[i * FIGURES.length + column] = row[FIGURES[column]!];
      }
    });
  }

  hasNamesOf(rows: readonly BackEndName[]): boolean {
    return rows.length === this.names.length && rows.every(({ pool, key, address }, i) => {
      const name = this.names[i]!;
      return name.pool === pool && name.key === key && name.address === address;
    });
  }

  value(row: number, figure: Figure): number {
    return this.#values[row * FIGURES.length + FIGURES.indexOf(figure)]!;
  }

  /** The row here of each row there, by pool and key; -1 where there is none. */
  rowsOf(other: BackEndRows): (row: number) => number {
    if (this.names === other.names) return (row) => row;
    const rows = new Map(this.names.map(({ pool, key }, i) => [`${pool} ${key}`, i]));
    return (row) => rows.get(`${other.names[row]!.pool} ${other.names[row]!.key}`) ?? -1;
  }
}
