/** `dlba serve` before back ends of HTTP/2. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "node:http2";
import { eventually } from "../proxy/eventually.ts";
import { answering, fromLatin1, RawBackEnd, withServe } from "../proxy/harness.ts";
import { TestAuthority } from "../tls/authority.ts";
import { ask, exchange, withClient } from "./client.ts";
import { answer, END, speaking } from "./frame_back_end.ts";
import { Http2BackEnd } from "./http2_back_end.ts";
import { block, frame, REQUEST, uint32 } from "./peer.ts";

/** More than a loaded machine needs, ms. */
const PATIENCE = 20_000;
const H2 = { pool: ", protocol: h2", config: "proxy: { http2_cleartext: true }" };
const HEADERS = 1;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const CANCEL = 8;

const request = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: shop\r\n${more}Connection: close\r\n\r\n`;
const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: shop\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;

Deno.test("serve, back ends of HTTP/2: a request of HTTP/1.1 comes as HTTP/2 has it, and the answer back", async () => {
  let seen: Record<string, unknown> = {};
  const backEnd = await Http2BackEnd.start((stream, headers) => {
    seen = headers;
    stream.respond({ ":status": 404, "x-back": "end", "content-length": 5 });
    stream.end("hello");
  });
  await withServe([backEnd], H2, async (serve) => {
    const text = await serve.raw(
      request("/a?b", "X-A: b\r\nCookie: a=1\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Real-IP: 6.6.6.6\r\n"),
    );
    assert.match(text, /^HTTP\/1\.1 404 Not Found\r\n/);
    assert.match(text, /\r\nx-back: end\r\n/);
    assert.match(text, /\r\ncontent-length: 5\r\n(.*\r\n)*\r\nhello$/);
    const { ":method": method, ":scheme": scheme, ":authority": authority, ":path": path, ...fields } = seen;
    assert.deepEqual([method, scheme, authority, path], ["GET", "http", "shop", "/a?b"]);
    assert.deepEqual(Object.keys(fields).sort(), ["cookie", "te", "x-a", "x-forwarded-for", "x-forwarded-proto"]);
  });
});

Deno.test("serve, back ends of HTTP/2: a response without a length is chunked for HTTP/1.1, one without a body whole", async () => {
  const backEnd = await Http2BackEnd.start((stream, headers) => {
    stream.respond({ ":status": headers[":path"] === "/204" ? 204 : 200 }, { endStream: headers[":path"] !== "/body" });
    if (headers[":path"] === "/body") stream.end("hello");
  });
  await withServe([backEnd], H2, async (serve) => {
    assert.match(
      await serve.raw(request("/body")),
      /\r\ntransfer-encoding: chunked\r\n(.*\r\n)*\r\n5\r\nhello\r\n0\r\n\r\n$/,
    );
    assert.match(await serve.raw(request("/none")), /\r\ntransfer-encoding: chunked\r\n(.*\r\n)*\r\n0\r\n\r\n$/);
    assert.doesNotMatch(await serve.raw(request("/204")), /chunked|content-length/);
    assert.match(await serve.raw(request("/body").replace("GET", "HEAD")), /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*\r\n$/);
  });
});

Deno.test("serve, back ends of HTTP/2: by TLS with ALPN, verified; who does not agree on it is passed over", async () => {
  const authority = await TestAuthority.make();
  const { cert, key } = await authority.sign(["back.test"]);
  const backEnd = await Http2BackEnd.start((stream, headers) => {
    stream.respond({ ":status": 200 });
    stream.end(String(headers[":scheme"]));
  }, { tls: { cert, key } });
  const old = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key, alpnProtocols: ["http/1.1"] });
  const shaken = (async () => {
    for await (const connection of old) await connection.handshake().catch(() => {}).then(() => connection.close());
  })().catch(() => {});
  const other = {
    port: old.addr.port,
    close: async () => {
      old.close();
      await shaken;
    },
  };
  const pool = ", protocol: h2, tls: { ca: ca.crt, server_name: back.test }";
  const options = { ...H2, pool, files: { "ca.crt": authority.cert }, keepsLog: true };
  await withServe([other, backEnd], options, async (serve) => {
    for (let i = 0; i < 4; i++) assert.match(await serve.raw(request("/")), /\r\n5\r\nhttps\r\n0\r\n/);
    await eventually(
      () => assert.match(serve.log, /handshake with the back end .* failed: (it does not|no applic|tls)/i),
      PATIENCE,
    );
  });
  await authority.remove();
});

Deno.test("serve, back ends of HTTP/2: who speaks HTTP/1.1, or nothing, is passed over", async () => {
  const good = await Http2BackEnd.start((stream) => {
    stream.respond({ ":status": 200 });
    stream.end("good");
  });
  const old = new RawBackEnd(answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
  const mute = new RawBackEnd(async (connection) => {
    while (await connection.read(new Uint8Array(1_024)) !== null);
  });
  const options = { ...H2, pool: ", protocol: h2, connect_timeout: 200ms" };
  await withServe([old, mute, good], options, async (serve) => {
    for (let i = 0; i < 3; i++) assert.match(await serve.raw(post("/", "abc")), /good/);
  });
});

Deno.test("serve, back ends of HTTP/2: requests of many clients share few connections", async () => {
  let atOnce = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const backEnd = await Http2BackEnd.start((stream) => {
    most = Math.max(most, ++atOnce);
    waiting.push(() => {
      atOnce--;
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
    if (waiting.length === 60) { for (const go of waiting.splice(0)) go(); }
  });
  await withServe([backEnd], H2, async (serve) => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => serve.raw(request("/"))));
    assert.ok(answers.every((text) => text.startsWith("HTTP/1.1 200 ")));
    assert.deepEqual([most, backEnd.accepted], [60, 1]);
  });
});

Deno.test("serve, back ends of HTTP/2: no more streams than the back end takes, further ones on further connections", async () => {
  const waiting: (() => void)[] = [];
  const backEnd = await Http2BackEnd.start((stream) => {
    waiting.push(() => {
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
    if (waiting.length === 25) { for (const go of waiting.splice(0)) go(); }
  }, { settings: { maxConcurrentStreams: 10 } });
  await withServe([backEnd], H2, async (serve) => {
    const answers = await Promise.all(Array.from({ length: 25 }, () => serve.raw(request("/"))));
    assert.ok(answers.every((text) => text.startsWith("HTTP/1.1 200 ")));
    assert.equal(backEnd.accepted, 3);
  });
});

Deno.test("serve, back ends of HTTP/2: bodies of 3 MB both ways at once, and trailers behind both", async () => {
  let came: Record<string, unknown> = {};
  const backEnd = await Http2BackEnd.start((stream) => {
    stream.on("trailers", (trailers: Record<string, unknown>) => came = trailers);
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "42" }));
    stream.pipe(stream);
  });
  await withServe([backEnd], H2, async (serve) => {
    await withClient(serve, async (session) => {
      const body = Uint8Array.from({ length: 3_000_000 }, (_, i) => 97 + i % 23);
      const fields = { ":path": "/", ":method": "POST", "te": "trailers" };
      const { body: echoed, trailers } = await ask(session, fields, body, { "x-end": "yes" });
      assert.ok(echoed === new TextDecoder("latin1").decode(body));
      assert.equal(trailers["x-sum"], "42");
      await eventually(() => assert.equal(came["x-end"], "yes"), PATIENCE);
    });
  });
});

Deno.test("serve, back ends of HTTP/2: trailers of a chunked request and response of HTTP/1.1", async () => {
  let came: Record<string, unknown> = {};
  const backEnd = await Http2BackEnd.start((stream) => {
    stream.on("trailers", (trailers: Record<string, unknown>) => came = trailers);
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "42" }));
    stream.resume().on("end", () => stream.end("done"));
  });
  await withServe([backEnd], H2, async (serve) => {
    const text = await serve.raw(
      "POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: te, close\r\n\r\n" +
        "3\r\nabc\r\n0\r\nx-end: yes\r\n\r\n",
    );
    assert.match(text, /4\r\ndone\r\n0\r\nx-sum: 42\r\n\r\n$/);
    await eventually(() => assert.equal(came["x-end"], "yes"), PATIENCE);
  });
});

Deno.test("serve, back ends of HTTP/2: a client that takes nothing holds up neither others nor memory", async () => {
  const large = Buffer.alloc(64_000_000, "x");
  let sent = 0;
  const backEnd = await Http2BackEnd.start((stream, headers) => {
    stream.respond({ ":status": 200 });
    if (headers[":path"] !== "/large") {
      stream.end("small");
      return;
    }
    const write = () => {
      for (let more = true; more && sent < large.length && !stream.destroyed;) {
        more = stream.write(large.subarray(sent, sent + 100_000));
        sent += 100_000;
      }
    };
    stream.on("drain", write);
    write();
  });
  await withServe([backEnd], H2, async (serve) => {
    const slow = connect(`http://127.0.0.1:${serve.http}`);
    const streams = Array.from({ length: 10 }, () => {
      const stream = slow.request({ ":path": "/large" });
      stream.on("error", () => {});
      return stream.pause();
    });
    await eventually(() => assert.ok(sent > 1_000_000), PATIENCE);
    const before = serve.rss();
    for (let i = 0; i < 100; i++) assert.match(await serve.raw(request("/small")), /small/);
    // Ten windows, what node:http2 holds itself, and what the sockets hold.
    assert.ok(sent < 32_000_000, `${sent} bytes were taken for nobody`);
    assert.ok(serve.rss() - before < 40_000_000);
    for (const stream of streams) stream.close(CANCEL);
    await new Promise<void>((resolve) => slow.close(() => resolve()));
    // It ends with its clients: their streams are cancelled there too.
    await eventually(() => assert.equal(serve.backEndRows(1)[0]!.open, 0), PATIENCE);
  });
});

