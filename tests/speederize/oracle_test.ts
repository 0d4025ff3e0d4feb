import assert from "node:assert/strict";
import fc from "fast-check";
import { parse, serialize } from "parse5";
import { CSS_CASES } from "./css_cases.ts";
import { HTML_CASES } from "./html_cases.ts";
import { assertOnlyUrlsMoved } from "./oracle.ts";
import { page } from "./pages.ts";
import { pairOf, rewritten } from "./rewriting.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** `deno task soak` multiplies the cases. */
const SOAK = Number(Deno.env.get("DLBA_SOAK") ?? 1);

Deno.test("the tree differs only in the intended attributes: golden pairs", () => {
  for (const { why, marked } of HTML_CASES) {
    const { input, output } = pairOf(marked);
    const moved = assertOnlyUrlsMoved(input, output);
    const marks = marked.match(/▸|⟦/g)?.length ?? 0;
    assert.equal(moved, marks, why);
  }
});

Deno.test("the tree differs only in the intended attributes, and in all of them: 50 pages", () => {
  for (let seed = 0; seed < 50; seed++) {
    const { html, moves } = page(seed);
    const input = encoder.encode(html);
    const { bytes, doubts } = rewritten("html", input);
    assert.deepEqual([...doubts], [], `page ${seed}`);
    assert.equal(assertOnlyUrlsMoved(html, decoder.decode(bytes)), moves, `page ${seed}`);
    const ends = [1_000, 1_001, 1_460, 2_920, 9_999, 15_000];
    assert.deepEqual(rewritten("html", input, ends).bytes, bytes, `page ${seed} in pieces`);
  }
});

/** Pieces of pages, whole and broken: put together at random they make what no author wrote. */
const PIECES = [
  // Where the CDN stood before nobody could tell what moved.
  ...HTML_CASES.map(({ marked }) => pairOf(marked).input).filter((text) => !text.includes("cdn.example")),
  ...CSS_CASES.map(({ marked }) => `<style>${pairOf(marked).input}</style>`),
  ..."< > / = \" ' & ; - -- --> --!> <!-- <! <? </ ]]> <![CDATA[ { } ( ) url( \\ / \n \0 é".split(" "),
  ...[
    "script",
    "style",
    "title",
    "textarea",
    "template",
    "svg",
    "math",
    "select",
    "noscript",
    "iframe",
    "xmp",
    "table",
    "p",
    "a",
    "tr",
    "mi",
  ]
    .flatMap((name) => [`<${name}>`, `</${name}>`, `<${name} `, `<${name}/>`]),
  "src=",
  "/static/a.png",
  ' src="/static/a.png"',
  ` style="background:url('/static/a.png')"`,
  "<img src=/static/b.png>",
];

Deno.test("broken HTML: only URLs move, and the same at every split", () => {
  const pieces = fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 6 })), { maxLength: 12 });
  const splits = fc.array(fc.nat({ max: 400 }), { maxLength: 6 });
  fc.assert(
    fc.property(pieces, splits, (parts, at) => {
      const html = parts.join("");
      const input = encoder.encode(html);
      const output = rewritten("html", input).bytes;
      assertOnlyUrlsMoved(decoder.decode(input), decoder.decode(output));
      const ends = [...new Set(at)].filter((end) => end < input.length).sort((a, b) => a - b);
      assert.deepEqual(rewritten("html", input, ends).bytes, output);
    }),
    { numRuns: 2_000 * SOAK },
  );
});

Deno.test("a page that was serialized again by another program moves alike", () => {
  const { html, moves } = page(99);
  const again = serialize(parse(html));
  const { bytes } = rewritten("html", encoder.encode(again));
  assert.equal(assertOnlyUrlsMoved(again, decoder.decode(bytes)), moves);
});
