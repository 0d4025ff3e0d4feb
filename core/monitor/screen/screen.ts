/** The whole screen, line by line. Pure. */
import type { ArrayView } from "../array_view.ts";
import { type Page, PAGES, type Ui } from "../ui.ts";
import { short, sparkline } from "./figures.ts";
import { HELP } from "./help.ts";
import { fit, harmless, justified, type Line, line, span } from "./line.ts";
import { footer } from "./footer.ts";
import { backEndSection, bucketSection, eventSection, type Frame, nodeSection } from "./sections.ts";

export interface Watched {
  /** Undefined until a node answered. */
  readonly view: ArrayView | undefined;
  /** Requests a second of the last seconds, the newest last. */
  readonly history: readonly number[];
  /** Ms since 1970. */
  readonly now: number;
  /** Whom it asks, until somebody answered. */
  readonly asked: string;
}

/** Exactly `frame.rows` lines of at most `frame.columns` characters. */
export function screen({ view, history, now, asked }: Watched, ui: Ui, frame: Frame): Line[] {
  const { rows, columns } = frame;
  const body = view
    ? [
      ...head(view, history, now, ui, frame),
      ...(ui.showsHelp ? HELP : page(view, ui, { ...frame, rows: rows - HEAD_LINES - 1 })),
    ]
    : [line("dlba top", "bold"), line(""), line(`No node answers yet: ${asked}`, "warning")];
  const lines = body.slice(0, rows - 1).map((line) => fit(line, columns));
  while (lines.length < rows - 1) lines.push([]);
  return [...lines, footer(ui, frame)];
}

const HEAD_LINES = 4;

function head(view: ArrayView, history: readonly number[], now: number, ui: Ui, frame: Frame): Line[] {
  const { columns, glyphs } = frame;
  const { array, vip, epoch, scheduler, buckets } = view;
  const clock = new Date(now).toISOString().slice(11, 19);
  const right = [span(`${ui.isPaused ? "paused " : ""}${clock}Z`, ui.isPaused ? "warning" : "dim")];
  const name: Line = [
    span(harmless(array), "bold"),
    span(`  VIP ${harmless(vip)}  epoch ${epoch}  scheduler `),
    scheduler === null ? span("not known", "error") : span(harmless(scheduler), "good"),
    span(buckets ? `  ${harmless(buckets.engine)}` : "", "dim"),
  ];
  const rates: Line = [
    span(short(view.requests_per_second), "bold"),
    span(" requests/s  "),
    span(short(view.open_connections), "bold"),
    span(" open  "),
    span(short(view.own_answers_per_second), view.own_answers_per_second > 0 ? "warning" : "bold"),
    span(" own answers/s  "),
    span(buckets ? short(buckets.frames_per_second) : "-", "bold"),
    span(" frames/s"),
  ];
  const label = `${short(Math.max(0, ...history))} `;
  return [
    justified(name, right, columns),
    rates,
    [span(label, "dim"), span(sparkline(history, columns - label.length, glyphs), "bar")],
    tabs(ui.page),
  ];
}

function tabs(page: Page): Line {
  return PAGES.flatMap((
    name,
    i,
  ) => [span(`${i + 1} `, "dim"), span(name, name === page ? "selected" : "plain"), span("  ")]);
}

function page(view: ArrayView, ui: Ui, frame: Frame): Line[] {
  switch (ui.page) {
    case "overview":
      return overview(view, ui, frame);
    case "nodes":
      return nodeSection(view, ui, frame);
    case "back ends":
      return backEndSection(view, ui, frame);
    case "buckets":
      return bucketSection(view, ui, frame);
    case "events":
      return eventSection(view, frame);
  }
}

/** Lines of a section beyond its rows: its rule, and the header of a table. */
const TABLE_LINES = 2;
const RULE_LINES = 1;
/** Events and buckets never take more in the overview than these, nor a list less than its. */
const MAX_EVENTS = 8;
const MIN_LIST_ROWS = 3;

/** Nodes and buckets, back ends, events: the lists share what height there is. */
function overview(view: ArrayView, ui: Ui, frame: Frame): Line[] {
  const { rows } = frame;
  const eventRows = Math.min(MAX_EVENTS, Math.max(2, Math.floor(rows / 8)), Math.max(1, view.events.length));
  const free = rows - eventRows - RULE_LINES - 2 * TABLE_LINES;
  const nodeRows = Math.min(
    view.nodes.length,
    Math.max(MIN_LIST_ROWS, free - view.back_ends.length, Math.floor(free / 2)),
  );
  const backEndRows = Math.min(view.back_ends.length, Math.max(MIN_LIST_ROWS, free - nodeRows));
  const events = rows - nodeRows - backEndRows - 2 * TABLE_LINES;
  return [
    ...nodeSection(view, ui, { ...frame, rows: nodeRows + TABLE_LINES }),
    ...backEndSection(view, ui, { ...frame, rows: backEndRows + TABLE_LINES }),
    ...eventSection(view, { ...frame, rows: events }),
  ];
}
