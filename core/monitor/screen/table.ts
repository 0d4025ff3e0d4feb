/** A table in as many columns as the width holds. Pure. */
import { harmless, type Line, span, type Style } from "./line.ts";

export interface Column<T> {
  readonly title: string;
  /** Shown; numbers stand right. */
  readonly text: (row: T) => string;
  /** What it is sorted by. */
  readonly order: (row: T) => number | string;
  readonly isRight?: boolean;
  /** Columns of the highest number leave first where the width does not hold all; 0 always stays. */
  readonly leaves: number;
  readonly style?: (row: T) => Style;
}

const GAP = 2;

/** A header and a line a row. */
export interface TableLines {
  readonly header: Line;
  readonly rows: readonly Line[];
}

/** @param sortedBy its column's title is marked */
export function tableLines<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width: number,
  sortedBy?: { readonly column: number; readonly isReversed: boolean },
): TableLines {
  const cells = rows.map((row) => columns.map(({ text }) => harmless(text(row))));
  const titles = columns.map(({ title }, i) =>
    i === sortedBy?.column ? title + (sortedBy.isReversed ? "^" : "v") : title
  );
  const widths = titles.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)));
  const shown = shownOf(columns, widths, width);
  const padded = (text: string, i: number) => columns[i]!.isRight ? text.padStart(widths[i]!) : text.padEnd(widths[i]!);
  const gap = span(" ".repeat(GAP));
  return {
    header: shown.flatMap((i, at) => [...(at > 0 ? [gap] : []), span(padded(titles[i]!, i), "title")]),
    rows: rows.map((row, r) =>
      shown.flatMap((i, at) => [
        ...(at > 0 ? [gap] : []),
        span(padded(cells[r]![i]!, i), columns[i]!.style?.(row) ?? "plain"),
      ])
    ),
  };
}

/** Indices of the columns that fit. */
function shownOf<T>(columns: readonly Column<T>[], widths: readonly number[], width: number): number[] {
  const shown = columns.map((_, i) => i);
  const total = () => shown.reduce((sum, i) => sum + widths[i]!, 0) + GAP * (shown.length - 1);
  while (total() > width) {
    const last = shown.reduce((worst, i) => columns[i]!.leaves >= columns[worst]!.leaves ? i : worst);
    if (columns[last]!.leaves === 0) break;
    shown.splice(shown.indexOf(last), 1);
  }
  return shown;
}

/** A copy in the order of a column: numbers from the highest, text from A. */
export function sorted<T>(rows: readonly T[], { order }: Column<T>, isReversed: boolean): T[] {
  const sign = isReversed ? -1 : 1;
  return [...rows].sort((one, other) => {
    const a = order(one), b = order(other);
    if (typeof a === "number" && typeof b === "number") return (b - a) * sign;
    return (String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0) * sign;
  });
}
