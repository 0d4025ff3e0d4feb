/**
 * Whole screens beside this file in `golden/`. `UPDATE_GOLDEN=1 deno test -A tests/monitor` writes them anew; read the difference before it
 * is committed.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type ArrayView, arrayView } from "../../core/monitor/array_view.ts";
import { ASCII, BLOCKS } from "../../core/monitor/screen/figures.ts";
import { lengthOf, plainText } from "../../core/monitor/screen/line.ts";
import { screen } from "../../core/monitor/screen/screen.ts";
import { FIRST_UI, PAGES, type Ui } from "../../core/monitor/ui.ts";
import { cases } from "../soak.ts";
import { looksOf } from "./overviews.ts";

const FOLDER = new URL("golden/", import.meta.url).pathname;
const NOW = Date.parse("2026-11-24T12:00:00Z");
const HISTORY = Array.from({ length: 300 }, (_, i) => Math.round(2000 + 1800 * Math.sin(i / 9)));
const SIZES = [{ columns: 80, rows: 24 }, { columns: 200, rows: 60 }];
const EVENTS = [
  { time: "2026-11-24T11:40:00.000Z", level: "warning" as const, text: "n1 schedules, epoch 3" },
  { time: "2026-11-24T11:50:01.000Z", level: "error" as const, text: "node n3 is failed" },
  { time: "2026-11-24T11:58:30.000Z", level: "info" as const, text: "certificate tls/shop.crt is replaced" },
];

/** An array with a node that failed, one that drains and one that does not answer. */
function shop(nodes: number, backEnds: number): ArrayView {
  const looks = looksOf({ nodes, backEnds, states: { 2: "failed", 3: "draining" }, events: EVENTS });
  const stale = looks.get("n3");
  if (stale) looks.set("n3", { last: { ...stale.last, at: -34_000 }, before: undefined });
  return arrayView(looks, 11_000, 2_500);
}

function shown(view: ArrayView | undefined, ui: Ui, size: { columns: number; rows: number }, glyphs = BLOCKS) {
  const watched = { view, history: HISTORY, now: NOW, asked: "10.0.0.11:7600" };
  return screen(watched, ui, { ...size, glyphs, mayChange: true });
}

function checkGolden(name: string, text: string): void {
  const file = `${FOLDER}${name}.txt`;
  if (Deno.env.get("UPDATE_GOLDEN")) Deno.writeTextFileSync(file, text);
  assert.equal(text, Deno.readTextFileSync(file));
}

for (const size of SIZES) {
  const name = `${size.columns}x${size.rows}`;
  for (const page of PAGES) {
    Deno.test(`screen() shows ${page} of 8 nodes and 100 back ends at ${name}`, () => {
      const lines = shown(shop(8, 100), { ...FIRST_UI, page, list: page === "back ends" ? page : "nodes" }, size);
      checkGolden(`${page.replace(" ", "_")}_${name}`, lines.map(plainText).join("\n") + "\n");
    });
  }
}

const CASES: readonly (readonly [string, Partial<Ui>])[] = [
  ["help", { showsHelp: true }],
  ["filter", { filter: "192.168.1.9", prompt: { kind: "filter", text: "192.168.1.9" } }],
  ["confirm", { prompt: { kind: "confirm", change: { what: "weight", kind: "node", name: "n2", value: 3 } } }],
  ["sorted", {
    list: "back ends",
    page: "back ends",
    sort: { nodes: undefined, "back ends": { column: 6, isReversed: false } },
  }],
  ["last", { list: "back ends", selected: { nodes: 0, "back ends": 99 } }],
];

for (const [name, ui] of CASES) {
  Deno.test(`screen() shows ${name} at 80x24`, () => {
    checkGolden(name, shown(shop(8, 100), { ...FIRST_UI, ...ui }, SIZES[0]!).map(plainText).join("\n") + "\n");
  });
}

Deno.test("screen() of a small array fills 80x24 without blocks", () => {
  checkGolden("small_ascii", shown(shop(3, 3), FIRST_UI, SIZES[0]!, ASCII).map(plainText).join("\n") + "\n");
});

Deno.test("screen() says whom it asks until a node answers", () => {
  checkGolden("nobody", shown(undefined, FIRST_UI, SIZES[0]!).map(plainText).join("\n") + "\n");
});

Deno.test("screen() is exactly as high and at most as wide as it is told, whatever the size", () => {
  const size = fc.record({ columns: fc.integer({ min: 1, max: 250 }), rows: fc.integer({ min: 1, max: 90 }) });
  const ui = fc.record({
    page: fc.constantFrom(...PAGES),
    list: fc.constantFrom("nodes" as const, "back ends" as const),
    showsHelp: fc.boolean(),
    filter: fc.constantFrom("", "1", "nothing"),
    selected: fc.record({ nodes: fc.nat(20), "back ends": fc.nat(200) }),
  });
  fc.assert(
    fc.property(size, ui, fc.nat(12), fc.nat(40), (size, ui, nodes, backEnds) => {
      const lines = shown(shop(1 + nodes, backEnds), { ...FIRST_UI, ...ui }, size);
      assert.equal(lines.length, size.rows);
      for (const line of lines) assert.ok(lengthOf(line) <= size.columns, plainText(line));
    }),
    cases(300),
  );
});

Deno.test("screen() passes no control character on that a node names", () => {
  const view = shop(3, 3);
  const bad = "\x1b]0;title\x07\u202e";
  const named: ArrayView = {
    ...view,
    array: bad,
    scheduler: bad,
    nodes: view.nodes.map((node) => ({ ...node, name: bad, address: bad })),
    back_ends: view.back_ends.map((row) => ({ ...row, pool: bad })),
    events: [{ time: "2026-11-24T12:00:00Z", level: "info", text: bad, node: bad }],
    buckets: { ...view.buckets!, engine: bad, frames: { [bad]: 3 } },
  };
  for (const page of PAGES) {
    const text = shown(named, { ...FIRST_UI, page, notice: bad }, SIZES[0]!, ASCII).map(plainText).join("\n");
    assert.match(text, /^[\x20-\x7e\n]*$/);
  }
});
