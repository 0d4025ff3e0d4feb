/** What strangers do to the status port: it answers the others. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { Paced } from "../../core/status/paced.ts";
import { askStatusPort } from "../../core/status/status_client.ts";
import { StatusServer } from "../../core/status/status_server.ts";

const BIG_BYTES = 40 << 20;

async function withServer(use: (port: number) => Promise<void>, members: string[] = []): Promise<void> {
  const stop = new AbortController();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answer = (request: Request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/none") return new Response(null, { status: 204 });
    if (pathname === "/fail") throw new Error("a defect");
    return new Response(pathname === "/big" ? new Uint8Array(BIG_BYTES) : pathname + search);
  };
  const running = new StatusServer(listener, answer, members).run(stop.signal);
  try {
    await use((listener.addr as Deno.NetAddr).port);
  } finally {
    stop.abort();
    await running;
  }
}

const ask = (port: number, path = "/x", maxBytes = 1000) =>
  askStatusPort({ address: "127.0.0.1", port }, path, maxBytes, AbortSignal.timeout(15_000));

/** Sends the text and reads to the end of the connection. */
async function exchange(port: number, text: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let answer = "";
  try {
    await connection.write(new TextEncoder().encode(text));
    const bytes = new Uint8Array(4096);
    for (let count = await connection.read(bytes); count !== null; count = await connection.read(bytes)) {
      answer += new TextDecoder().decode(bytes.subarray(0, count));
    }
  } catch {
    // It was reset: what it sent was not read to its end.
  }
  connection.close();
  return answer;
}

Deno.test("StatusServer answers one question and closes, as RFC 9112 wants it", async () => {
  await withServer(async (port) => {
    assert.equal(new TextDecoder().decode((await ask(port, "/a?b=1")).body), "/a?b=1");
    assert.equal((await ask(port, "/none")).status, 204);
    const twice = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2);
    const answer = await exchange(port, twice);
    assert.match(answer, /^HTTP\/1\.1 200 .*\r\n(.+\r\n)*content-length: 2\r\nconnection: close\r\n\r\n\/a$/);
    assert.match(await exchange(port, "HEAD /a HTTP/1.1\r\n\r\n"), /content-length: 2\r\nconnection: close\r\n\r\n$/);
    assert.match(await exchange(port, "POST /a HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 405 .*\r\nallow: GET, HEAD\r\n/);
    for (const bad of ["GET a HTTP/1.1\r\n\r\n", "GET /a\r\n\r\n", "\r\n\r\n", "GET /\u0000 HTTP/1.1\r\n\r\n"]) {
      assert.match(await exchange(port, bad), /^HTTP\/1\.1 400 /, bad);
    }
    await exchange(port, "GET /a HTTP/1.1\r\n" + "X: y\r\n".repeat(100_000));
    assert.equal(await exchange(port, "GET /fail HTTP/1.1\r\n\r\n"), "");
    assert.equal((await ask(port)).status, 200, "it goes on");
  });
});

Deno.test("StatusServer gives an address 16 connections, and takes them back from who says nothing", async () => {
  await withServer(async (port) => {
    const idle: Deno.Conn[] = [];
    for (let i = 0; i < 16; i++) idle.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    await assert.rejects(() => ask(port));
    const began = performance.now();
    while (await ask(port).then(() => false, () => true)) await delay(50);
    assert.ok(performance.now() - began < 10_000, "after 2 s");
    for (const connection of idle) connection.close();
  });
});

/** A connection from that address on which nothing comes. */
function silent(hostname: string) {
  const { promise: closed, resolve } = Promise.withResolvers<null>();
  const connection = { isClosed: false, remoteAddr: { hostname }, read: () => closed, close() {} };
  connection.close = () => {
    connection.isClosed = true;
    resolve(null);
  };
  return connection;
}

Deno.test("StatusServer keeps room for the array's nodes while strangers take what they can", async () => {
  const strangers = Array.from({ length: 100 }, (_, i) => silent(`192.0.2.${100 + (i >> 3)}`));
  const members = Array.from({ length: 20 }, () => silent("192.0.2.11"));
  const waiting: ReturnType<typeof silent>[] = [...strangers, ...members];
  const stop = new AbortController();
  const listener = {
    accept: () => {
      const next = waiting.shift();
      if (!next) stop.abort();
      return next ? Promise.resolve(next) : Promise.reject(new Error("closed"));
    },
    close() {},
  };
  const server = new StatusServer(listener as unknown as Deno.Listener, () => new Response(), ["192.0.2.11"]);
  await server.run(stop.signal);
  const open = (connections: ReturnType<typeof silent>[]) => connections.filter(({ isClosed }) => !isClosed).length;
  assert.deepEqual([open(strangers), open(members)], [64, 16]);
  for (const connection of [...strangers, ...members]) connection.close();
});

Deno.test("StatusServer holds no more than so many bytes for those who do not take them", async () => {
  await withServer(async (port) => {
    const slow: Deno.Conn[] = [];
    for (let i = 0; i < 3; i++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(new TextEncoder().encode("GET /big HTTP/1.1\r\n\r\n"));
      slow.push(connection);
    }
    // Three of 40 MiB wait, and 128 are the limit.
    while (await ask(port, "/big", BIG_BYTES).then(() => true, () => false)) await delay(50);
    assert.equal((await ask(port)).status, 200, "a small one has room");
    for (const connection of slow) connection.close();
    while (await ask(port, "/big", BIG_BYTES).then(() => false, () => true)) await delay(50);
  });
});

Deno.test("Paced makes nothing anew before four times the time that its making took", () => {
  let now = 0, made = 0;
  const paced = new Paced(() => {
    now += 10;
    return ++made;
  }, () => now);
  assert.equal(paced.get(), 1);
  now = 49;
  assert.equal(paced.get(), 1);
  now = 50;
  assert.equal(paced.get(), 2);
});