Deno.test("serve, back ends of HTTP/2: a client that goes cancels its stream, and no other", async () => {
  const codes: number[] = [];
  const held: (() => void)[] = [];
  const backEnd = await Http2BackEnd.start((stream, headers) => {
    if (headers[":path"] === "/gone") return void stream.on("close", () => codes.push(stream.rstCode));
    held.push(() => {
      stream.respond({ ":status": 200 });
      stream.end("here");
    });
  });
  await withServe([backEnd], H2, async (serve) => {
    const stays = serve.raw(request("/stays"));
    await withClient(serve, async (session) => {
      const goes = session.request({ ":path": "/gone" });
      goes.on("error", () => {});
      await eventually(() => assert.equal(serve.backEndRows(1)[0]!.hits, 2), PATIENCE);
      await eventually(() => assert.equal(held.length, 1), PATIENCE);
      goes.close(CANCEL);
    });
    await eventually(() => assert.deepEqual(codes, [CANCEL]), PATIENCE);
    for (const go of held) go();
    assert.match(await stays, /here/);
    assert.equal(backEnd.accepted, 1);
  });
});

Deno.test("serve, back ends of HTTP/2: a stream that is reset is sent again where it may be, else 502", async () => {
  const seen: string[] = [];
  const backEnd = new RawBackEnd(speaking(({ type, id, flags }) => {
    if (type !== HEADERS) return [];
    seen.push(flags & 1 ? "GET" : "POST");
    return seen.length === 2 ? answer(id) : frame(RST_STREAM, 0, id, uint32(2));
  }));
  await withServe([backEnd], H2, async (serve) => {
    assert.match(await serve.raw(request("/")), /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(await serve.raw(post("/", "abc")), /^HTTP\/1\.1 502 /);
    assert.deepEqual(seen, ["GET", "GET", "POST"]);
  });
});

Deno.test("serve, back ends of HTTP/2: what was refused is sent again, whatever its method", async () => {
  let refusals = 0;
  const backEnd = await Http2BackEnd.start((stream) => {
    let text = "";
    stream.on("data", (piece: Uint8Array) => text += new TextDecoder().decode(piece));
    stream.on("end", () => {
      if (refusals++ === 0) return stream.close(7);
      stream.respond({ ":status": 200 });
      stream.end(`took ${text}`);
    });
  });
  await withServe([backEnd], H2, async (serve) => {
    assert.match(await serve.raw(post("/", "abc")), /took abc/);
    assert.equal(refusals, 2);
  });
});

Deno.test("serve, back ends of HTTP/2: who refuses for ever gets a request no more than a few times", async () => {
  let refusals = 0;
  const backEnd = await Http2BackEnd.start((stream) => {
    refusals++;
    stream.close(7);
  });
  await withServe([backEnd], H2, async (serve) => {
    assert.match(await serve.raw(post("/", "abc")), /^HTTP\/1\.1 503 /);
    assert.ok(refusals >= 2 && refusals <= 3, `${refusals}`);
  });
});

Deno.test("serve, back ends of HTTP/2: after GOAWAY what it left alone goes over another connection, the rest is served", async () => {
  const backEnd = new RawBackEnd(speaking(({ type, id }, connection) => {
    if (type !== HEADERS) return [];
    if (connection > 0) return answer(id, "second");
    // The first stream is on its way when the connection is to end.
    if (id === 1) return [];
    return [...frame(GOAWAY, 0, 0, [...uint32(1), ...uint32(0)]), ...answer(1, "first")];
  }));
  await withServe([backEnd], H2, async (serve) => {
    const one = serve.raw(post("/", "abc"));
    await eventually(() => assert.equal(serve.backEndRows(1)[0]!.hits, 1), PATIENCE);
    const two = await serve.raw(post("/", "def"));
    assert.match(await one, /first/);
    assert.match(two, /second/);
    assert.equal(backEnd.accepted, 2);
    assert.match(await serve.raw(request("/")), /second/);
    assert.equal(backEnd.accepted, 2);
  });
});

Deno.test("serve, back ends of HTTP/2: a connection that ends takes its requests with it, but for those that may be sent again", async () => {
  const backEnd = new RawBackEnd(speaking(({ type, id }, connection) => {
    if (type !== HEADERS) return [];
    return connection === 0 ? END : answer(id);
  }));
  await withServe([backEnd], H2, async (serve) => {
    assert.match(await serve.raw(request("/")), /^HTTP\/1\.1 200 /);
    assert.equal(backEnd.accepted, 2);
  });
  const ends = new RawBackEnd(speaking(({ type }) => type === HEADERS ? END : []));
  await withServe([ends], H2, async (serve) => {
    assert.match(await serve.raw(post("/", "a")), /^HTTP\/1\.1 502 /);
  });
});

Deno.test("serve, back ends of HTTP/2: a response cut short is cut for the client, with CANCEL where it said so", async () => {
  const head = block([[":status", "200"]]);
  const cut = (code: number) =>
    new RawBackEnd(
      speaking(({ type, id }) =>
        type === HEADERS
          ? [...frame(HEADERS, 4, id, head), ...frame(0, 0, id, [97]), ...frame(RST_STREAM, 0, id, uint32(code))]
          : []
      ),
    );
  for (const [code, passedOn] of [[CANCEL, CANCEL], [1, 2]] as const) {
    await withServe([cut(code)], H2, async (serve) => {
      assert.match(await serve.raw(request("/")), /\r\n1\r\na\r\n\[reset\]$/);
      await withClient(serve, async (session) => {
        const stream = session.request({ ":path": "/" });
        stream.on("error", () => {});
        stream.resume();
        await new Promise<void>((resolve) => stream.on("close", resolve));
        assert.equal(stream.rstCode, passedOn);
      });
    });
  }
});

Deno.test("serve, back ends of HTTP/2: an answer before the request's end is passed on, the rest of it left", async () => {
  const backEnd = await Http2BackEnd.start((stream) => {
    stream.respond({ ":status": 413 });
    stream.end("too much");
  });
  await withServe([backEnd], H2, async (serve) => {
    const text = await serve.raw("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000000\r\n\r\nabc");
    assert.match(text, /^HTTP\/1\.1 413 .*too much/s);
    assert.match(await serve.raw(request("/")), /too much/);
    assert.equal(backEnd.accepted, 1);
  });
});

Deno.test("serve, back ends of HTTP/2: 103 (Early Hints) is passed on", async () => {
  const backEnd = await Http2BackEnd.start((stream) => {
    stream.additionalHeaders({ ":status": 103, "link": "</a.css>; rel=preload" });
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  await withServe([backEnd], H2, async (serve) => {
    assert.match(
      await serve.raw(request("/")),
      /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
    const frames = await exchange(
      serve,
      [frame(HEADERS, 5, 1, block(REQUEST))],
      (frames) => frames.some(({ flags, id }) => id === 1 && (flags & 1) !== 0),
    );
    const heads = frames.filter(({ type }) => type === HEADERS).map(({ payload }) => fromLatin1(payload));
    assert.match(heads[0]!, /103.*<\/a\.css>; rel=preload$/s);
    assert.equal(heads.length, 2);
  });
});

Deno.test("serve, back ends of HTTP/2: who does not answer is asked by PING, and left where nothing comes", async () => {
  let pings = 0;
  const backEnd = new RawBackEnd(speaking(({ type, id }, connection) => {
    if (type === PING) pings++;
    return connection > 0 && type === HEADERS ? answer(id, "second") : [];
  }));
  const options = { ...H2, pool: ", protocol: h2, response_timeout: 200ms" };
  await withServe([backEnd], options, async (serve) => {
    assert.match(await serve.raw(request("/")), /^HTTP\/1\.1 504 /);
    // No further request goes where nobody may be.
    assert.match(await serve.raw(request("/")), /second/);
    await eventually(() => assert.equal(pings, 1), PATIENCE);
  });
});

Deno.test("serve, back ends of HTTP/2: without keep-alive each request has a connection of its own", async () => {
  const backEnd = await Http2BackEnd.start((stream) => {
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  await withServe([backEnd], { ...H2, pool: ", protocol: h2, keepalive: 0" }, async (serve) => {
    await Promise.all([1, 2, 3].map(() => serve.raw(request("/"))));
    assert.equal(backEnd.accepted, 3);
    await eventually(() => assert.equal(backEnd.sessions.size, 0), PATIENCE);
  });
});

Deno.test("serve, back ends of HTTP/2: WebSocket by extended CONNECT is for back ends of HTTP/1.1: 501", async () => {
  const backEnd = await Http2BackEnd.start((stream) => stream.respond({ ":status": 200 }, { endStream: true }));
  await withServe([backEnd], H2, async (serve) => {
    await withClient(serve, async (session) => {
      await new Promise<void>((resolve) => session.once("remoteSettings", () => resolve()));
      const fields = {
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":path": "/",
        ":scheme": "http",
        ":authority": "a",
      };
      const stream = session.request(fields, { endStream: false });
      const head = await new Promise<Record<string, unknown>>((resolve) => stream.on("response", resolve));
      assert.equal(head[":status"], 501);
      stream.on("error", () => {});
      stream.destroy();
    });
  });
});
