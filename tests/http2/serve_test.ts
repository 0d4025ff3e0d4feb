/** `dlba serve` between HTTP/2 clients and raw back ends of HTTP/1.1. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { answering, fromLatin1, latin1, RawBackEnd, sendAll, ServeProcess, withServe } from "../proxy/harness.ts";
import { eventually } from "../proxy/eventually.ts";
import { ask, exchange, withClient } from "./client.ts";
import { ascii, block, frame, PREFACE, REQUEST, wholeFrames } from "./peer.ts";

const CLEARTEXT = { config: "proxy: { http2_cleartext: true }" };
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Back: end\r\n\r\nok";

Deno.test("serve, HTTP/2: each stream of a connection gets a back end of its own, at the same time", async () => {
  const backEnds = [1, 2, 3].map((name) => new RawBackEnd(answering(OK.replace("ok", `${name}!`))));
  await withServe(backEnds, CLEARTEXT, async (serve) => {
    await withClient(serve, async (session) => {
      const answers = await Promise.all(Array.from({ length: 30 }, () => ask(session, { ":path": "/" })));
      const bodies = answers.map(({ body }) => body).sort();
      assert.deepEqual(bodies, [...Array(10).fill("1!"), ...Array(10).fill("2!"), ...Array(10).fill("3!")]);
      assert.equal(answers[0]!.headers["x-back"], "end");
      assert.equal(answers[0]!.headers["content-length"], "2");
    });
  });
});

Deno.test("serve, HTTP/2: the back end gets a head of HTTP/1.1 with who the client is", async () => {
  let seen = "";
  const backEnd = new RawBackEnd(answering((head) => (seen = head, OK)));
  await withServe([backEnd], CLEARTEXT, async (serve) => {
    await withClient(serve, async (session) => {
      await ask(session, {
        ":path": "/a?b",
        ":authority": "shop.example",
        "x-real-ip": "6.6.6.6",
        "cookie": "a=1",
        "x-a": "b",
      });
      assert.match(seen, /^GET \/a\?b HTTP\/1\.1\r\n/);
      for (const line of ["x-a: b", "host: shop.example", "cookie: a=1", "x-forwarded-for: 127.0.0.1"]) {
        assert.ok(seen.includes(`\r\n${line}\r\n`), `${line} in ${seen}`);
      }
      assert.ok(!seen.includes("6.6.6.6"));
    });
  });
});

Deno.test("serve, HTTP/2: each stream of a trusted proxy has a client of its own, and limits of its own", async () => {
  const seen: string[] = [];
  const backEnd = new RawBackEnd(answering((head) => (seen.push(head), OK)));
  const config = `${CLEARTEXT.config}
client_identity: { trusted: [127.0.0.0/8] }
rate_limit: { requests_per_second: 1, burst: 2 }`;
  await withServe([backEnd], { config }, async (serve) => {
    await withClient(serve, async (session) => {
      const clients = ["192.0.2.1", "198.51.100.1", "192.0.2.1", "198.51.100.1", "203.0.113.1"];
      const ask1 = (client: string) => ask(session, { ":path": "/", "x-forwarded-for": client });
      const answers = await Promise.all(clients.map(ask1));
      assert.deepEqual(answers.map(({ headers }) => headers[":status"]), [200, 200, 200, 200, 200]);
      const chains = seen.map((head) => /x-forwarded-for: (.*)\r/.exec(head)![1]).sort();
      assert.deepEqual(chains, clients.map((client) => `${client}, 127.0.0.1`).sort());
      const more = await Promise.all(Array.from({ length: 8 }, () => ask1("203.0.113.1")));
      assert.ok(more.some(({ headers }) => Number(headers[":status"]) === 429 && headers["retry-after"] === "1"));
    });
  });
});

/** Takes a chunked request and answers with its body, chunked, and a trailer. */
async function echo(connection: Deno.Conn): Promise<void> {
  let text = "";
  const buffer = new Uint8Array(65_536);
  while (!text.endsWith("0\r\n\r\n")) {
    const count = await connection.read(buffer);
    if (count === null) return;
    text += fromLatin1(buffer.subarray(0, count));
  }
  const body = text.slice(text.indexOf("\r\n\r\n") + 4, -"0\r\n\r\n".length);
  await sendAll(
    connection,
    latin1(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n${body}0\r\nx-sum: 42\r\n\r\n`),
  );
}

Deno.test("serve, HTTP/2: a body of 3 MB goes to the back end and back, and a trailer behind it", async () => {
  await withServe([new RawBackEnd(echo)], CLEARTEXT, async (serve) => {
    await withClient(serve, async (session) => {
      const body = Uint8Array.from({ length: 3_000_000 }, (_, i) => 97 + i % 23);
      const answer = await ask(session, { ":path": "/", ":method": "POST" }, body);
      assert.equal(answer.headers[":status"], 200);
      assert.equal(answer.body.length, body.length);
      assert.ok(answer.body === fromLatin1(body));
      assert.equal(answer.trailers["x-sum"], "42");
    });
  });
});

Deno.test("serve, HTTP/2: a back end that cuts its response resets the stream, and the others live", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    const buffer = new Uint8Array(4_096);
    const count = await connection.read(buffer);
    const isCut = fromLatin1(buffer.subarray(0, count ?? 0)).startsWith("GET /cut");
    await sendAll(connection, latin1(isCut ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx" : OK));
  });
  await withServe([backEnd], CLEARTEXT, async (serve) => {
    await withClient(serve, async (session) => {
      const whole = ask(session, { ":path": "/" });
      await assert.rejects(ask(session, { ":path": "/cut" }));
      assert.equal((await whole).body, "ok");
      assert.equal((await ask(session, { ":path": "/" })).body, "ok");
    });
  });
});

Deno.test("serve, HTTP/2: nobody to serve it is 502, HEAD without its page", async () => {
  const gone = new RawBackEnd(answering(OK));
  await gone.close();
  await withServe([{ port: gone.port, close: async () => {} }], CLEARTEXT, async (serve) => {
    await withClient(serve, async (session) => {
      const answer = await ask(session, { ":path": "/" });
      assert.deepEqual([answer.headers[":status"], answer.body], [502, "502 Bad Gateway\n"]);
      const head = await ask(session, { ":path": "/", ":method": "HEAD" });
      assert.deepEqual([head.headers["content-length"], head.body], ["16", ""]);
    });
  });
});

Deno.test("serve, HTTP/2: WebSocket by extended CONNECT is a tunnel to a back end of HTTP/1.1", async () => {
  let seen = "";
  const backEnd = new RawBackEnd(async (connection) => {
    const buffer = new Uint8Array(4_096);
    let count = await connection.read(buffer);
    seen = fromLatin1(buffer.subarray(0, count ?? 0));
    await sendAll(
      connection,
      latin1("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello"),
    );
    while ((count = await connection.read(buffer)) !== null) await sendAll(connection, buffer.slice(0, count));
  });
  await withServe([backEnd], CLEARTEXT, async (serve) => {
    const connect = [...REQUEST.slice(1), [":method", "CONNECT"], [":protocol", "websocket"]] as [string, string][];
    const frames = await exchange(
      serve,
      [frame(1, 4, 1, block(connect)), frame(0, 0, 1, ascii("ping")), frame(0, 1, 1, ascii("!"))],
      (frames) => frames.some(({ type, flags }) => type === 0 && (flags & 1) !== 0),
    );
    const text = frames.filter(({ type }) => type === 0).map(({ payload }) => fromLatin1(payload)).join("");
    assert.equal(text, "helloping!");
    const head = frames.find(({ type }) => type === 1)!;
    // The table of no size, then :status 200; no END_STREAM.
    assert.deepEqual([head.flags, ...head.payload.slice(0, 2)], [4, 0x20, 0x88]);
    assert.match(seen, /\r\nsec-websocket-key: [A-Za-z0-9+/]{22}==\r\n/);
    assert.match(seen, /\r\nconnection: upgrade\r\nupgrade: websocket\r\n/);
  });
});

Deno.test("serve, HTTP/2: a client that goes too far is ended and told of in the log, others live", async () => {
  await withServe([new RawBackEnd(answering(OK))], { ...CLEARTEXT, keepsLog: true }, async (serve) => {
    await withClient(serve, async (session) => {
      const resets = Array.from({ length: 400 }, (_, i) => [
        ...frame(1, 5, 2 * i + 1, block(REQUEST)),
        ...frame(3, 0, 2 * i + 1, [0, 0, 0, 8]),
      ]);
      const frames = await exchange(serve, resets, () => false);
      const goaway = frames.find(({ type }) => type === 7)!;
      assert.equal(new DataView(goaway.payload.buffer).getUint32(4), 11);
      assert.equal((await ask(session, { ":path": "/" })).body, "ok");
    });
    assert.match(serve.log, /HTTP\/2 of 127\.0\.0\.1 was ended: rapid reset; 1 so far/);
  });
});

Deno.test("serve, HTTP/2: without http2_cleartext its preface is refused as a request of HTTP/1", async () => {
  await withServe([new RawBackEnd(answering(OK))], {}, async (serve) => {
    assert.match(await serve.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), /^HTTP\/1\.1 (400|505) /);
  });
});

Deno.test("serve, HTTP/2: with http2_cleartext HTTP/1.1 is served as ever", async () => {
  await withServe([new RawBackEnd(answering(OK))], CLEARTEXT, async (serve) => {
    const answer = await serve.raw("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  });
});

/** Debian's nghttp2-client. */
async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("serve, HTTP/2: h2load gets every answer over TLS by ALPN", async () => {
  await withServe([new RawBackEnd(answering(OK))], {}, async (serve) => {
    const output = await run("h2load", "-n2000", "-c4", "-m20", `https://localhost:${serve.https}/`);
    assert.match(output, /Application protocol: h2/);
    assert.match(output, /2000 succeeded, 0 failed, 0 errored/);
  });
});

