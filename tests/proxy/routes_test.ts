/** Routes of a config through `dlba serve`: hosts, wildcards, paths, methods, header fields, redirects. */
import assert from "node:assert/strict";
import { answering, RawBackEnd, type ServeProcess, withServe } from "./harness.ts";

const ROUTES = `routes:
  - { pool: web }
  - { host: "*.shop.example", path: /old, redirect: { to: "https://{host}/new{target}", status: 308 } }
  - { path: /api, methods: [POST, PUT], redirect: { to: /posted, status: 303 } }
  - { path: /api, header: { name: X-Canary, value: "1" }, redirect: { to: /canary } }
  - { path: /api, header: { name: X-Canary }, redirect: { to: /any } }
`;

async function ask(serve: ServeProcess, head: string): Promise<string> {
  const answer = await serve.raw(`${head}\r\nConnection: close\r\n\r\n`);
  return /^location: (.*)\r$/m.exec(answer)?.[1] ?? answer.split(" ")[1]!;
}

Deno.test("routes: host patterns, methods and header fields pick the route, and redirects name the request's own", async () => {
  const backEnd = new RawBackEnd(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  await withServe([backEnd], { config: ROUTES }, async (serve) => {
    const get = (host: string, path: string, fields = "") =>
      ask(serve, `GET ${path} HTTP/1.1\r\nHost: ${host}${fields}`);
    assert.equal(await get("a.shop.example:81", "/old/x?y=1"), "https://a.shop.example:81/new/old/x?y=1");
    assert.equal(await get("shop.example", "/old/x"), "200");
    assert.equal(await get("shop.example", "/api"), "200");
    assert.equal(await get("shop.example", "/api", "\r\nX-Canary: 1"), "/canary");
    assert.equal(await get("shop.example", "/api/v1", "\r\nx-canary: 2"), "/any");
    assert.equal(await ask(serve, "PUT /api HTTP/1.1\r\nHost: x\r\nContent-Length: 0"), "/posted");
    assert.equal(await get("shop.example", "/apis"), "200");
  });
});

Deno.test("routes: where none matches the answer is 404", async () => {
  const backEnd = new RawBackEnd(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  const config = "routes: [{ path: /a, methods: [GET], pool: web }]";
  await withServe([backEnd], { config }, async (serve) => {
    assert.equal(await ask(serve, "GET /a HTTP/1.1\r\nHost: x"), "200");
    assert.equal(await ask(serve, "DELETE /a HTTP/1.1\r\nHost: x"), "404");
    assert.equal(await ask(serve, "GET /b HTTP/1.1\r\nHost: x"), "404");
  });
});
