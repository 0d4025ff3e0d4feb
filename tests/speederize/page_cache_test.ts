import assert from "node:assert/strict";
import { initialAge, lifetime, mayStore, parseCacheControl } from "../../core/speederize/cache_control.ts";
import { Changes } from "../../core/speederize/changes.ts";
import { type CachedPage, PageCache } from "../../core/speederize/page_cache.ts";
import { html, withSite } from "./site.ts";

const PAGE = `<img src="/static/a.png">`;
const MOVED = `<img src="//cdn.example/static/a.png">`;

function cached(size: number, vary: CachedPage["vary"] = []): CachedPage {
  return {
    head: new Uint8Array(0),
    body: new Uint8Array(size),
    etag: "",
    originTag: "",
    vary,
    moved: [],
    slot: 0,
    count: 0,
    freshness: { cacheControl: new Map(), age: "", date: "", expires: "" },
    bornAt: 0,
    freshUntil: 0,
  };
}

Deno.test("lifetime() and initialAge(): RFC 9111 sections 4.2.1 and 4.2.3", () => {
  const now = Date.parse("Wed, 01 Jan 2025 00:01:00 GMT");
  const date = "Wed, 01 Jan 2025 00:00:00 GMT";
  const expires = "Wed, 01 Jan 2025 00:10:00 GMT";
  const of = (cacheControl: string, more = {}) =>
    lifetime({ cacheControl: parseCacheControl(cacheControl), age: "", date, expires: "", ...more }, now);
  assert.equal(of("max-age=60"), 60);
  assert.equal(of("max-age=60, s-maxage=5"), 5);
  assert.equal(of('max-age="60"'), 60);
  assert.equal(of("max-age=60, no-cache"), 0);
  assert.equal(of("max-age=x"), 0);
  assert.equal(of("max-age=99999999999999"), 2 ** 31);
  assert.equal(of("max-age=1, max-age=60"), 1);
  assert.equal(of(""), 0);
  assert.equal(of("", { expires }), 600);
  assert.equal(of("max-age=7", { expires }), 7);
  assert.equal(of("", { expires: "0" }), 0);
  const none = parseCacheControl("");
  assert.equal(initialAge({ cacheControl: none, age: "", date, expires: "" }, now), 60);
  assert.equal(initialAge({ cacheControl: none, age: "100", date, expires: "" }, now), 100);
  assert.equal(initialAge({ cacheControl: none, age: "99999999999999", date, expires: "" }, now), 2 ** 31);
  assert.equal(initialAge({ cacheControl: none, age: "-1", date: "x", expires: "" }, now), 0);
  assert.ok(mayStore(none, none));
  for (const word of ["no-store", "private", 'private="x"', "PRIVATE"]) {
    assert.ok(!mayStore(parseCacheControl(word), none), word);
  }
  assert.ok(!mayStore(none, parseCacheControl("no-store")));
});

Deno.test("PageCache keeps to its bytes, and drops what was not used for longest", () => {
  const cache = new PageCache(10_000, new Changes(new ArrayBuffer(Changes.BYTES)));
  for (const key of ["a", "b", "c"]) cache.put(key, cached(2_000));
  assert.ok(cache.find("a", () => ""));
  cache.put("d", cached(2_000));
  assert.equal(cache.find("b", () => ""), undefined);
  assert.ok(cache.find("a", () => ""));
  assert.ok(cache.bytes <= 10_000);
  cache.put("huge", cached(20_000));
  assert.equal(cache.find("huge", () => ""), undefined);
  assert.equal(cache.purge(() => true), 3);
  assert.equal(cache.bytes, 0);
});

Deno.test("PageCache counts what clients sent, which may be longer than the page", () => {
  const cache = new PageCache(1_000_000, new Changes(new ArrayBuffer(Changes.BYTES)));
  for (let i = 0; i < 100; i++) cache.put(`${i}`, cached(0, [["x-long", "x".repeat(50_000)]]));
  assert.ok(cache.find("99", () => "x".repeat(50_000)));
  assert.equal(cache.find("0", () => "x".repeat(50_000)), undefined);
  assert.ok(cache.purge(() => true) <= 10);
  assert.equal(cache.bytes, 0);
});

