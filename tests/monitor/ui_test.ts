/** What keys do. */
import assert from "node:assert/strict";
import { type ArrayView, arrayView } from "../../core/monitor/array_view.ts";
import { backEndsOf, FIRST_UI, nodesOf, press, type Pressed, type Ui } from "../../core/monitor/ui.ts";
import { looksOf } from "./overviews.ts";

const VIEW: ArrayView = arrayView(looksOf({ nodes: 3, backEnds: 4 }), 11_000, 2_500);

function typed(keys: readonly string[], ui: Ui = FIRST_UI, mayChange: true | string = true): Pressed {
  return keys.reduce<Pressed>((pressed, key) => press(pressed.ui, key, VIEW, mayChange), { ui });
}

Deno.test("press() ends by q and by Ctrl-C, at a prompt by Ctrl-C alone", () => {
  assert.equal(typed(["q"]).effect, "quit");
  assert.equal(typed(["?", "q"]).effect, "quit");
  assert.equal(typed(["/", "q"]).effect, undefined);
  assert.equal(typed(["/", "interrupt"]).effect, "quit");
});

Deno.test("press() shows pages, and the list of the page takes the arrows", () => {
  const { ui } = typed(["3", "down", "down"]);
  assert.deepEqual([ui.page, ui.list, ui.selected["back ends"]], ["back ends", "back ends", 2]);
});

Deno.test("press() keeps the selection within the list", () => {
  assert.equal(typed(["up"]).ui.selected.nodes, 0);
  assert.equal(typed(["end", "down"]).ui.selected.nodes, 2);
  assert.equal(typed(["end", "page up"]).ui.selected.nodes, 0);
});

Deno.test("press() filters while it is typed, escape shows all", () => {
  const { ui } = typed(["/", "n", "x", "backspace", "2", "enter"]);
  assert.equal(ui.filter, "n2");
  assert.deepEqual(nodesOf(VIEW, ui).map(({ name }) => name), ["n2"]);
  assert.deepEqual(backEndsOf(VIEW, ui), []);
  assert.equal(typed(["escape"], ui).ui.filter, "");
  assert.equal(typed(["/", "x", "escape"], ui).ui.filter, "n2");
});

Deno.test("press() sorts by each column in turn and the other way round", () => {
  const byHits = typed(["s", "s", "s", "s", "s"]).ui;
  assert.deepEqual(nodesOf(VIEW, byHits).map(({ name }) => name), ["n3", "n2", "n1"]);
  assert.deepEqual(nodesOf(VIEW, typed(["r"], byHits).ui).map(({ name }) => name), ["n1", "n2", "n3"]);
  assert.match(typed(["r"]).ui.notice, /s sorts/);
});

Deno.test("press() changes the selected node once y says so", () => {
  const asked = typed(["down", "d"]);
  assert.equal(asked.effect, undefined);
  assert.deepEqual(typed(["y"], asked.ui).effect, { what: "drain", kind: "node", name: "n2" });
  const refused = typed(["n"], asked.ui);
  assert.deepEqual([refused.effect, refused.ui.notice], [undefined, "not done"]);
});

Deno.test("press() weighs a back end that is sorted and filtered into its place", () => {
  const { effect } = typed(["3", "/", "i", "m", "a", "g", "e", "enter", "end", "w", "1", "2", "enter", "y"]);
  assert.deepEqual(effect, { what: "weight", kind: "back_end", name: "images/4", value: 12 });
});

Deno.test("press() takes no weight but a whole number up to 256", () => {
  for (const text of ["", "257", "1.5", "-1", "x"]) {
    const { ui, effect } = typed(["w", ...text, "enter"]);
    assert.equal(effect, undefined);
    assert.match(ui.notice, /^a weight is a whole number from 0 to 256, found /);
  }
});

Deno.test("press() changes nothing where it may not, and says why", () => {
  for (const key of ["d", "e", "x", "w"]) {
    const { ui, effect } = typed([key, "y"], FIRST_UI, "read-only");
    assert.equal(effect, undefined);
    assert.equal(typed([key], FIRST_UI, "read-only").ui.notice, "read-only");
    assert.equal(ui.prompt, undefined);
  }
});
