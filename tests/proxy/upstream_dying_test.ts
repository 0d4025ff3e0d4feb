/** A back end that dies connection by connection, its listener last, before `dlba serve`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { answering, RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers one request; the next resets its connection, and so is every later one: the kernel still accepts for a process that is gone. */
async function dying(): Promise<{ readonly port: number; close(): Promise<void> }> {
  let requests = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => ++requests === 1 ? socket.write(OK) : socket.resetAndDestroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

Deno.test("upstream: a user of a back end that is dying is served by another, and never gets a 502 for an idempotent request", async () => {
  const alive = new RawBackEnd(answering(OK));
  const pool = ", persistence: { session_cookies: [sid] }";
  await withServe([await dying(), alive], { pool }, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (let i = 0; i < 3; i++) {
      await client.send("GET / HTTP/1.1\r\nHost: shop\r\nCookie: SpServer=1\r\n\r\n");
      assert.match((await client.message()).head, /^HTTP\/1\.1 200 OK\r\n/, `request ${i}`);
    }
    client.close();
  });
});