Deno.test("PageCache tells variants apart, and keeps few of them", () => {
  const cache = new PageCache(1_000_000, new Changes(new ArrayBuffer(Changes.BYTES)));
  for (let i = 0; i < 20; i++) cache.put("a", cached(i, [["x-lang", `${i}`]]));
  cache.put("a", cached(99, [["x-lang", "19"]]));
  assert.equal(cache.find("a", () => "19")!.body.length, 99);
  assert.equal(cache.find("a", () => "11"), undefined);
  assert.equal(cache.find("a", () => "18")!.body.length, 18);
  cache.remove("a");
  assert.equal(cache.bytes, 0);
});

Deno.test("PageCache takes no page that was asked for before a change, nor gives one", () => {
  const changes = new Changes(new ArrayBuffer(Changes.BYTES));
  const cache = new PageCache(1_000_000, changes);
  const slot = changes.slotOf("Shop.example", "/a?b");
  assert.equal(slot, changes.slotOf("shop.example", "/a?b"));
  const page = { ...cached(10), slot };
  cache.put("a", page);
  changes.changed(changes.slotOf("shop.example", "/other"));
  assert.equal(cache.find("a", () => ""), page);
  changes.changed(slot);
  assert.equal(cache.find("a", () => ""), undefined);
  assert.equal(cache.bytes, 0);
  cache.put("a", page);
  assert.equal(cache.bytes, 0);
  cache.put("a", { ...page, count: 1 });
  assert.ok(cache.find("a", () => ""));
});

