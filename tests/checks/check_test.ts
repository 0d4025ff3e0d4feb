import assert from "node:assert/strict";
import { checkOnce } from "../../core/checks/check.ts";
import { checkSchema } from "../../core/config/schema.ts";
import * as v from "valibot";
import { answering, freePorts, RawBackEnd } from "../proxy/harness.ts";

async function why(backEnd: RawBackEnd | number, check: Record<string, unknown>): Promise<string | undefined> {
  const port = typeof backEnd === "number" ? backEnd : backEnd.port;
  const target = { address: "127.0.0.1", port, tls: undefined };
  return await checkOnce(v.parse(checkSchema, { timeout: "500ms", ...check }), target, new AbortController().signal);
}

Deno.test("checkOnce() by TCP asks for a connection, by HTTP for an answer of a status and with a text", async () => {
  let head = "";
  const backEnd = new RawBackEnd(answering((asked) => {
    head = asked;
    const status = asked.startsWith("GET /bad ") ? "503 Busy" : "204 Fine";
    return asked.startsWith("GET /text ")
      ? "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nall is well"
      : `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`;
  }));
  assert.equal(await why(backEnd, {}), undefined);
  assert.equal(await why(backEnd, { type: "http" }), undefined);
  assert.match(head, /^GET \/ HTTP\/1\.1\r\nhost: 127\.0\.0\.1\r\n/i);
  assert.equal(await why(backEnd, { type: "http", path: "/bad", host: "shop.example" }), "status 503");
  assert.match(head, /^host: shop\.example\r$/im);
  assert.equal(await why(backEnd, { type: "http", path: "/bad", status: [503] }), undefined);
  assert.equal(await why(backEnd, { type: "http", path: "/text", body: "is well" }), undefined);
  assert.equal(await why(backEnd, { type: "http", path: "/text", body: "unwell" }), 'no "unwell" in its body');
  await backEnd.close();
});

Deno.test("checkOnce() fails, and never throws, for who refuses, is silent, ends early or speaks no HTTP", async () => {
  const [nobody] = freePorts(1);
  assert.notEqual(await why(nobody!, {}), undefined);
  assert.notEqual(await why(nobody!, { type: "http" }), undefined);
  const answers: ((connection: Deno.TcpConn) => Promise<void>)[] = [
    () => new Promise((resolve) => setTimeout(resolve, 700)),
    () => Promise.resolve(),
    async (connection) => void await connection.write(new TextEncoder().encode("SSH-2.0-x\r\n\r\n")),
    async (connection) => {
      await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"));
      await new Promise((resolve) => setTimeout(resolve, 700));
    },
  ];
  for (const answer of answers) {
    const backEnd = new RawBackEnd(answer);
    assert.notEqual(await why(backEnd, { type: "http", body: "long" }), undefined);
    await backEnd.close();
  }
});