Deno.test("serve, HTTP/2: curl gets HTTP/2 by ALPN, and HTTP/1.1 where it asks for that", async () => {
  await withServe([new RawBackEnd(answering(OK))], {}, async (serve) => {
    const url = `https://localhost:${serve.https}/`;
    const args = ["-s", "--cacert", serve.certificateFile, "-w", " %{http_version}"];
    assert.equal(await run("curl", ...args, url), "ok 2");
    assert.equal(await run("curl", ...args, "--http1.1", url), "ok 1.1");
  });
});

Deno.test("serve, HTTP/2: once the server stops, what is on its way is served and the client told", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  let came = () => {};
  const arrived = new Promise<void>((resolve) => came = resolve);
  const backEnd = new RawBackEnd(async (connection) => {
    await connection.read(new Uint8Array(4_096));
    came();
    await held;
    await sendAll(connection, latin1(OK));
  });
  const serve = await ServeProcess.start({ backEnds: [backEnd.port], ...CLEARTEXT });
  const running = exchange(serve, [frame(1, 5, 1, block(REQUEST))], () => false);
  await arrived;
  const stopped = serve.stop();
  // It has heard of the signal once it has nowhere to accept any more.
  await eventually(() => assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: serve.http })));
  release();
  const frames = await running;
  assert.equal(await stopped, 0);
  await backEnd.close();
  assert.equal(frames.filter(({ type }) => type === 7).length, 2);
  assert.ok(frames.some(({ type, id }) => type === 0 && id === 1));
});