Deno.test("an unsafe request to one process takes the page out of all of the node", async () => {
  let text = "old";
  const page = (request: Request) => {
    if (request.method === "POST") text = "new";
    return html(PAGE + text, { "cache-control": "max-age=3600" });
  };
  await withSite({ "/": page }, "", async ({ requests }, serve) => {
    const other = await serve.successor("--worker", "1");
    try {
      // Connections of their own, which the kernel spreads: until both processes have the page.
      const ask = (method = "GET") =>
        serve.raw(`${method} / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      for (let i = 0; i < 100 && requests.length < 2; i++) assert.match(await ask(), /old/);
      assert.equal(requests.length, 2);
      for (let i = 0; i < 10; i++) assert.match(await ask(), /old/);
      assert.equal(requests.length, 2);
      await ask("POST");
      for (let i = 0; i < 40; i++) assert.match(await ask(), /new/);
    } finally {
      other.child.kill("SIGTERM");
      await other.child.status;
    }
  });
});

Deno.test("a fresh page is answered by the cache, and by nothing that RFC 9111 forbids", async () => {
  const counts: Record<string, number> = {};
  const page = (headers: Record<string, string>) => (request: Request) => {
    const { pathname } = new URL(request.url);
    counts[pathname] = (counts[pathname] ?? 0) + 1;
    return html(PAGE, headers);
  };
  const pages = {
    "/fresh": page({ "cache-control": "max-age=60", etag: `"v1"` }),
    "/no-store": page({ "cache-control": "max-age=60, no-store" }),
    "/private": page({ "cache-control": "max-age=60, private" }),
    "/cookie": page({ "cache-control": "max-age=60", "set-cookie": "a=1" }),
    "/silent": page({}),
    "/any": page({ "cache-control": "max-age=60", vary: "*" }),
    "/lang": page({ "cache-control": "max-age=60", vary: "X-Lang, Accept-Encoding" }),
    "/old": page({ "cache-control": "max-age=60", age: "59" }),
    "/older": page({ "cache-control": "max-age=60", age: "61" }),
  };
  await withSite(pages, "", async ({ get }) => {
    const text = async (path: string, init?: RequestInit) => await (await get(path, init)).text();
    for (const path of ["/fresh", "/no-store", "/private", "/cookie", "/silent", "/any", "/older"]) {
      assert.equal(await text(path), MOVED);
      assert.equal(await text(path), MOVED);
    }
    assert.deepEqual({ ...counts }, {
      "/fresh": 1,
      "/no-store": 2,
      "/private": 2,
      "/cookie": 2,
      "/silent": 2,
      "/any": 2,
      "/older": 2,
    });
    // From here on the cache has /fresh.
    const again = await get("/fresh");
    assert.equal(await again.text(), MOVED);
    assert.match(again.headers.get("age")!, /^[0-9]$/);
    const etag = again.headers.get("etag")!;
    const unchanged = await get("/fresh", { headers: { "if-none-match": `"x", W/${etag}` } });
    assert.equal(unchanged.status, 304);
    assert.equal(unchanged.headers.get("etag"), etag);
    const head = await get("/fresh", { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), `${MOVED.length}`);
    assert.equal(counts["/fresh"], 1);
    for (const headers of [{ "cache-control": "no-cache" }, { authorization: "Basic eDp5" }, { range: "bytes=0-1" }]) {
      await text("/fresh", { headers: headers as Record<string, string> });
    }
    assert.equal(counts["/fresh"], 4);
    for (const lang of ["en", "de", "en", "de"]) await text("/lang", { headers: { "x-lang": lang } });
    assert.equal(counts["/lang"], 2);
    const first = await get("/old");
    await first.text();
    assert.equal(first.headers.get("age"), "59");
  });
});

Deno.test("a stale page is asked about, and an unsafe method takes it out", async () => {
  const asked: string[] = [];
  const page = (request: Request) => {
    asked.push(`${request.method} ${request.headers.get("if-none-match")}`);
    if (request.method === "POST") return new Response(null, { status: 204 });
    const headers = { "cache-control": "no-cache", etag: `"v1"` };
    return request.headers.get("if-none-match") === `"v1"`
      ? new Response(null, { status: 304, headers })
      : html(PAGE, headers);
  };
  await withSite({ "/": page }, "", async ({ get }) => {
    for (let i = 0; i < 3; i++) {
      const response = await get("/");
      assert.equal(response.status, 200);
      assert.equal(await response.text(), MOVED);
      assert.match(response.headers.get("etag")!, /dlba/);
    }
    assert.deepEqual(asked, ["GET null", `GET "v1"`, `GET "v1"`]);
    await (await get("/", { method: "POST", body: "x" })).body?.cancel();
    assert.equal(await (await get("/")).text(), MOVED);
    assert.deepEqual(asked.slice(3), ["POST null", "GET null"]);
  });
});

Deno.test("a 304 says anew how long the page lives, what it does not say holds on, and its cookies are passed on", async () => {
  let asked = 0;
  let again: Record<string, string> = {};
  const page = (request: Request) => {
    asked++;
    const isAgain = request.headers.get("if-none-match") === `"v1"`;
    // Stale as it comes, by its age.
    return isAgain
      ? new Response(null, { status: 304, headers: { etag: `"v1"`, ...again } })
      : html(PAGE, { etag: `"v1"`, "cache-control": "max-age=60", age: "90", "x-kept": "1" });
  };
  await withSite({ "/": page }, "", async ({ get }) => {
    const ask = async () => {
      const response = await get("/");
      assert.equal(await response.text(), MOVED);
      return response.headers;
    };
    await ask();
    // Fresh again by the max-age from before, and kept so.
    again = { "set-cookie": "a=1" };
    let headers = await ask();
    assert.equal(headers.get("set-cookie"), "a=1");
    assert.equal(headers.get("x-kept"), "1");
    assert.equal(asked, 2);
    // With a cookie it was not kept any longer.
    await ask();
    assert.equal(asked, 3);
    again = {};
    await ask();
    headers = await ask();
    assert.equal(asked, 4);
    assert.equal(headers.get("cache-control"), "max-age=60");
    assert.equal(headers.get("set-cookie"), null);
    await (await get("/", { method: "DELETE" })).body?.cancel();
    await ask();
    again = { "cache-control": "no-store", date: "Wed, 01 Jan 2025 00:00:00 GMT" };
    headers = await ask();
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("date"), again["date"]);
    const before = asked;
    await ask();
    assert.equal(asked, before + 1);
  });
});
