/** Upgraded connections (RFC 9110 section 7.8) through `dlba serve`: bytes in, the same bytes out, until either side ends. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { eventually } from "./eventually.ts";
import { answering, RawBackEnd, ServeProcess, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const UPGRADE = "GET /chat HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n";
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/** More than the socket buffers on the way take (tcp_wmem, tcp_rmem), so that somebody has to wait. */
const MANY = 30_000_000;
/** What the process may grow by while it tunnels: V8's young generation and a few buffers a connection. */
const GROWTH = 40_000_000;

/** A back end that agrees to the upgrade and then does as `work` says. */
function switching(work: (peer: Peer) => Promise<void>): RawBackEnd {
  return new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    await peer.send(SWITCHING);
    await work(peer);
  });
}

async function upgraded(port: number): Promise<Peer> {
  const client = await Peer.connect(port);
  await client.send(UPGRADE);
  assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  return client;
}

Deno.test("tunnel: the upgrade goes to the back end anew, and its 101 to the client", async () => {
  let seen = "";
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    seen = await peer.until("\r\n\r\n");
    await peer.send(
      "HTTP/1.1 101 Switching Protocols\r\nX-Hop: 1\r\nConnection: upgrade, x-hop\r\nUpgrade: Echo\r\n\r\n",
    );
    await peer.rest();
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    await client.send(
      "GET /chat HTTP/1.1\r\nHost: shop\r\nSec-WebSocket-Key: x\r\nX-Hop: 1\r\nConnection: X-Hop, Upgrade\r\nUpgrade: other, echo\r\n\r\n",
    );
    const head = await client.until("\r\n\r\n");
    assert.equal(head, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: Echo\r\n\r\n");
    assert.match(seen, /\r\nsec-websocket-key: x\r\n/);
    assert.match(seen, /\r\nconnection: upgrade\r\nupgrade: other, echo\r\n/);
    assert.doesNotMatch(seen, /x-hop/);
    client.close();
  });
});

Deno.test("tunnel: bytes sent with the upgrade request or before its 101 reach the back end after it, in order", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    // Long enough for the second piece to come first.
    await delay(150);
    await peer.send(`${SWITCHING}at once,`);
    await peer.send(await peer.until("three"));
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    await client.send(`${UPGRADE}GET one\n`);
    await delay(50);
    await client.send("\0two");
    await client.until("\r\n\r\n");
    await client.send("three");
    assert.equal(await client.rest(), "at once,GET one\n\0twothree");
    client.close();
  });
});

Deno.test("tunnel: a client that half-closes still hears its back end, which sees the end", async () => {
  const backEnd = switching(async (peer) => {
    const got = await peer.rest();
    await delay(50);
    await peer.send(`${got.length} bytes, then the end`);
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await upgraded(serve.http);
    await client.send("x".repeat(1_000_000));
    await client.finish();
    assert.equal(await client.rest(), "1000000 bytes, then the end");
    client.close();
  });
});

Deno.test("tunnel: a back end that half-closes still hears its client, which sees the end", async () => {
  let got = "";
  const backEnd = switching(async (peer) => {
    await peer.send("the end");
    await peer.finish();
    got = await peer.rest();
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await upgraded(serve.http);
    assert.equal(await client.rest(), "the end");
    await delay(50);
    await client.send("still here");
    client.close();
    for (let i = 0; i < 40 && got === ""; i++) await delay(25);
    assert.equal(got, "still here");
  });
});

/** Reads to the end, the first bytes only after a while; gives back how many came. */
async function countSlowly(connection: Deno.Conn): Promise<number> {
  await delay(400);
  let count = 0;
  const buffer = new Uint8Array(65_536);
  for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) count += read;
  return count;
}

Deno.test("tunnel: a back end that half-closes and reads slowly gets all that its client sends", async () => {
  let got = -1;
  const backEnd = switching(async (peer) => {
    await peer.finish();
    got = await countSlowly(peer.connection);
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await upgraded(serve.http);
    assert.equal(await client.rest(), "");
    await client.send(new Uint8Array(MANY));
    await client.finish();
    for (let i = 0; i < 100 && got < 0; i++) await delay(25);
    assert.equal(got, MANY);
    client.close();
  });
});

