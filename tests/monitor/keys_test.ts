/** Keys from bytes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { keysOf } from "../../core/monitor/keys.ts";
import { cases } from "../soak.ts";

const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  ["characters", "qd?", ["q", "d", "?"]],
  ["arrows of both modes", "\x1b[A\x1bOB", ["up", "down"]],
  ["an escape alone", "\x1b", ["escape"]],
  ["an escape before a character", "\x1bq", ["escape", "q"]],
  ["pages and ends", "\x1b[5~\x1b[6~\x1b[H\x1b[4~", ["page up", "page down", "home", "end"]],
  ["controls", "\x03\x1a\t\r\x7f", ["interrupt", "suspend", "tab", "enter", "backspace"]],
  ["sequences that mean nothing here", "\x1b[1;5Cq\x1b[200~", ["q"]],
  ["bytes beyond ASCII", "\xc3\xa9q\0", ["q"]],
];

for (const [what, text, keys] of CASES) {
  Deno.test(`keysOf() knows ${what}`, () => {
    assert.deepEqual(keysOf(Uint8Array.from(text, (character) => character.charCodeAt(0))), keys);
  });
}

Deno.test("keysOf() takes any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      for (const key of keysOf(bytes)) assert.match(key, /^([ -~]|[a-z ]+)$/);
    }),
    cases(1000),
  );
});
