/** Bodies that are too long, too slow, or answered before they came whole, through `dlba serve`. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { eventually } from "./eventually.ts";
import { RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n";

function post(framing: string): string {
  return `POST / HTTP/1.1\r\nHost: shop\r\n${framing}\r\n\r\n`;
}

/** A back end that reads each request to its end and tells how long the body was; `heads` collects those that came whole. */
function measuring(heads: string[]): RawBackEnd {
  return new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    while (true) {
      const { head, body } = await peer.message();
      const data = /chunked/.test(head) ? await peer.until("0\r\n\r\n") : body;
      heads.push(head);
      await peer.send(`HTTP/1.1 200 OK\r\nX-Got: ${data.length}\r\nContent-Length: 2\r\n\r\nok`);
    }
  });
}

Deno.test("body: longer than proxy.max_body_bytes is a 413 by its length or midway, and nothing after it is read", async () => {
  const heads: string[] = [];
  await withServe([measuring(heads)], { config: "proxy: { max_body_bytes: 1000 }" }, async (serve) => {
    const client = await Peer.connect(serve.http);
    await client.send(post("Content-Length: 1000") + "x".repeat(1000));
    assert.match((await client.message()).head, /\r\nx-got: 1000\r\n/, "the limit itself is allowed");
    await client.send(post("Transfer-Encoding: chunked") + `3e8\r\n${"x".repeat(1000)}\r\n0\r\n\r\n`);
    assert.equal((await client.message()).body, "ok");
    client.close();

    heads.length = 0;
    const tooLong = await serve.raw(post("Content-Length: 1001") + SMUGGLED.repeat(100));
    assert.match(
      tooLong,
      /^HTTP\/1\.1 413 Content Too Large\r\n[^]*\r\nconnection: close\r\n\r\n413 Content Too Large\n$/,
    );
    assert.match(await serve.raw(post("Content-Length: 1001\r\nExpect: 100-continue")), /^HTTP\/1\.1 413 /);
    assert.deepEqual(heads, [], "it is refused by its head");

    const inOne = `${(100 * SMUGGLED.length).toString(16)}\r\n${SMUGGLED.repeat(100)}`;
    const inMany = `1\r\nx\r\n`.repeat(1001) + `0\r\n\r\n${SMUGGLED}`;
    for (const chunks of [inOne, inMany]) {
      const client = await Peer.connect(serve.http);
      await client.send(post("Transfer-Encoding: chunked") + chunks.slice(0, 500));
      await delay(30);
      await client.send(chunks.slice(500));
      assert.match(await client.rest(), /^HTTP\/1\.1 413 [^]*\r\n\r\n413 Content Too Large\n$/);
      client.close();
    }
    assert.deepEqual(heads, [], "no back end takes the part for the whole");
    await eventually(() => assert.equal(serve.backEndRows(1)[0]!.open, 0));
  });
});

Deno.test("body: one that stalls for proxy.body_timeout is a 408, one that keeps coming is not", async () => {
  const heads: string[] = [];
  await withServe([measuring(heads)], { config: "proxy: { body_timeout: 400ms }" }, async (serve) => {
    const stalls = [
      post("Content-Length: 10"),
      post("Content-Length: 10") + "123",
      post("Transfer-Encoding: chunked") + "5\r\nab",
      post("Transfer-Encoding: chunked") + "2\r\nab\r\n",
      post("Transfer-Encoding: chunked") + "2\r\nab\r\n0\r\n",
      post("Transfer-Encoding: chunked"),
    ];
    await Promise.all(stalls.map(async (request) => {
      const began = performance.now();
      assert.match(await serve.raw(request), /^HTTP\/1\.1 408 Request Timeout\r\n[^]*connection: close/, request);
      const ms = performance.now() - began;
      assert.ok(ms >= 350 && ms < 1_500, `${request}: ${ms} ms`);
    }));
    assert.deepEqual(heads, []);
    const client = await Peer.connect(serve.http);
    await client.send(post("Content-Length: 6"));
    for (const byte of "steady") {
      await delay(150);
      await client.send(byte);
    }
    assert.match((await client.message()).head, /^HTTP\/1\.1 200 OK\r\n/);
    client.close();
  });
});

