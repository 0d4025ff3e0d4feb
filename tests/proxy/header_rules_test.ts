/** Header rules and error pages through `dlba serve`. */
import assert from "node:assert/strict";
import { answering, freePorts, RawBackEnd, withServe } from "./harness.ts";

Deno.test("header rules: set takes the place of what stands there, add comes beside it, remove takes every copy", async () => {
  let seen = "";
  const backEnd = new RawBackEnd(answering((head) => {
    seen = head;
    return "HTTP/1.1 200 OK\r\nServer: secret\r\nX-A: 1\r\nX-A: 2\r\nVary: x\r\nSet-Cookie: sid=1\r\nContent-Length: 0\r\n\r\n";
  }));
  const pool = `, persistence: { session_cookies: [sid] }, headers: {
    request: { set: [{ name: X-Env, value: prod }], remove: [X-Debug] },
    response: { set: [{ name: X-A, value: "3" }], add: [{ name: Vary, value: "y z" }], remove: [Server] } }`;
  await withServe([backEnd], { pool }, async (serve) => {
    const answer = await serve.raw(
      "GET / HTTP/1.1\r\nHost: x\r\nX-Debug: 1\r\nx-env: test\r\nX-DEBUG: 2\r\nX-Debugger: 3\r\nConnection: close\r\n\r\n",
    );
    const fields = (text: string) =>
      text.toLowerCase().split("\r\n").filter((line) => /^(x-[aed]|vary|server)/.test(line));
    assert.deepEqual(fields(seen), ["x-debugger: 3", "x-env: prod"]);
    assert.deepEqual(fields(answer).sort(), ["vary: x", "vary: y z", "x-a: 3"]);
    assert.match(answer, /^set-cookie: SpServer=1\r$/m);
  });
});

Deno.test("error pages: the operator's page stands in for ours, byte for byte, with its type", async () => {
  const backEnds = freePorts(1).map((port) => ({ port, close: () => Promise.resolve() }));
  const page = "<h1>Gleich zurück</h1>\n";
  const config = "proxy: { error_pages: [{ status: 502, file: errors/502.html }] }";
  await withServe(backEnds, { config, files: { "errors/502.html": page } }, async (serve) => {
    const answer = await serve.raw("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert.match(
      answer,
      /^HTTP\/1\.1 502 Bad Gateway\r\ncontent-type: text\/html; charset=utf-8\r\ncontent-length: 24\r\n/,
    );
    const bytes = Uint8Array.from(answer.slice(answer.indexOf("\r\n\r\n") + 4), (character) => character.charCodeAt(0));
    assert.equal(new TextDecoder().decode(bytes), page);
    assert.match(await serve.raw("BAD\r\n\r\n"), /^HTTP\/1\.1 400 .*\r\ncontent-type: text\/plain\r\n/);
  });
});
