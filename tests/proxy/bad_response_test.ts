/** Responses that are malformed, too slow or broken off, through `dlba serve`. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { answering, RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const BAD_GATEWAY = /^HTTP\/1\.1 502 (?!.*\[reset\])/s;

Deno.test("bad response: a status that is not three digits is a 502", async () => {
  // What is no digit made the status NaN, which passed both comparisons, and was sent to the client.
  const statuses = ["abc", "2x0", "20:"];
  const backEnd = new RawBackEnd(
    answering((head) => `HTTP/1.1 ${statuses[Number(head[5])]} OK\r\nContent-Length: 5\r\n\r\nhello`),
  );
  await withServe([backEnd], {}, async (serve) => {
    for (const [i, status] of statuses.entries()) {
      assert.match(await serve.raw(GET.replace("/", `/${i}`)), BAD_GATEWAY, status);
    }
  });
});

Deno.test("bad response: a malformed first chunk in one read with its head is a 502, not a reset", async () => {
  // The head, still to be sent with its body's first piece, counted as passed on, and the client was reset.
  const bad = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n";
  await withServe([new RawBackEnd(answering(bad))], {}, async (serve) => {
    assert.match(await serve.raw(GET), BAD_GATEWAY);
  });
});

Deno.test("bad response: a head that comes byte by byte has its time as a whole", async () => {
  // Each byte gave it the whole response_timeout again.
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    for (const byte of `HTTP/1.1 200 OK\r\nX-A: ${"y".repeat(100)}`) {
      await peer.send(byte);
      await delay(150);
    }
  });
  await withServe([backEnd], { pool: ", response_timeout: 600ms" }, async (serve) => {
    const began = performance.now();
    assert.match(await serve.raw(GET), /^HTTP\/1\.1 504 /);
    assert.ok(performance.now() - began < 4_000);
  });
});

Deno.test("bad response: nothing is sent again after a 1xx was passed on", async () => {
  // The repetition passed a second 103 on, of another try at the request.
  let sent = 0;
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    await peer.send(`HTTP/1.1 103 Early Hints\r\nLink: </${++sent}>\r\n\r\n${sent > 1 ? OK : ""}`);
    await delay(50);
  });
  const other = new RawBackEnd(async (connection) => {
    await new Peer(connection).until("\r\n\r\n");
    sent++;
  });
  await withServe([backEnd, other], { pool: ", persistence: { session_cookies: [sid] }" }, async (serve) => {
    const answer = await serve.raw(GET.replace("Host: a", "Host: a\r\nCookie: SpServer=1"));
    assert.match(answer, /^HTTP\/1\.1 103 [^]*?\r\n\r\nHTTP\/1\.1 502 /);
    assert.equal(sent, 1);
  });
});

Deno.test("bad response: a request that is sent again is one hit", async () => {
  // Each time that it was sent counted.
  let answered = 0;
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    await peer.send(OK);
    answered++;
    // The second request of each connection finds it closed.
    await peer.until("\r\n\r\n");
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (let i = 0; i < 5; i++) {
      await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.equal((await client.message()).body, "ok");
    }
    client.close();
    assert.equal(answered, 5);
    assert.equal(serve.backEndRows(1)[0]!.hits, 5);
  });
});
