/** What the person at the terminal has chosen, and what a key makes of it. Pure. */
import type { ArrayView } from "./array_view.ts";
import type { Key } from "./keys.ts";
import { BACK_END_COLUMNS, NODE_COLUMNS } from "./screen/columns.ts";
import { sorted } from "./screen/table.ts";

export const PAGES = ["overview", "nodes", "back ends", "buckets", "events"] as const;
export type Page = typeof PAGES[number];
export type List = "nodes" | "back ends";

/** Changes that an operator makes by key. */
export interface Change {
  readonly what: "drain" | "enable" | "disable" | "weight";
  readonly kind: "node" | "back_end";
  /** As the command of that name takes it. */
  readonly name: string;
  /** A weight. */
  readonly value?: number;
}

export type Prompt =
  | { readonly kind: "filter"; readonly text: string }
  | { readonly kind: "weight"; readonly text: string; readonly of: Pick<Change, "kind" | "name"> }
  | { readonly kind: "confirm"; readonly change: Change };

export interface Ui {
  readonly page: Page;
  readonly showsHelp: boolean;
  readonly isPaused: boolean;
  /** The list that the arrows move in. */
  readonly list: List;
  readonly selected: Readonly<Record<List, number>>;
  readonly sort: Readonly<Record<List, { readonly column: number; readonly isReversed: boolean } | undefined>>;
  /** Rows without it in a name or an address are not shown. */
  readonly filter: string;
  readonly prompt: Prompt | undefined;
  /** What came of the last key, where that needs words. */
  readonly notice: string;
}

export const FIRST_UI: Ui = {
  page: "overview",
  showsHelp: false,
  isPaused: false,
  list: "nodes",
  selected: { nodes: 0, "back ends": 0 },
  sort: { nodes: undefined, "back ends": undefined },
  filter: "",
  prompt: undefined,
  notice: "",
};

/** Longest filter or weight that is typed. */
const MAX_TYPED = 60;
const MAX_WEIGHT = 256;

/** The rows as they are shown: filtered, sorted. */
export function nodesOf(view: ArrayView, { filter, sort: { nodes: sort } }: Ui) {
  const rows = view.nodes.filter(({ name, address, state }) => matches(filter, name, address, state));
  return sort ? sorted(rows, NODE_COLUMNS[sort.column]!, sort.isReversed) : rows;
}

export function backEndsOf(view: ArrayView, { filter, sort: { "back ends": sort } }: Ui) {
  const rows = view.back_ends.filter(({ pool, key, address }) => matches(filter, pool, String(key), address));
  return sort ? sorted(rows, BACK_END_COLUMNS[sort.column]!, sort.isReversed) : rows;
}

function matches(filter: string, ...texts: readonly string[]): boolean {
  return texts.some((text) => text.toLowerCase().includes(filter.toLowerCase()));
}

export interface Pressed {
  readonly ui: Ui;
  readonly effect?: "quit" | "suspend" | Change;
}

/** @param mayChange whether changes can be made at all; else the words why not */
export function press(ui: Ui, key: Key, view: ArrayView, mayChange: true | string): Pressed {
  if (key === "interrupt") return { ui, effect: "quit" };
  if (key === "suspend") return { ui, effect: "suspend" };
  if (ui.prompt) return answer(ui, ui.prompt, key);
  if (ui.showsHelp) return key === "q" ? { ui, effect: "quit" } : { ui: { ...ui, showsHelp: false } };
  const calm: Ui = { ...ui, notice: "" };
  switch (key) {
    case "q":
      return { ui: calm, effect: "quit" };
    case "?":
    case "h":
      return { ui: { ...calm, showsHelp: true } };
    case " ":
      return { ui: { ...calm, isPaused: !ui.isPaused } };
    case "tab":
      return { ui: { ...calm, list: ui.list === "nodes" ? "back ends" : "nodes" } };
    case "/":
      return { ui: { ...calm, prompt: { kind: "filter", text: ui.filter } } };
    case "escape":
      return { ui: { ...calm, filter: "" } };
    case "s":
      return { ui: sortedByNext(calm) };
    case "r":
      return { ui: reversed(calm) };
    case "d":
      return asked(calm, "drain", view, mayChange);
    case "e":
      return asked(calm, "enable", view, mayChange);
    case "x":
      return asked(calm, "disable", view, mayChange);
    case "w":
      return asked(calm, "weight", view, mayChange);
  }
  const page = PAGES[Number(key) - 1];
  if (page) return { ui: onPage(calm, page) };
  const step = STEPS[key];
  return { ui: step === undefined ? calm : moved(calm, step, view) };
}

