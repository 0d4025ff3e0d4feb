import assert from "node:assert/strict";
import { latin1 } from "../proxy/harness.ts";
import { html, withSite } from "./site.ts";

const PAGE = `<img src="/static/a.png"><a href="/static/b">`;
const MOVED = `<img src="//cdn.example/static/a.png"><a href="/static/b">`;

Deno.test("serve moves URLs of pages and stylesheets, and of nothing else", async () => {
  const pages = {
    "/": () => html(PAGE),
    "/a.css": () => new Response("a{background:url(/static/a.png)}", { headers: { "content-type": "text/css" } }),
    "/a.js": () => new Response(`"<img src='/static/a.png'>"`, { headers: { "content-type": "text/javascript" } }),
  };
  await withSite(pages, "", async ({ get, requests }) => {
    const response = await get("/", { headers: { "accept-encoding": "gzip, br" } });
    assert.equal(await response.text(), MOVED);
    assert.equal(requests[0]!.get("accept-encoding"), "identity");
    assert.equal(await (await get("/a.css")).text(), "a{background:url(//cdn.example/static/a.png)}");
    assert.equal(await (await get("/a.js")).text(), `"<img src='/static/a.png'>"`);
  });
});

Deno.test("a rewritten response has an entity tag of its own, no digest and no length of the other bytes", async () => {
  const pages = {
    "/": () =>
      html(PAGE, { etag: `"v1"`, digest: "sha-256=x", "content-digest": "sha-256=:x:", "accept-ranges": "bytes" }),
  };
  await withSite(pages, "", async ({ get }) => {
    for (const method of ["GET", "HEAD"]) {
      const response = await get("/", { method });
      await response.body?.cancel();
      assert.match(response.headers.get("etag")!, /^"v1\.dlba-[0-9a-f]{8}"$/);
      for (const name of ["digest", "content-digest", "accept-ranges", "content-length"]) {
        assert.equal(response.headers.get(name), null, `${name} of ${method}`);
      }
    }
  });
});

Deno.test("a client's entity tag is the origin's again on the way in, and not when the rules were others", async () => {
  const asked: (string | null)[] = [];
  const page = (request: Request) => {
    const tag = request.headers.get("if-none-match");
    asked.push(tag);
    return tag === `"v1"`
      ? new Response(null, { status: 304, headers: { etag: `"v1"` } })
      : html(PAGE, { etag: `"v1"` });
  };
  await withSite({ "/": page }, "", async ({ get }) => {
    const first = await get("/");
    await first.body?.cancel();
    const etag = first.headers.get("etag")!;
    const again = await get("/", { headers: { "if-none-match": etag } });
    assert.equal(again.status, 304);
    assert.equal(again.headers.get("etag"), etag);
    const old = await get("/", { headers: { "if-none-match": `"v1.dlba-00000000"` } });
    assert.equal(old.status, 200);
    await old.body?.cancel();
    assert.deepEqual(asked, [null, `"v1"`, null]);
  });
});

Deno.test("If-Match names the back end's own tag again, whatever the rules were", async () => {
  const put = (request: Request) =>
    new Response(null, { status: request.headers.get("if-match") === `"v1", W/"v2"` ? 204 : 412 });
  await withSite({ "/": put }, "", async ({ get }) => {
    const headers = { "if-match": `"v1.dlba-00000000", W/"v2"` };
    const response = await get("/", { method: "PUT", body: "x", headers });
    await response.body?.cancel();
    assert.equal(response.status, 204);
  });
});

