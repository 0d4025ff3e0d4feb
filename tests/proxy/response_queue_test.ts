/** Bytes that a back end sends beyond a response are nobody's: they answer no other request. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { latin1, RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const STRAY = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nSTRAYS";
const OWN = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown";
/** What the proxy reads at a time. */
const READ_BYTES = 65_536;

/** Its first response on a connection fills one read exactly, and a stray one follows it; later ones take a while. */
function overflowing(): RawBackEnd {
  return new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    await delay(100);
    const head = `HTTP/1.1 200 OK\r\nContent-Length: 65490\r\n\r\n`;
    const exact = head.replace("65490", `${READ_BYTES - head.length}`);
    await peer.send(latin1(exact + "x".repeat(READ_BYTES - exact.length) + STRAY));
    while (true) {
      await peer.until("\r\n\r\n");
      await delay(200);
      await peer.send(OWN);
    }
  });
}

/** The first answer on each connection is the long one. */
const LONG = /^x+$/;

Deno.test("response queue: a stray response behind one that fills a read does not answer the client who waits", async () => {
  // The connection went to the queued request with the stray response still unread, and that was taken for its answer.
  await withServe([overflowing()], { backEnd: ", max_connections: 1" }, async (serve) => {
    const [first, second] = [await Peer.connect(serve.http), await Peer.connect(serve.http)];
    await first.send(GET);
    await delay(40);
    await second.send(GET);
    assert.match((await first.message()).body, LONG);
    assert.match((await second.message()).body, LONG, "from a fresh connection");
    first.close();
    second.close();
  });
});

Deno.test("response queue: a stray response behind one that fills a read does not answer the next pipelined request", async () => {
  // The connection was pooled with the stray response unread; the pipelined request took it up in the same turn.
  await withServe([overflowing()], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    await client.send(GET + GET);
    assert.match((await client.message()).body, LONG);
    assert.match((await client.message()).body, LONG, "from a fresh connection");
    client.close();
  });
});

Deno.test("response queue: a stray response that comes on an idle connection in the turn of a request does not answer it", async () => {
  // The request's event came first, took the idle connection up, and the body after HEAD was taken for its answer.
  let strays: () => void;
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    strays = () => void peer.send(STRAY);
    while (true) {
      const head = await peer.until("\r\n\r\n");
      await peer.send(head.startsWith("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n" : OWN);
    }
  });
  await withServe([backEnd], {}, async (serve) => {
    const [first, second] = [await Peer.connect(serve.http), await Peer.connect(serve.http)];
    await first.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    await first.message(false);
    await delay(50);
    serve.child.kill("SIGSTOP");
    await delay(100);
    await second.send(GET);
    await delay(50);
    strays();
    await delay(50);
    serve.child.kill("SIGCONT");
    assert.equal((await second.message()).body, "own");
    assert.equal(backEnd.accepted, 2);
    first.close();
    second.close();
  });
});
