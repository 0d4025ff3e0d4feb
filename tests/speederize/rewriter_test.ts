import assert from "node:assert/strict";
import { MAX_HELD } from "../../core/speederize/splice.ts";
import { CSS_CASES } from "./css_cases.ts";
import { HTML_CASES } from "./html_cases.ts";
import { type Case, pairOf, rewritten } from "./rewriting.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const CASES: readonly ["html" | "css", readonly Case[]][] = [["html", HTML_CASES], ["css", CSS_CASES]];

for (const [kind, cases] of CASES) {
  Deno.test(`${kind}: the golden pairs`, () => {
    for (const { why, marked, doubt } of cases) {
      const { input, output } = pairOf(marked);
      const found = rewritten(kind, encoder.encode(input));
      assert.equal(decoder.decode(found.bytes), output, why);
      assert.deepEqual([...found.doubts], doubt ? [doubt] : [], why);
    }
  });

  Deno.test(`${kind}: the same at every split, and byte by byte`, () => {
    for (const { why, marked } of cases) {
      const input = encoder.encode(`<p>\n${pairOf(marked).input}`.slice(kind === "html" ? 0 : 4));
      const whole = decoder.decode(rewritten(kind, input).bytes);
      for (let at = 0; at <= input.length; at++) {
        assert.equal(decoder.decode(rewritten(kind, input, [at]).bytes), whole, `${why}, at ${at}`);
      }
      const everywhere = Array.from(input, (_, i) => i);
      assert.equal(decoder.decode(rewritten(kind, input, everywhere).bytes), whole, why);
    }
  });
}

Deno.test("there are at least 120 golden pairs", () => {
  assert.ok(HTML_CASES.length + CSS_CASES.length >= 120);
});

Deno.test("a stylesheet that stays with the origin keeps what is relative in it", () => {
  const { input, output } = pairOf(`a{background:url(/other/a.png),url(b.png),url(▸/static/c.png)}`);
  assert.equal(decoder.decode(rewritten("css", encoder.encode(input), [], "/own/style.css").bytes), output);
});

Deno.test("a client's Host is put into no stylesheet that it could break out of", () => {
  const input = `a{background:url('/other/a.png')}`;
  for (const host of ["x')};", "x y", "x'y"]) {
    const { bytes } = rewritten("css", encoder.encode(input), [], "/a/style.css", host);
    assert.equal(decoder.decode(bytes), input);
  }
});

Deno.test("what never ends holds back no more than 64 KB, and passes untouched", () => {
  const filler = "x".repeat(300_000);
  const endless = [
    `<img src="/static/a.png" alt="${filler}`,
    `<img src="/static/a.png" alt=${filler}`,
    `<img ${"a=b ".repeat(70_000)}`,
    `<${filler}`,
    `<!-- ${filler}`,
    `<script>${filler}`,
    `<style>a{background:url("/static/${filler}`,
    `<style>a{background:url(/static/${filler}`,
    `<style>${filler}`,
    `<style>@${filler}`,
    `<svg><![CDATA[${filler}`,
  ];
  for (const text of endless) {
    const input = encoder.encode(text);
    const ends = Array.from({ length: Math.floor(input.length / 10_000) }, (_, i) => (i + 1) * 10_000);
    const { bytes, mostHeld } = rewritten("html", input, ends);
    assert.ok(mostHeld <= MAX_HELD, `${text.slice(0, 20)}: ${mostHeld}`);
    assert.equal(decoder.decode(bytes), text);
  }
});

Deno.test("a tag with more in it than is held passes untouched, and the page goes on", () => {
  const data = `data:image/png;base64,${"A".repeat(200_000)}`;
  const page = `<img src="${data}" data-src="/static/a.png"><style>a{}</style><img src="▸/static/b.png">` +
    `<style>a{background:url(${data})}b{background:url(▸/static/c.png)}</style>`;
  const { input, output } = pairOf(page);
  const bytes = encoder.encode(input);
  for (const size of [bytes.length, 65_536, 10_007]) {
    const ends = Array.from({ length: Math.floor((bytes.length - 1) / size) }, (_, i) => (i + 1) * size);
    assert.equal(decoder.decode(rewritten("html", bytes, ends).bytes), output, `${size}`);
  }
});
