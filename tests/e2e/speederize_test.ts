/** A real browser loads the demo shop through a DLBA server, and what moved from a second host, which plays the CDN. */
import assert from "node:assert/strict";
import { html, until, withSite } from "../speederize/site.ts";

/** A PNG of one pixel. */
const PIXEL = Uint8Array.from(
  atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="),
  (character) => character.charCodeAt(0),
);

const SHOP = `<!doctype html><html><head><meta charset="utf-8"><title>Shop</title>
<link rel="icon" href="/static/icon.png">
<link rel="stylesheet" href="/static/shop.css">
<style>@import "/static/more.css"; h1{background:url(/static/heading.png)}</style>
<script src="/static/shop.js"></script></head><body>
<h1>Shop</h1><img id="a" src="/static/a.png" alt=""><img id="b" srcset="/static/b.png 1x" alt="">
<picture><source srcset="/static/c.png"><img id="c" src="/static/unused.png" alt=""></picture>
<p style="background:url(&quot;/static/offer.png&quot;)">Offer</p>
<a href="/static/manual.pdf">Manual</a>
<template><img src="/static/template.png"></template>
<script type="module" src="/static/module.js"></script>
<pre id="found"></pre>
<script>
addEventListener("load", () => {
  const loaded = ["a", "b", "c"].map((id) => [id, document.getElementById(id).naturalWidth]);
  const style = getComputedStyle(document.querySelector("h1"));
  document.getElementById("found").textContent = JSON.stringify({
    loaded, script: window.shopScript, module: window.shopModule, colour: style.color, margin: style.marginTop,
    link: document.querySelector("a").href,
  });
});
</script></body></html>`;

/** What both the origin and the CDN, which pulls from it, have. */
const FILES: Readonly<Record<string, readonly [type: string, body: BodyInit]>> = {
  "/static/shop.css": ["text/css", "h1{color:rgb(1, 2, 3)} body{background:url(page.png)}"],
  "/static/more.css": ["text/css", "h1{margin-top:7px}"],
  "/static/shop.js": ["text/javascript", "window.shopScript = document.currentScript.src;"],
  "/static/module.js": ["text/javascript", "window.shopModule = import.meta.url;"],
  ...Object.fromEntries(
    ["icon", "heading", "a", "b", "c", "offer", "page"].map((name) => [`/static/${name}.png`, ["image/png", PIXEL]]),
  ),
};

function file(request: Request): Response {
  const found = FILES[new URL(request.url).pathname];
  return found
    ? new Response(found[1], { headers: { "content-type": found[0] } })
    : new Response(null, { status: 404 });
}

/** The page as the browser has it once it is loaded. */
async function browse(url: string, hosts: Readonly<Record<string, number>>): Promise<string> {
  const profile = await Deno.makeTempDir({ prefix: "dlba-test-" });
  const rules = Object.entries(hosts).map(([host, port]) => `MAP ${host} 127.0.0.1:${port}`).join(", ");
  try {
    const { stdout, stderr } = await new Deno.Command("chromium", {
      args: [
        "--headless",
        // As root it has no sandbox; what it loads is ours.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        `--user-data-dir=${profile}`,
        `--host-resolver-rules=${rules}`,
        "--virtual-time-budget=10000",
        "--dump-dom",
        url,
      ],
      stdin: "null",
    }).output();
    const page = new TextDecoder().decode(stdout);
    assert.ok(page.includes("</html>"), new TextDecoder().decode(stderr));
    return page;
  } finally {
    await Deno.remove(profile, { recursive: true });
  }
}

Deno.test("a browser gets from the CDN what moved, and the shop works", async () => {
  const asked = new Set<string>();
  const cdn = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    asked.add(`${request.headers.get("host")} ${new URL(request.url).pathname}`);
    return file(request);
  });
  const origin: string[] = [];
  const fromOrigin = (request: Request) => {
    origin.push(new URL(request.url).pathname);
    return file(request);
  };
  const pages = {
    "/": () => html(SHOP),
    ...Object.fromEntries(Object.keys(FILES).map((path) => [path, fromOrigin])),
  };
  try {
    await withSite(pages, "", async ({ port }) => {
      const page = await browse("http://shop.example/", { "shop.example": port, "cdn.example": cdn.addr.port });
      const found = JSON.parse(/<pre id="found">(.*?)<\/pre>/.exec(page)![1]!.replaceAll("&amp;", "&"));
      assert.deepEqual(found, {
        loaded: [["a", 1], ["b", 1], ["c", 1]],
        script: "http://cdn.example/static/shop.js",
        // Without CORS a module of another origin would not run: it stays.
        module: "http://shop.example/static/module.js",
        colour: "rgb(1, 2, 3)",
        margin: "7px",
        link: "http://shop.example/static/manual.pdf",
      });
      const moved = [
        ...["a", "b", "c", "heading", "offer", "page"].map((name) => `/static/${name}.png`),
        "/static/more.css",
        "/static/shop.css",
        "/static/shop.js",
      ];
      await until(() => Promise.resolve(moved.every((path) => asked.has(`cdn.example ${path}`))));
      assert.deepEqual(origin, ["/static/module.js"]);
      assert.ok(![...asked].some((request) => /unused|template|manual|module/.test(request)));
    });
  } finally {
    await cdn.shutdown();
  }
});