Deno.test("serve, HTTP/2: curl gets HTTP/1.1 where the config does not want HTTP/2", async () => {
  await withServe([new RawBackEnd(answering(OK))], { config: "proxy: { http2: false }" }, async (serve) => {
    const args = ["-s", "--cacert", serve.certificateFile, "-w", " %{http_version}"];
    assert.equal(await run("curl", ...args, `https://localhost:${serve.https}/`), "ok 1.1");
  });
});

Deno.test("serve, HTTP/2: prior knowledge is seen at every split of the preface, and HTTP/1.1 that begins like it", async () => {
  await withServe([new RawBackEnd(answering(OK))], CLEARTEXT, async (serve) => {
    const asked = Uint8Array.from([PREFACE, frame(4, 0, 0), frame(1, 5, 1, block(REQUEST))].flat());
    for (let split = 1; split <= PREFACE.length; split++) {
      const frames = await inPieces(
        serve,
        asked,
        split,
        (text) => wholeFrames(latin1(text)).some(({ type }) => type === 0),
      );
      assert.ok(wholeFrames(latin1(frames)).some(({ type, id }) => type === 0 && id === 1), `split at ${split}`);
    }
    for (const split of [1, 2]) {
      const asked = latin1("PROPFIND / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      assert.match(await inPieces(serve, asked, split, () => false), /^HTTP\/1\.1 200 OK\r\n/);
    }
  });
});

/** Sends the bytes up to `split`, then the rest; reads until the end, or `isDone`. */
async function inPieces(
  serve: ServeProcess,
  bytes: Uint8Array,
  split: number,
  isDone: (text: string) => boolean,
): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: serve.http });
  connection.setNoDelay(true);
  await sendAll(connection, bytes.subarray(0, split));
  await delay(5);
  await sendAll(connection, bytes.subarray(split));
  let text = "";
  const buffer = new Uint8Array(65_536);
  for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
    text += fromLatin1(buffer.subarray(0, count));
    if (isDone(text)) break;
  }
  connection.close();
  return text;
}
