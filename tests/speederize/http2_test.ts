import assert from "node:assert/strict";
import { connect } from "node:http2";
import { type Answer, ask } from "../http2/client.ts";
import { html, withSite } from "./site.ts";

const PAGE = `<img src="/static/a.png"><a href="/static/b">`;
const MOVED = `<img src="//cdn.example/static/a.png"><a href="/static/b">`;

type Get = (path: string, headers?: Record<string, string>) => Promise<Answer>;

async function withHttp2(port: number, work: (get: Get) => Promise<void>): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  try {
    await work((path, headers = {}) => ask(session, { ":path": path, ":authority": `127.0.0.1:${port}`, ...headers }));
  } finally {
    await new Promise<void>((resolve) => session.close(() => resolve()));
  }
}

Deno.test("HTTP/2: pages are rewritten, kept, answered by HEAD and 304, and are the same as by HTTP/1.1", async () => {
  let count = 0;
  const pages = { "/": () => (count++, html(PAGE, { "cache-control": "max-age=60", etag: `"v1"`, digest: "x=y" })) };
  await withSite(pages, "", async ({ port, get }) => {
    await withHttp2(port, async (get2) => {
      const first = await get2("/");
      assert.equal(first.body, MOVED);
      assert.equal(first.headers["digest"], undefined);
      assert.equal(first.headers["content-length"], undefined);
      const etag = first.headers["etag"]!;
      assert.match(etag, /^"v1\.dlba-[0-9a-f]{8}"$/);
      // From here on the cache answers, to either protocol.
      const kept = await get2("/");
      assert.equal(kept.body, MOVED);
      assert.equal(kept.headers["content-length"], `${MOVED.length}`);
      assert.equal(kept.headers["etag"], etag);
      assert.match(`${kept.headers["age"]}`, /^[0-9]+$/);
      const head = await get2("/", { ":method": "HEAD" });
      assert.equal(head.headers[":status"], 200);
      assert.equal(head.headers["content-length"], `${MOVED.length}`);
      assert.equal(head.body, "");
      const unchanged = await get2("/", { "if-none-match": etag });
      assert.equal(unchanged.headers[":status"], 304);
      assert.equal(unchanged.headers["etag"], etag);
      assert.equal(unchanged.body, "");
      const old = await get("/");
      assert.equal(await old.text(), MOVED);
      assert.equal(old.headers.get("etag"), etag);
      assert.equal(count, 1);
    });
  });
});

Deno.test("HTTP/2: what HTTP/1.1 put into the cache, a stale page, a part, and one of a megabyte", async () => {
  const asked: (string | null)[] = [];
  const block = `<p>${"x".repeat(100)}</p>${PAGE}\n`;
  const large = block.repeat(Math.ceil(1_048_576 / block.length));
  const pages = {
    "/": () => html(PAGE, { "cache-control": "max-age=60" }),
    "/stale": (request: Request) => {
      const tag = request.headers.get("if-none-match");
      asked.push(tag);
      const headers = { etag: `"v1"`, "cache-control": "max-age=0" };
      return tag === `"v1"` ? new Response(null, { status: 304, headers }) : html(PAGE, headers);
    },
    "/large": () => html(large),
    "/part": () => new Response(PAGE, { status: 206, headers: { "content-type": "text/html" } }),
  };
  await withSite(pages, "", async ({ port, get, requests }) => {
    assert.equal(await (await get("/")).text(), MOVED);
    await withHttp2(port, async (get2) => {
      assert.equal((await get2("/")).body, MOVED);
      assert.equal(requests.length, 1);
      for (let i = 0; i < 2; i++) assert.equal((await get2("/stale")).body, MOVED);
      assert.equal((await get2("/stale", { ":method": "HEAD" })).body, "");
      assert.deepEqual(asked, [null, `"v1"`, null]);
      const bodies = await Promise.all(Array.from({ length: 4 }, () => get2("/large")));
      const expected = large.replaceAll(`src="/static`, `src="//cdn.example/static`);
      for (const { body } of bodies) assert.ok(body === expected);
      assert.equal((await get2("/part")).body, PAGE);
    });
  });
});
