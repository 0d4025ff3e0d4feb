/** WebSocket (RFC 6455) through `dlba serve`: the npm package `ws` on both sides is the judge. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
// @ts-types="@types/ws"
import { WebSocket, WebSocketServer } from "ws";
import { eventually } from "./eventually.ts";
import { withServe } from "./harness.ts";

const TOTAL = 50_000_000;
/** What the process may grow by over 200 MB: V8's young generation and a few buffers. */
const GROWTH = 40_000_000;

class WebSocketBackEnd {
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer) {
    this.#server = server;
  }

  static async start(connected: (socket: WebSocket) => void): Promise<WebSocketBackEnd> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "chat" });
    server.on("connection", connected);
    await once(server, "listening");
    return new WebSocketBackEnd(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

async function open(url: string, ca?: string): Promise<WebSocket> {
  const socket = new WebSocket(url, "chat", ca === undefined ? {} : { ca: Deno.readTextFileSync(ca) });
  await once(socket, "open");
  return socket;
}

/** Sends TOTAL random bytes in messages of many sizes, and resolves to their hash. */
async function sendMany(socket: WebSocket): Promise<string> {
  const hash = createHash("sha256");
  const random = randomBytes(1_000_000);
  // Lengths of 7, 16 and 64 bits: RFC 6455 section 5.2.
  const sizes = [1, 125, 126, 65_535, 65_536, 1_000_000];
  for (let sent = 0, i = 0; sent < TOTAL; i++) {
    const message = random.subarray(0, Math.min(sizes[i % sizes.length]!, TOTAL - sent));
    random[0] = i;
    hash.update(message);
    await new Promise<void>((resolve, reject) => socket.send(message, (error) => error ? reject(error) : resolve()));
    sent += message.length;
  }
  return hash.digest("hex");
}

/** Resolves to the hash of the TOTAL bytes that come. */
function receiveMany(socket: WebSocket): Promise<string> {
  const hash = createHash("sha256");
  let got = 0;
  return new Promise((resolve) => {
    socket.on("message", (message: Uint8Array) => {
      hash.update(message);
      got += message.length;
      if (got === TOTAL) resolve(hash.digest("hex"));
    });
  });
}

Deno.test("websocket: 50 MB each way at once arrive intact, in clear and over TLS", async () => {
  let atBackEnd: Promise<readonly [sent: string, received: string]> | undefined;
  const backEnd = await WebSocketBackEnd.start((socket) => {
    atBackEnd = Promise.all([sendMany(socket), receiveMany(socket)]);
  });
  await withServe([backEnd], {}, async (serve) => {
    const before = serve.rss();
    for (const url of [`ws://localhost:${serve.http}/`, `wss://localhost:${serve.https}/`]) {
      const socket = await open(url, serve.certificateFile);
      const [sent, received] = await Promise.all([sendMany(socket), receiveMany(socket)]);
      assert.deepEqual(await atBackEnd, [received, sent]);
      socket.close();
      await once(socket, "close");
    }
    assert.ok(serve.peakRss() - before < GROWTH, `memory grew by ${serve.peakRss() - before} bytes`);
  });
});

Deno.test("websocket: text, binary, ping and pong pass both ways, with the protocol that was agreed", async () => {
  const backEnd = await WebSocketBackEnd.start((socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("ping", (data) => socket.ping(`you sent ${data}`));
  });
  await withServe([backEnd], {}, async (serve) => {
    const socket = await open(`ws://localhost:${serve.http}/chat?room=1`);
    assert.equal(socket.protocol, "chat");
    socket.send("h\u00e9llo \u{1f600}");
    const [text, textIsBinary] = await once(socket, "message");
    assert.deepEqual([String(text), textIsBinary], ["h\u00e9llo \u{1f600}", false]);
    socket.send(Uint8Array.of(0, 13, 10, 255));
    const [bytes, bytesAreBinary] = await once(socket, "message");
    assert.deepEqual([[...bytes], bytesAreBinary], [[0, 13, 10, 255], true]);
    socket.send("");
    assert.equal(String((await once(socket, "message"))[0]), "");
    const pong = once(socket, "pong");
    const pinged = once(socket, "ping");
    socket.ping("a ping");
    assert.equal(String((await pong)[0]), "a ping");
    assert.equal(String((await pinged)[0]), "you sent a ping");
    socket.close();
    await once(socket, "close");
  });
});

Deno.test("websocket: close codes and reasons pass both ways, an abrupt end is one on the other side", async () => {
  const seen: string[] = [];
  let ended = () => {};
  const backEnd = await WebSocketBackEnd.start((socket) => {
    socket.on("message", (text) => String(text) === "close" ? socket.close(4001, "enough") : socket.terminate());
    socket.on("close", (code, reason) => {
      seen.push(`${code} ${reason}`);
      ended();
    });
  });
  await withServe([backEnd], {}, async (serve) => {
    const url = `ws://localhost:${serve.http}/`;
    const endOf = () => new Promise<void>((resolve) => ended = resolve);

    const one = await open(url);
    const oneEnd = endOf();
    one.close(4000, "bye");
    assert.deepEqual((await once(one, "close"))[0], 4000);
    await oneEnd;

    const two = await open(url);
    const twoEnd = endOf();
    two.send("close");
    const [code, reason] = await once(two, "close");
    assert.deepEqual([code, String(reason)], [4001, "enough"]);
    await twoEnd;

    const three = await open(url);
    const threeEnd = endOf();
    three.terminate();
    await threeEnd;

    const four = await open(url);
    const fourEnd = endOf();
    four.send("terminate");
    assert.equal((await once(four, "close"))[0], 1006);
    await fourEnd;

    assert.deepEqual(seen, ["4000 bye", "4001 enough", "1006 ", "1006 "]);
    await eventually(() => assert.equal(serve.backEndRows(1)[0]!.open, 0));
  });
});

Deno.test("websocket: many at a time do not mix", async () => {
  const backEnd = await WebSocketBackEnd.start((socket) => socket.on("message", (data) => socket.send(data)));
  await withServe([backEnd], {}, async (serve) => {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => open(`ws://localhost:${serve.http}/`)));
    await eventually(() => assert.equal(serve.backEndRows(1)[0]!.open, 50));
    await Promise.all(sockets.map(async (socket, i) => {
      for (let j = 0; j < 20; j++) {
        const text = `${i}.${j} `.repeat(100 * j);
        const answer = once(socket, "message");
        socket.send(text);
        assert.equal(String((await answer)[0]), text);
      }
      socket.close();
      await once(socket, "close");
    }));
  });
});