Deno.test("what may not be changed passes byte for byte", async () => {
  const range = { status: 206, headers: { "content-type": "text/html", "content-range": "bytes 0-44/45" } };
  const gzip = new Uint8Array(
    await new Response(new Blob([PAGE]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
  );
  const utf16 = new Uint8Array([0xff, 0xfe, ...[...PAGE].flatMap((character) => [character.charCodeAt(0), 0])]);
  const pages = {
    "/part": () => new Response(PAGE, range),
    "/no-transform": () => html(PAGE, { "cache-control": "public, no-transform" }),
    "/signed": () => html(PAGE, { "signature-input": "sig=()", "signature": "sig=:x:" }),
    "/charset": () => new Response(PAGE, { headers: { "content-type": "text/html; charset=iso-2022-jp" } }),
    "/xhtml": () => new Response(PAGE, { headers: { "content-type": "application/xhtml+xml" } }),
    "/coded": () => new Response(gzip, { headers: { "content-type": "text/html", "content-encoding": "x-unknown" } }),
    // The string's last character ends in a backslash in Shift_JIS; read as ASCII the string would go on, and its neighbour be CSS.
    "/shift-jis": () =>
      new Response(latin1(`<style>a{content:"\x95\\"}b{content:";background:url(/static/a.png)"}</style>`), {
        headers: { "content-type": "text/html; charset=Shift_JIS" },
      }),
    "/shift-jis.css": () =>
      new Response(latin1(`a{content:"\x95\\"}b{content:";background:url(/static/a.png)"}`), {
        headers: { "content-type": "text/css; charset=Shift_JIS" },
      }),
    "/embedder": () => html(PAGE, { "cross-origin-embedder-policy": "require-corp" }),
    "/utf-16": () => new Response(utf16, { headers: { "content-type": "text/html" } }),
  };
  await withSite(pages, "", async ({ get }) => {
    for (const [path, page] of Object.entries(pages)) {
      const response = await get(path);
      const expected = new Uint8Array(await page().arrayBuffer());
      assert.deepEqual(new Uint8Array(await response.arrayBuffer()), expected, path);
    }
  });
});

Deno.test("a policy keeps what it would block, and is extended only when that is said", async () => {
  const policy = "default-src 'self'; img-src 'self' data:; script-src 'none'";
  const pages = { "/": () => html(PAGE, { "content-security-policy": policy }) };
  await withSite(pages, "", async ({ get }) => {
    const response = await get("/");
    assert.equal(response.headers.get("content-security-policy"), policy);
    assert.equal(await response.text(), PAGE);
  });
  await withSite(pages, "csp: extend", async ({ get }) => {
    const response = await get("/");
    assert.equal(
      response.headers.get("content-security-policy"),
      "default-src 'self'; img-src 'self' data: cdn.example; script-src 'none'; style-src 'self' cdn.example; " +
        "font-src 'self' cdn.example; media-src 'self' cdn.example",
    );
    assert.equal(await response.text(), MOVED);
  });
});

Deno.test("a page with the client's label is nobody else's", async () => {
  const pages = { "/": () => html(PAGE, { "cache-control": "public, max-age=60" }) };
  const cdn = `{ paths: ["/static/*"], hosts: ["{client}.cdn.example"] }`;
  await withSite(pages, "", async ({ get }) => {
    const response = await get("/");
    assert.match(await response.text(), /^<img src="\/\/c-[0-9a-f]{8}-127-0-0\.cdn\.example\/static\/a\.png">/);
    assert.match(response.headers.get("cache-control")!, /private/);
  }, cdn);
});

Deno.test("a page of a megabyte, in pieces of any size, to a client that reads slowly", async () => {
  const block = `<p>${"x".repeat(100)}</p>${PAGE}\n`;
  const count = Math.ceil(1_048_576 / block.length);
  const pages = { "/": () => html(block.repeat(count)) };
  await withSite(pages, "", async ({ get }) => {
    const response = await get("/");
    const expected = `<p>${"x".repeat(100)}</p>${MOVED}\n`.repeat(count);
    assert.equal(await response.text(), expected);
  });
});

Deno.test("the first bytes pass before the page is whole", async () => {
  let goOn = () => {};
  const pages = {
    "/": () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(`${PAGE}<p>first</p><img src="/sta`));
            goOn = () => {
              controller.enqueue(new TextEncoder().encode(`tic/b.png">`));
              controller.close();
            };
          },
        }),
        { headers: { "content-type": "text/html" } },
      ),
  };
  await withSite(pages, "", async ({ get }) => {
    const reader = (await get("/")).body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("first")) text += (await reader.read()).value ?? "";
    assert.equal(text, `${MOVED}<p>first</p>`);
    goOn();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) text += piece.value;
    assert.equal(text, `${MOVED}<p>first</p><img src="//cdn.example/static/b.png">`);
  });
});
