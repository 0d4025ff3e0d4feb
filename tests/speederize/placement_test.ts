import assert from "node:assert/strict";
import { DocumentUrls } from "../../core/speederize/document_urls.ts";
import { HtmlRewriter } from "../../core/speederize/html_rewriter.ts";
import { Output } from "../../core/speederize/output.ts";
import { PathPattern } from "../../core/speederize/path_pattern.ts";
import { type Conditions, RulePlacement } from "../../core/speederize/placement.ts";
import { page } from "./pages.ts";

const hosts = ["cdn1.example", "cdn2.example", "cdn3.example"];
const rules = [{ paths: [new PathPattern("/static/*")], except: [], hosts }];

function moved(html: string, moves: Conditions["moves"]): string {
  const placement = new RulePlacement(rules, { allows: null, moves, allowsCors: () => true }, () => {});
  const place = { host: "shop.example", aliases: new Set<string>(), path: "/", isStylesheet: false };
  const out = new Output();
  const input = new TextEncoder().encode(html);
  new HtmlRewriter(out, new DocumentUrls(placement, place, () => {}), () => {}, ["data-src"]).write(
    input,
    0,
    input.length,
    true,
  );
  return new TextDecoder().decode(out.bytes.subarray(0, out.length));
}

Deno.test("a URL goes to the same host however it is written", () => {
  const html = `<img src="/static/a.png?x=1&amp;y=2"><img src="/static/a.png?x=1&y=2#f">` +
    `<img src="https://shop.example/static/a.png?x=1&amp;y=2"><img src="static/a.png?x=1&amp;y=2">` +
    `<img src="//SHOP.example/static/a.png?x=1&#38;y=2"><style>a{background:url(/static/a.png?x=1&y=2)}</style>`;
  const found = [...moved(html, null).matchAll(/cdn[123]\.example/g)].map(([host]) => host);
  assert.equal(found.length, 6);
  assert.equal(new Set([...found.slice(0, 4), found[5]]).size, 1);
});

Deno.test("bytes and strings decide alike, and every host gets its part", () => {
  for (let seed = 0; seed < 20; seed++) {
    const { html } = page(seed);
    assert.equal(moved(html, null), moved(html, () => true), `page ${seed}`);
  }
  const all = moved(page(1, 200_000).html, null);
  for (const host of hosts) assert.ok(all.split(`//${host}/`).length > 50, host);
});

Deno.test("PathPattern matches by text and by bytes alike", () => {
  const paths = [
    "/static/a.png",
    "/static/",
    "/static",
    "/statics/a",
    "/a.webp",
    ".webp",
    "/static/a.webp",
    "/static/x/y.webp",
  ];
  const expected: Readonly<Record<string, string>> = {
    "/static/*": "10000011",
    "*.webp": "00001111",
    "/static/a.png": "10000000",
    "/static/*.webp": "00000011",
    "*": "11111111",
    "/s*x*.webp": "00000001",
  };
  for (const [text, bits] of Object.entries(expected)) {
    const pattern = new PathPattern(text);
    const encoder = new TextEncoder();
    paths.forEach((path, i) => {
      const isExpected = bits[i] === "1" || text === "/static/*" && path === "/static/";
      assert.equal(pattern.matches(path), isExpected, `${text} ${path}`);
      const bytes = encoder.encode(path);
      if (pattern.isSimple) {
        assert.equal(pattern.matchesBytes(bytes, 0, bytes.length), isExpected, `${text} ${path} as bytes`);
      }
    });
  }
});
