/** The parts of the screen below its head; each exactly as high as it is told at most. Pure. */
import type { ArrayView } from "../array_view.ts";
import { backEndsOf, type List, nodesOf, type Ui } from "../ui.ts";
import { BACK_END_COLUMNS, NODE_COLUMNS } from "./columns.ts";
import { bar, type Glyphs, short } from "./figures.ts";
import { fit, harmless, lengthOf, type Line, line, span, type Style } from "./line.ts";
import { type Column, tableLines } from "./table.ts";

export interface Frame {
  readonly columns: number;
  readonly rows: number;
  readonly glyphs: Glyphs;
  /** Whether keys that change something are offered. */
  readonly mayChange: true | string;
}

export function nodeSection(view: ArrayView, ui: Ui, frame: Frame): Line[] {
  return listSection("nodes", NODE_COLUMNS, nodesOf(view, ui), view.nodes.length, ui, frame);
}

export function backEndSection(view: ArrayView, ui: Ui, frame: Frame): Line[] {
  return listSection("back ends", BACK_END_COLUMNS, backEndsOf(view, ui), view.back_ends.length, ui, frame);
}

function listSection<T>(
  list: List,
  columns: readonly Column<T>[],
  rows: readonly T[],
  all: number,
  ui: Ui,
  frame: Frame,
): Line[] {
  const height = Math.max(0, frame.rows - 2);
  const selected = Math.min(ui.selected[list], rows.length - 1);
  const hasSelection = ui.list === list && ui.page !== "buckets" && ui.page !== "events";
  const first = hasSelection ? Math.max(0, Math.min(selected - Math.floor(height / 2), rows.length - height)) : 0;
  const table = tableLines(columns, rows, frame.columns, ui.sort[list]);
  const shown = table.rows.slice(first, first + height).map((row, i) =>
    hasSelection && first + i === selected
      ? fit(row, frame.columns, "selected").map(({ text }) => span(text, "selected"))
      : row
  );
  const range = rows.length > height ? ` ${first + 1}-${first + shown.length} of ${rows.length}` : ` ${rows.length}`;
  const filtered = rows.length < all ? `, ${all - rows.length} hidden by /${ui.filter}` : "";
  return [rule(`${list}${range}${filtered}`, frame, hasSelection), table.header, ...shown];
}

function rule(title: string, { columns, glyphs }: Frame, isActive = false): Line {
  const left = [
    span(`${glyphs.rule}${glyphs.rule} `, "dim"),
    span(harmless(title), isActive ? "bold" : "plain"),
    span(" "),
  ];
  return [...left, span(glyphs.rule.repeat(Math.max(0, columns - lengthOf(left))), "dim")];
}

/** IP groups by node, and frames by verdict. */
export function bucketSection(view: ArrayView, ui: Ui, frame: Frame): Line[] {
  const { buckets } = view, nodes = nodesOf(view, ui);
  if (!buckets) {
    return [
      rule("buckets", frame),
      line("The scheduler keeps the Client IP Hash Table, and it does not answer.", "warning"),
    ];
  }
  const { size, assigned, version } = buckets;
  const title = `buckets: ${assigned} of ${size} assigned, version ${version}`;
  const nameWidth = Math.max(4, ...nodes.map(({ name }) => name.length));
  const most = Math.max(1, ...nodes.map(({ ip_groups }) => ip_groups));
  const countWidth = String(most).length;
  const width = Math.max(10, frame.columns - nameWidth - countWidth - 12);
  const bars = nodes.map(({ name, ip_groups, state }): Line => [
    span(harmless(name).padEnd(nameWidth), "bold"),
    span(` ${String(ip_groups).padStart(countWidth)} `),
    span(bar(ip_groups / most, width, frame.glyphs), state === "failed" ? "error" : "bar"),
    span(` ${percent(ip_groups, assigned)}`),
  ]);
  const verdicts = Object.entries(buckets.frames).filter(([, count]) => count > 0).sort(([, one], [, other]) =>
    other - one
  );
  return [
    rule(title, frame),
    ...bars,
    line(""),
    rule(`frames by verdict, ${short(buckets.frames_per_second)}/s to nodes`, frame),
    ...verdicts.map(([verdict, count]) => line(`${String(count).padStart(15)}  ${harmless(verdict)}`)),
  ].slice(0, frame.rows);
}

function percent(part: number, whole: number): string {
  return `${(whole > 0 ? part / whole * 100 : 0).toFixed(1)}%`.padStart(6);
}

const LEVEL_STYLES: Record<ArrayView["events"][number]["level"], Style> = {
  info: "plain",
  warning: "warning",
  error: "error",
};

/** The newest first. */
export function eventSection(view: ArrayView, frame: Frame): Line[] {
  const shown = view.events.slice().reverse().slice(0, Math.max(0, frame.rows - 1));
  return [
    rule(`events ${view.events.length}`, frame),
    ...(shown.length === 0 ? [line("nothing happened since the nodes started to look", "dim")] : []),
    ...shown.map(({ time, level, text, node }): Line => [
      span(`${time.slice(11, 19)}Z `, "dim"),
      span(harmless(text), LEVEL_STYLES[level]),
      span(`  (${harmless(node)})`, "dim"),
    ]),
  ];
}