const STEPS: Partial<Record<Key, number>> = {
  up: -1,
  down: 1,
  k: -1,
  j: 1,
  "page up": -10,
  "page down": 10,
  home: -Infinity,
  end: Infinity,
};

function onPage(ui: Ui, page: Page): Ui {
  return { ...ui, page, list: page === "nodes" || page === "back ends" ? page : ui.list };
}

function lengthOf(ui: Ui, view: ArrayView): number {
  return (ui.list === "nodes" ? nodesOf(view, ui) : backEndsOf(view, ui)).length;
}

function moved(ui: Ui, step: number, view: ArrayView): Ui {
  const last = Math.max(0, lengthOf(ui, view) - 1);
  const from = Math.min(ui.selected[ui.list], last);
  return { ...ui, selected: { ...ui.selected, [ui.list]: Math.min(last, Math.max(0, from + step)) } };
}

/** From the order of the config through each column and back. */
function sortedByNext(ui: Ui): Ui {
  const columns = ui.list === "nodes" ? NODE_COLUMNS.length : BACK_END_COLUMNS.length;
  const next = (ui.sort[ui.list]?.column ?? -1) + 1;
  const sort = next < columns ? { column: next, isReversed: false } : undefined;
  return { ...ui, sort: { ...ui.sort, [ui.list]: sort } };
}

function reversed(ui: Ui): Ui {
  const sort = ui.sort[ui.list];
  if (!sort) return { ...ui, notice: "s sorts by a column first" };
  return { ...ui, sort: { ...ui.sort, [ui.list]: { ...sort, isReversed: !sort.isReversed } } };
}

function asked(ui: Ui, what: Change["what"], view: ArrayView, mayChange: true | string): Pressed {
  if (mayChange !== true) return { ui: { ...ui, notice: mayChange } };
  const of = selectedOf(ui, view);
  if (!of) return { ui: { ...ui, notice: "nothing is selected" } };
  const prompt: Prompt = what === "weight"
    ? { kind: "weight", text: "", of }
    : { kind: "confirm", change: { what, ...of } };
  return { ui: { ...ui, prompt } };
}

/** Back ends by pool and key: an address may serve two pools. */
function selectedOf(ui: Ui, view: ArrayView): Pick<Change, "kind" | "name"> | undefined {
  const at = Math.min(ui.selected[ui.list], lengthOf(ui, view) - 1);
  if (ui.list === "nodes") {
    const node = nodesOf(view, ui)[at];
    return node && { kind: "node", name: node.name };
  }
  const backEnd = backEndsOf(view, ui)[at];
  return backEnd && { kind: "back_end", name: `${backEnd.pool}/${backEnd.key}` };
}

function answer(ui: Ui, prompt: Prompt, key: Key): Pressed {
  const done: Ui = { ...ui, prompt: undefined };
  if (key === "escape") return { ui: done };
  if (prompt.kind === "confirm") {
    return key === "y" ? { ui: done, effect: prompt.change } : { ui: { ...done, notice: "not done" } };
  }
  if (key === "enter") {
    if (prompt.kind === "filter") return { ui: { ...done, filter: prompt.text, selected: FIRST_UI.selected } };
    const value = Number(prompt.text);
    if (!/^[0-9]+$/.test(prompt.text) || value > MAX_WEIGHT) {
      return {
        ui: {
          ...done,
          notice: `a weight is a whole number from 0 to ${MAX_WEIGHT}, found ${prompt.text || "nothing"}`,
        },
      };
    }
    return { ui: { ...ui, prompt: { kind: "confirm", change: { what: "weight", ...prompt.of, value } } } };
  }
  const text = key === "backspace" ? prompt.text.slice(0, -1) : key.length === 1 ? prompt.text + key : prompt.text;
  return { ui: { ...ui, prompt: { ...prompt, text: text.slice(0, MAX_TYPED) } } };
}