Deno.test("tunnel: a client that half-closes and reads slowly gets all that its back end sends", async () => {
  const backEnd = switching(async (peer) => {
    await peer.rest();
    await peer.send(new Uint8Array(MANY));
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await upgraded(serve.http);
    await client.finish();
    assert.equal(await countSlowly(client.connection), MANY);
    client.close();
  });
});

Deno.test("tunnel: when both sides have ended, what a slow back end still has to read arrives, and the tunnel is gone", async () => {
  let got = -1;
  let mayRead = () => {};
  const reading = new Promise<void>((resolve) => mayRead = resolve);
  const backEnd = switching(async (peer) => {
    await reading;
    await peer.finish();
    got = await countSlowly(peer.connection);
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await upgraded(serve.http);
    const sent = client.send(new Uint8Array(MANY)).then(() => client.finish());
    await delay(200);
    mayRead();
    assert.equal(await client.rest(), "");
    await sent;
    for (let i = 0; i < 100 && got < 0; i++) await delay(25);
    assert.equal(got, MANY);
    await eventually(() => assert.equal(serve.backEndRows(1)[0]!.open, 0));
    client.close();
  });
});

Deno.test("tunnel: a side that resets takes the other along", async () => {
  let isGone = false;
  const backEnd = switching(async (peer) => {
    // Unread bytes make the close a reset.
    await peer.until("bye");
    await delay(50);
  });
  const waiting = switching(async (peer) => {
    await peer.rest();
    isGone = true;
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await upgraded(serve.http);
    await client.send("bye");
    await delay(20);
    await client.send("x".repeat(1000));
    assert.match(await client.rest(), /^(\[reset\])?$/);
    client.close();
  });
  await withServe([waiting], {}, async (serve) => {
    const client = await upgraded(serve.http);
    client.close();
    for (let i = 0; i < 40 && !isGone; i++) await delay(25);
    assert.ok(isGone);
  });
});

Deno.test("tunnel: a refused upgrade is an ordinary response, and the connection serves on", async () => {
  const backEnd = new RawBackEnd(
    answering((head) =>
      head.includes("/chat") ? "HTTP/1.1 403 Forbidden\r\nUpgrade: echo\r\nContent-Length: 2\r\n\r\nno" : OK
    ),
  );
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (let i = 0; i < 2; i++) {
      await client.send(UPGRADE);
      const refused = await client.message();
      assert.match(refused.head, /^HTTP\/1\.1 403 Forbidden\r\n/);
      assert.doesNotMatch(refused.head, /connection: close/);
      assert.equal(refused.body, "no");
      await client.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
      assert.equal((await client.message()).body, "ok");
    }
    assert.equal(backEnd.accepted, 1, "nor did the back end's connection suffer");
    client.close();
  });
});

Deno.test("tunnel: a 101 that was not asked for, or to another protocol, is a 502", async () => {
  const answers = [
    SWITCHING,
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
  ];
  let answer = "";
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    await peer.send(answer);
    await peer.rest();
  });
  await withServe([backEnd], {}, async (serve) => {
    for (answer of answers) {
      const asks = answer === SWITCHING ? "" : "Connection: upgrade\r\nUpgrade: echo\r\n";
      const client = await Peer.connect(serve.http);
      await client.send(`GET / HTTP/1.1\r\nHost: shop\r\n${asks}\r\n`);
      assert.match((await client.message()).head, /^HTTP\/1\.1 502 Bad Gateway\r\n/, answer);
      client.close();
    }
  });
});

