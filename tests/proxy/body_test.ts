/** Message bodies (RFC 9112 sections 6 and 7) through `dlba serve`: where they end, and what may stand before and after them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { delay } from "../../core/delay.ts";
import { answering, RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n";

/** A back end that deals with each of its connections by hand. */
function backEndOf(work: (peer: Peer) => Promise<void>): RawBackEnd {
  return new RawBackEnd((connection) => work(new Peer(connection)));
}

Deno.test("body: the 100 that a client waits for comes from the back end", async () => {
  const backEnd = backEndOf(async (peer) => {
    while (true) {
      const head = await peer.until("\r\n\r\n");
      assert.match(head, /\r\nexpect: 100-continue\r\n/);
      await peer.send("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n");
      const body = head.includes("chunked") ? await peer.until("0\r\n\r\n") : await peer.bytes(5);
      await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (const expect of ["100-continue", "100-Continue"]) {
      await client.send(`POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\nExpect: ${expect}\r\n\r\n`);
      assert.equal(await client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\nx-interim: 1\r\n\r\n");
      await client.send("hello");
      assert.equal((await client.message()).body, "hello");
    }
    await client.send("POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 100 /);
    await client.send("5\r\nhello\r\n0\r\n\r\n");
    assert.equal((await client.message()).body, "5\r\nhello\r\n0\r\n\r\n");
    assert.equal(backEnd.accepted, 1);
    client.close();
  });
});

Deno.test("body: a back end that refuses or answers instead of 100 ends the connection; the body is never a request", async () => {
  for (const status of ["417 Expectation Failed", "200 OK", "413 Content Too Large"]) {
    let requests = 0;
    const backEnd = backEndOf(async (peer) => {
      while (true) {
        const head = await peer.until("\r\n\r\n");
        requests++;
        assert.doesNotMatch(head, /smuggled/);
        await peer.send(`HTTP/1.1 ${status}\r\nContent-Length: 3\r\n\r\nnow`);
      }
    });
    await withServe([backEnd], {}, async (serve) => {
      const client = await Peer.connect(serve.http);
      await client.send(
        `POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${SMUGGLED.length}\r\nExpect: 100-continue\r\n\r\n`,
      );
      const { head, body } = await client.message();
      assert.ok(head.startsWith(`HTTP/1.1 ${status}\r\n`), head);
      assert.match(head, /\r\nconnection: close\r\n/);
      assert.equal(body, "now");
      await client.send(SMUGGLED + SMUGGLED);
      assert.equal(await client.rest(), "");
      client.close();
      assert.match(await serve.raw("GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"), /now$/);
      assert.equal(requests, 2);
    });
  }
});

Deno.test("body: an expectation of HTTP/1.0 or without a body is not passed on, another is a 417", async () => {
  let seen = "";
  const backEnd = new RawBackEnd(answering((head) => (seen = head, OK)));
  await withServe([backEnd], {}, async (serve) => {
    assert.match(await serve.raw("POST / HTTP/1.0\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n"), /ok$/);
    assert.doesNotMatch(seen, /expect/i);
    assert.match(
      await serve.raw(`GET / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`),
      /ok$/,
    );
    assert.doesNotMatch(seen, /expect/i);
    seen = "";
    assert.match(
      await serve.raw("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n"),
      /^HTTP\/1\.1 417 /,
    );
    assert.equal(seen, "");
  });
});

Deno.test("body: every interim response reaches an HTTP/1.1 client, in order and at once; none an HTTP/1.0 client", async () => {
  const interim = ["102 Processing", "103 Early Hints", "103 Early Hints", "199 Ours"].map((status, i) =>
    `HTTP/1.1 ${status}\r\nlink: </${i}>\r\n\r\n`
  );
  let wasSeen = () => {};
  let seen = Promise.resolve();
  const backEnd = backEndOf(async (peer) => {
    while (true) {
      await peer.until("\r\n\r\n");
      for (const response of interim) {
        await peer.send(response);
        await seen;
      }
      await peer.send(OK);
    }
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (let round = 0; round < 2; round++) {
      // The first must come before the next is sent; in the second round all are sent at once.
      if (round === 0) seen = new Promise((resolve) => wasSeen = resolve);
      await client.send(GET);
      for (const expected of interim) {
        assert.equal(await client.until("\r\n\r\n"), expected);
        wasSeen();
      }
      assert.equal((await client.message()).body, "ok");
    }
    client.close();
    assert.match(await serve.raw("GET / HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 OK\r\n/);
  });
});

Deno.test("body: responses to HEAD and of 204 and 304 have none, whatever their heads say", async () => {
  const heads: Record<string, string> = {
    "/length": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    "/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "/neither": "HTTP/1.1 200 OK\r\n\r\n",
    "/204": "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
    "/304": "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "/304c": "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
    "/": OK,
  };
  const backEnd = new RawBackEnd(answering((head) => heads[head.split(" ")[1]!]!));
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    const requests = ["HEAD /length", "HEAD /chunked", "HEAD /neither", "HEAD /204", "HEAD /304"];
    for (const request of [...requests, "GET /204", "GET /304", "GET /304c"]) {
      await client.send(`${request} HTTP/1.1\r\nHost: shop\r\n\r\n`);
      const { head } = await client.message(false);
      if (/length/.test(request)) assert.match(head, /\r\ncontent-length: 5\r\n/);
      // RFC 9110 section 8.6: not in a 204.
      if (/204/.test(request)) assert.doesNotMatch(head, /content-length|transfer-encoding/);
      await client.send(GET);
      assert.equal((await client.message()).body, "ok", `after ${request}`);
    }
    assert.equal(backEnd.accepted, 1);
    client.close();
  });
});

Deno.test("body: what a back end sends beyond its response is nobody's response", async () => {
  const tooMuch: Record<string, string> = {
    "HEAD /": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "GET /204": "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "GET /304": "HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "GET /long": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "GET /chunks":
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "GET /": OK,
  };
  const backEnd = new RawBackEnd(answering((head) => tooMuch[head.split(" ").slice(0, 2).join(" ")]!));
  await withServe([backEnd], {}, async (serve) => {
    for (const request of Object.keys(tooMuch)) {
      const answer = await serve.raw(
        `${request} HTTP/1.1\r\nHost: shop\r\n\r\n${GET}GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`,
      );
      assert.doesNotMatch(answer, /evil/, request);
      assert.equal(answer.match(/HTTP\/1\.1 /g)!.length, 3, request);
      assert.match(answer, /ok$/);
    }
  });
});

/** Cuts text into chunks of random sizes, with extensions here and there. */
function chunked(text: string, trailers: string): string {
  let out = "";
  for (let at = 0; at < text.length;) {
    const size = Math.min(text.length - at, 1 + Math.floor(Math.random() ** 4 * text.length));
    const hex = size.toString(16);
    const line =
      [hex, hex.toUpperCase(), `000${hex}`, `${hex};a`, `${hex} ; a="b;\\"c"`][Math.floor(Math.random() * 5)];
    out += `${line}\r\n${text.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${out}0\r\n${trailers}\r\n`;
}

async function sendInPieces(peer: Peer, text: string): Promise<void> {
  for (let at = 0; at < text.length;) {
    const size = 1 + Math.floor(Math.random() ** 3 * text.length);
    await peer.send(text.slice(at, at + size));
    await delay(0);
    at += size;
  }
}

/** Reads a chunked body of plain chunks: its data and its trailers. */
async function readChunks(peer: Peer): Promise<{ readonly data: string; readonly trailers: string }> {
  let data = "";
  while (true) {
    const size = parseInt(await peer.until("\r\n"), 16);
    if (size === 0) break;
    data += await peer.bytes(size);
    assert.equal(await peer.bytes(2), "\r\n");
  }
  let trailers = "";
  while (!trailers.endsWith("\r\n\r\n") && trailers !== "\r\n") trailers += await peer.until("\r\n");
  return { data, trailers };
}

Deno.test("body: chunks and trailers pass both ways at any split, but trailers that would mean something in a head", async () => {
  // RFC 9110 section 6.5.1: framing, routing, authentication and cookies do not belong there.
  const trailers = "X-Sum: a b\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nCookie: a=b\r\n" +
    "Set-Cookie: a=b\r\nAuthorization: x\r\nConnection: close\r\nX-Forwarded-For: 6.6.6.6\r\nx-last:\r\n";
  const kept = "x-sum: a b\r\nx-last: \r\n\r\n";
  const text = Array.from({ length: 9_000 }, (_, i) => `${i} `).join("");
  const backEnd = backEndOf(async (peer) => {
    while (true) {
      await peer.until("\r\n\r\n");
      const got = await readChunks(peer);
      assert.equal(got.data, text);
      assert.equal(got.trailers, kept);
      await sendInPieces(
        peer,
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n${chunked(got.data, trailers)}`,
      );
    }
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (let round = 0; round < 15; round++) {
      const head =
        "POST / HTTP/1.1\r\nHost: shop\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n";
      await sendInPieces(client, head + chunked(text, trailers));
      assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 200 OK\r\n.*trailer: X-Sum\r\n/s);
      assert.deepEqual(await readChunks(client), { data: text, trailers: kept });
    }
    client.close();
  });
});

Deno.test("body: an HTTP/1.0 client gets a chunked one plain, and keeps its connection where the length is told", async () => {
  const backEnd = new RawBackEnd(
    answering((head) =>
      head.includes("/chunked")
        ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n"
        : OK
    ),
  );
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (let round = 0; round < 2; round++) {
      await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      const { head, body } = await client.message();
      assert.match(head, /\r\nconnection: keep-alive\r\n/);
      assert.equal(body, "ok");
    }
    await client.send("GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const head = await client.until("\r\n\r\n");
    assert.doesNotMatch(head, /transfer-encoding|keep-alive/);
    assert.equal(await client.rest(), "abcde");
    client.close();
  });
});

Deno.test("body: a client that half-closes after its requests gets every answer", async () => {
  const backEnd = backEndOf(async (peer) => {
    while (true) {
      const { head, body } = await peer.message();
      await delay(40);
      const answer = `${head.split(" ")[1]}${body}`;
      await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`);
    }
  });
  await withServe([backEnd], {}, async (serve) => {
    const post = "POST /c HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nxyz";
    const requests = ["GET /a HTTP/1.1\r\nHost: shop\r\n\r\n", "GET /b HTTP/1.1\r\nHost: shop\r\n\r\n", post];
    for (const pause of [0, 20]) {
      const client = await Peer.connect(serve.http);
      await client.send(requests.join(""));
      // Either the end comes with the requests or it is an event of its own.
      if (pause > 0) await delay(pause);
      await client.finish();
      const answer = await client.rest();
      const bodies = answer.split("\r\n\r\n").slice(1).map((part) => part.split("HTTP/")[0]);
      assert.deepEqual(bodies, ["/a", "/b", "/cxyz"]);
      client.close();
    }
    const cut = await Peer.connect(serve.http);
    await cut.send(`${requests[0]}POST /cut HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\nxyz`);
    await cut.finish();
    assert.match(await cut.rest(), /\/a$/, "a request that breaks off has no answer");
    cut.close();
  });
});

/** A back end whose bodies end with the connection: in order, or by a reset where the path says so. */
async function endingBackEnd(body: string): Promise<{ readonly port: number; close(): Promise<void> }> {
  // Deno's own sockets say an orderly end before they reset.
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      socket.write(`HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n${body}`);
      setTimeout(() => String(data).includes("/reset") ? socket.resetAndDestroy() : socket.end(), 50);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

Deno.test("body: one that ends with the connection is whole after an orderly end, and cut after a reset", async () => {
  const body = "x".repeat(300_000);
  await withServe([await endingBackEnd(body)], {}, async (serve) => {
    for (const version of ["1.0", "1.1"]) {
      const whole = await Peer.connect(serve.http);
      await whole.send(`GET / HTTP/${version}\r\nHost: shop\r\nConnection: close\r\n\r\n`);
      await whole.until("\r\n\r\n");
      if (version === "1.0") assert.equal((await whole.rest()).length, body.length);
      else assert.deepEqual(await readChunks(whole), { data: body, trailers: "\r\n" });
      whole.close();
      assert.match(await serve.raw(`GET /reset HTTP/${version}\r\nHost: shop\r\n\r\n`), /x(\r\n)?\[reset\]$/);
    }
  });
});