Deno.test("body: a client does not time out while its back end is what takes no more", async () => {
  const size = 20_000_000;
  const backEnd = new RawBackEnd(async (connection) => {
    await delay(1_000);
    let got = 0;
    const buffer = new Uint8Array(65_536);
    while (got < size) got += await connection.read(buffer) ?? size;
    await new Peer(connection).send(OK);
  });
  await withServe(
    [backEnd],
    { config: "proxy: { body_timeout: 300ms, client_idle_timeout: 300ms }" },
    async (serve) => {
      const client = await Peer.connect(serve.http);
      await client.send(post(`Content-Length: ${size}`));
      await client.send(new Uint8Array(size));
      assert.match((await client.message()).head, /^HTTP\/1\.1 200 OK\r\n/);
      client.close();
    },
  );
});

/** Sends as a client that does not listen before it is done, which the proxy may break off. */
async function sendRegardless(peer: Peer, text: string, pieces: number): Promise<void> {
  try {
    for (let i = 0; i < pieces; i++) await peer.send(text);
  } catch {
    // The connection was closed in between, as it may be.
  }
}

Deno.test("body: an answer before its end is passed on whole, then the connection ends; the rest is never a request", async () => {
  let requests = 0;
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    const head = await peer.until("\r\n\r\n");
    requests++;
    await peer.send(`HTTP/1.1 403 Forbidden\r\nContent-Length: 70000\r\n\r\n${"n".repeat(70_000)}`);
    // Reads on, as servers do that want to keep the connection; or nothing more.
    if (head.includes("/reads")) await peer.rest();
    else await delay(300);
  });
  await withServe([backEnd], {}, async (serve) => {
    const piece = SMUGGLED.repeat(100);
    for (const path of ["/reads", "/waits"]) {
      for (const framing of [`Content-Length: ${piece.length * 100}`, "Transfer-Encoding: chunked"]) {
        const client = await Peer.connect(serve.http);
        const chunk = framing.startsWith("Content") ? piece : `${piece.length.toString(16)}\r\n${piece}\r\n`;
        await client.send(post(framing).replace("/", path) + chunk);
        const sending = sendRegardless(client, chunk, 60);
        const answer = await client.rest();
        assert.match(
          answer,
          /^HTTP\/1\.1 403 Forbidden\r\ncontent-length: 70000\r\nconnection: close\r\n\r\nn{70000}(\[reset\])?$/,
        );
        client.close();
        await sending;
      }
    }
    assert.equal(requests, 4);
  });
});

Deno.test("body: an answer of a back end that closes with the body unread still reaches its client", async () => {
  let headSeen = () => {};
  let mayAnswer = Promise.resolve();
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    headSeen();
    await mayAnswer;
    // Closing with bytes unread is a reset.
    await peer.send("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nmuch");
  });
  await withServe([backEnd], {}, async (serve) => {
    let answer = () => {};
    const hasSeen = new Promise<void>((resolve) => headSeen = resolve);
    mayAnswer = new Promise<void>((resolve) => answer = resolve);
    const client = await Peer.connect(serve.http);
    await client.send(post("Content-Length: 1000000"));
    await hasSeen;
    await client.send("unread");
    await delay(30);
    // While the process stands still its next events queue up: first the client's, then the answer with the reset.
    serve.child.kill("SIGSTOP");
    await client.send("x".repeat(1_000));
    await delay(30);
    answer();
    await delay(30);
    serve.child.kill("SIGCONT");
    assert.match(await client.rest(), /^HTTP\/1\.1 413 Content Too Large\r\n[^]*much$/);
    client.close();
  });
});