Deno.test("tunnel: an upgrade to HTTP or TLS, of HTTP/1.0, with a body, or not listed in Connection never reaches the back end", async () => {
  let seen = "";
  const backEnd = new RawBackEnd(answering((head) => (seen = head, OK)));
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (const protocol of ["h2c", "H2C", "websocket, h2c", "TLS/1.2", "HTTP/2.0", "h2c,websocket"]) {
      await client.send(
        `GET / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: x\r\n\r\n`,
      );
      assert.equal((await client.message()).body, "ok");
      assert.doesNotMatch(seen, /upgrade|h2c|http2/i, protocol);
    }
    const others = [
      "GET / HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: echo\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: shop\r\nConnection: upgrade\r\nUpgrade: echo\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: shop\r\nUpgrade: echo\r\n\r\n",
    ];
    for (const request of others) {
      await client.send(request);
      assert.equal((await client.message()).body, "ok", request);
      assert.doesNotMatch(seen, /upgrade/i, request);
    }
    client.close();
  });
});

Deno.test("tunnel: one over which nothing passes is closed after proxy.tunnel_timeout, one in use is not", async () => {
  const backEnd = switching(async (peer) => {
    while (true) {
      await peer.until("?");
      await peer.send("!");
    }
  });
  await withServe([backEnd], { config: "proxy: { tunnel_timeout: 500ms }" }, async (serve) => {
    const began = performance.now();
    const idle = await upgraded(serve.http);
    const idleEnd = idle.rest().then(() => performance.now() - began);
    const busy = await upgraded(serve.http);
    for (let i = 0; i < 8; i++) {
      await delay(150);
      await busy.send("?");
      assert.equal(await busy.until("!"), "!");
    }
    const busyFrom = performance.now();
    const ms = await idleEnd;
    assert.ok(ms >= 480 && ms < 1_100, `closed after ${ms} ms`);
    await busy.rest();
    assert.ok(performance.now() - busyFrom < 1_000);
    idle.close();
    busy.close();
  });
});

Deno.test("tunnel: SIGTERM leaves it proxy.drain_timeout, then it is closed and the process ends", async () => {
  const backEnd = switching(async (peer) => {
    while (true) {
      await peer.until("?");
      await peer.send("!");
    }
  });
  const serve = await ServeProcess.start({
    backEnds: [backEnd.port],
    config: "proxy: { drain_timeout: 700ms }",
  });
  const client = await upgraded(serve.http);
  const began = performance.now();
  const stopped = serve.stop();
  await delay(300);
  await client.send("?");
  assert.equal(await client.until("!"), "!", "it lives on meanwhile");
  assert.equal(await client.rest(), "");
  const ms = performance.now() - began;
  assert.ok(ms >= 650 && ms < 1_500, `closed after ${ms} ms`);
  assert.equal(await stopped, 0);
  client.close();
  await backEnd.close();
});

/** Sends until it is not taken any more; resolves to how much was. Ends when the connection does. */
function sendUntilStuck(connection: Deno.Conn): { readonly sent: () => number; readonly done: Promise<void> } {
  let sent = 0;
  const piece = new Uint8Array(65_536);
  const send = async () => {
    try {
      while (true) sent += await connection.write(piece);
    } catch {
      // The test is over.
    }
  };
  return { sent: () => sent, done: send() };
}

async function untilStuck(sent: () => number): Promise<void> {
  for (let before = -1; before !== sent() || before === 0;) {
    before = sent();
    await delay(150);
  }
}

Deno.test("tunnel: a reader on either side that takes nothing holds the other back instead of filling memory", async () => {
  let sending = { sent: () => 0, done: Promise.resolve() };
  const backEnd = switching(async (peer) => {
    sending = sendUntilStuck(peer.connection);
    await sending.done;
  });
  await withServe([backEnd], {}, async (serve) => {
    const before = serve.rss();
    const clients: Peer[] = [];
    const senders: Promise<void>[] = [];
    for (let i = 0; i < 2; i++) {
      const client = await upgraded(serve.http);
      clients.push(client);
      const toBackEnd = sendUntilStuck(client.connection);
      senders.push(toBackEnd.done);
      await untilStuck(toBackEnd.sent);
      await untilStuck(sending.sent);
      assert.ok(toBackEnd.sent() > 1_000_000 && sending.sent() > 1_000_000);
    }
    assert.ok(serve.peakRss() - before < GROWTH, `memory grew by ${serve.peakRss() - before} bytes`);
    for (const client of clients) client.close();
    await Promise.all(senders);
  });
});
