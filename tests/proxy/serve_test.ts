/** `dlba serve` between raw clients and raw back ends. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { answering, freePorts, latin1, RawBackEnd, readToEnd, sendAll, ServeProcess, withServe } from "./harness.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CLOSE = "Host: shop\r\nConnection: close\r\n\r\n";
const PERSISTENCE = ", persistence: { session_cookies: [JSESSIONID] }";

Deno.test("serve: each request of a kept-alive connection gets a back end of its own", async () => {
  const backEnds = [1, 2, 3].map((name) =>
    new RawBackEnd(answering(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`))
  );
  await withServe(backEnds, {}, async (serve) => {
    const get = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
    const answer = await serve.raw(get.repeat(5) + `GET / HTTP/1.1\r\n${CLOSE}`);
    const bodies = answer.split("\r\n\r\n").slice(1).map((part) => part[0]);
    assert.deepEqual(bodies, ["1", "2", "3", "1", "2", "3"]);
  });
});

Deno.test("serve: the head is written anew: hop-by-hop fields go, identity is ours", async () => {
  let seen = "";
  const backEnd = new RawBackEnd(answering((head) => (seen = head, OK)));
  await withServe([backEnd], {}, async (serve) => {
    const answer = await serve.raw(
      "GET http://Shop.example/a?b HTTP/1.1\r\nHost: other\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n" +
        "Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Byte: \xe9\x80\r\n" +
        "Cookie: a=1\r\nCookie: b=2\r\n\r\n",
    );
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(
      seen,
      "GET /a?b HTTP/1.1\r\nx-byte: \xe9\x80\r\nhost: Shop.example\r\ncookie: a=1; b=2\r\n" +
        "x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nconnection: te\r\nte: trailers\r\n\r\n",
    );
  });
});

Deno.test("serve: response framings reach HTTP/1.1 and HTTP/1.0 clients whole", async () => {
  const responses: Record<string, string> = {
    "/length": OK,
    "/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\nT: 1\r\n\r\n",
    "/empty": "HTTP/1.1 204 No Content\r\n\r\n",
    "/hints": `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`,
    "/unmodified": "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: x\r\n\r\n",
  };
  const backEnd = new RawBackEnd(answering((head) => responses[head.split(" ")[1]!]!));
  await withServe([backEnd], {}, async (serve) => {
    const get = (path: string, version = "1.1") => serve.raw(`GET ${path} HTTP/${version}\r\n${CLOSE}`);
    assert.match(await get("/length"), /content-length: 2\r\nconnection: close\r\n\r\nok$/);
    assert.match(
      await get("/chunked"),
      /transfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nok\r\n0\r\nt: 1\r\n\r\n$/,
    );
    assert.match(await get("/chunked", "1.0"), /^HTTP\/1\.1 200 OK\r\nconnection: close\r\n\r\nok$/);
    assert.match(await get("/empty"), /^HTTP\/1\.1 204 No Content\r\nconnection: close\r\n\r\n$/);
    assert.match(await get("/hints"), /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    assert.match(await get("/hints", "1.0"), /^HTTP\/1\.1 200 OK\r\n/, "HTTP/1.0 knows no 1xx");
    assert.match(await get("/unmodified"), /etag: x\r\ncontent-length: 99\r\nconnection: close\r\n\r\n$/);
    const head = await serve.raw(`HEAD /length HTTP/1.1\r\nHost: shop\r\n\r\nGET /length HTTP/1.1\r\n${CLOSE}`);
    assert.match(head, /^HTTP\/1\.1 200 OK\r\ncontent-length: 2\r\n\r\nHTTP\/1\.1 200 OK\r\n.*ok$/s);
  });
});

Deno.test("serve: a body that ends with the connection is passed on whole", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await sendAll(connection, latin1("HTTP/1.0 200 OK\r\n\r\npart one, "));
    await delay(30);
    await sendAll(connection, latin1("part two"));
  });
  await withServe([backEnd], {}, async (serve) => {
    const answer = await serve.raw(`GET / HTTP/1.1\r\n${CLOSE}`);
    assert.match(answer, /transfer-encoding: chunked/);
    assert.match(answer, /a\r\npart one, \r\n8\r\npart two\r\n0\r\n\r\n$/);
  });
});

Deno.test("serve: 50 MB pass both ways intact, over HTTP and HTTPS, in flat memory", async () => {
  const size = 50_000_000;
  const backEnd = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => new Response(request.body),
  );
  const serve = await ServeProcess.start({ backEnds: [backEnd.addr.port] });
  const client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(serve.certificateFile)] });
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i += 65_536) crypto.getRandomValues(bytes.subarray(i, Math.min(size, i + 65_536)));
  const digest = async (data: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const expected = await digest(bytes);
  const before = serve.rss();
  for (const url of [`http://localhost:${serve.http}/`, `https://localhost:${serve.https}/`]) {
    // The first by Content-Length, the second in chunks.
    for (const body of [bytes, new Blob([bytes]).stream()]) {
      const response = await fetch(url, { method: "POST", body, client });
      assert.deepEqual(await digest(new Uint8Array(await response.arrayBuffer())), expected);
    }
  }
  assert.ok(serve.rss() - before < 60_000_000, `memory grew by ${serve.rss() - before} bytes over 400 MB`);
  client.close();
  assert.equal(await serve.stop(), 0);
  await backEnd.shutdown();
});

Deno.test("serve: a slow reader holds back its back end instead of filling memory", async () => {
  let sent = 0;
  const piece = new Uint8Array(65_536);
  const backEnd = new RawBackEnd(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await sendAll(connection, latin1("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"));
    while (true) sent += await connection.write(piece);
  });
  await withServe([backEnd], {}, async (serve) => {
    const before = serve.rss();
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: serve.http });
    await sendAll(connection, latin1("GET / HTTP/1.1\r\nHost: shop\r\n\r\n"));
    await delay(700);
    const stalled = sent;
    await delay(300);
    assert.ok(stalled > 0 && sent === stalled, `the back end still sends: ${stalled} then ${sent}`);
    assert.ok(sent < 20_000_000, `${sent} bytes were taken for a client that reads none`);
    assert.ok(serve.rss() - before < 20_000_000);
    connection.close();
  });
});

Deno.test("serve: a back end that refuses is passed over at once, without an error to the client", async () => {
  const [dead] = freePorts(1);
  const alive = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [dead!, alive.port] });
  for (let i = 0; i < 4; i++) {
    assert.match(await serve.raw(`POST / HTTP/1.1\r\nContent-Length: 0\r\n${CLOSE}`), /^HTTP\/1\.1 200 OK/);
  }
  const table = serve.table();
  assert.equal(table.row(0).connectFailures, 1, "it is not asked again for a while");
  assert.equal(table.row(1).hits, 4);
  assert.equal(table.row(1).open, 0);
  await serve.stop();
  await alive.close();
});

Deno.test("serve: 502 when every back end refuses", async () => {
  const serve = await ServeProcess.start({ backEnds: freePorts(2) });
  const answer = await serve.raw(`GET / HTTP/1.1\r\n${CLOSE}`);
  assert.match(answer, /^HTTP\/1\.1 502 Bad Gateway\r\n.*502 Bad Gateway\n$/s);
  await serve.stop();
});

Deno.test("serve: a kept-alive connection that the back end closed costs an idempotent request nothing", async () => {
  let requests = 0;
  // Answers once, then closes as soon as the next request comes.
  const backEnd = new RawBackEnd(async (connection) => {
    const buffer = new Uint8Array(4096);
    await connection.read(buffer);
    requests++;
    await sendAll(connection, latin1(OK));
    await connection.read(buffer);
  });
  await withServe([backEnd], {}, async (serve) => {
    const get = `GET / HTTP/1.1\r\n${CLOSE}`;
    for (let i = 0; i < 3; i++) assert.match(await serve.raw(get), /^HTTP\/1\.1 200 OK/);
    assert.equal(requests, 3);
    assert.match(
      await serve.raw(`POST / HTTP/1.1\r\nContent-Length: 0\r\n${CLOSE}`),
      /^HTTP\/1\.1 502/,
      "a POST is not sent twice",
    );
  });
});

Deno.test("serve: a response that breaks off is cut, so that no client takes it for whole", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await sendAll(connection, latin1("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"));
    await delay(20);
  });
  await withServe([backEnd], {}, async (serve) => {
    assert.match(await serve.raw("GET / HTTP/1.0\r\nHost: shop\r\n\r\n"), /\[reset\]$/);
  });
});

Deno.test("serve: a back end that does not answer in time is a 504", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    while (await connection.read(new Uint8Array(4096)) !== null);
  });
  await withServe([backEnd], { pool: ", response_timeout: 300ms" }, async (serve) => {
    const began = performance.now();
    assert.match(await serve.raw(`GET / HTTP/1.1\r\n${CLOSE}`), /^HTTP\/1\.1 504 Gateway Timeout/);
    assert.ok(performance.now() - began < 2000);
  });
});

Deno.test("serve: an upload may take longer than the response timeout", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    let got = 0;
    const buffer = new Uint8Array(4096);
    while (got < 10) {
      const count = await connection.read(buffer);
      if (count === null) return;
      const text = String.fromCharCode(...buffer.subarray(0, count));
      got += text.includes("\r\n\r\n") ? text.length - text.indexOf("\r\n\r\n") - 4 : text.length;
    }
    await sendAll(connection, latin1(OK));
  });
  await withServe([backEnd], { pool: ", response_timeout: 300ms" }, async (serve) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: serve.http });
    await sendAll(connection, latin1(`POST / HTTP/1.1\r\nContent-Length: 10\r\n${CLOSE}`));
    for (let i = 0; i < 10; i++) {
      await delay(100);
      await sendAll(connection, latin1("x"));
    }
    assert.match(await readToEnd(connection), /^HTTP\/1\.1 200 OK/);
  });
});

Deno.test("serve: what is not HTTP from a back end is a 502", async () => {
  const answers = [
    "hello\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
    "HTTP/2 200\r\n\r\n",
    "",
  ];
  let next = 0;
  const backEnd = new RawBackEnd(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await sendAll(connection, latin1(answers[next]!));
  });
  await withServe([backEnd], {}, async (serve) => {
    for (next = 0; next < answers.length; next++) {
      const request = `POST / HTTP/1.1\r\nContent-Length: 0\r\n${CLOSE}`;
      assert.match(await serve.raw(request), /^HTTP\/1\.1 502 Bad Gateway/, JSON.stringify(answers[next]));
    }
  });
});

Deno.test("serve: the persistence cookie is set beside the session cookie, leads back, and is hidden from the application", async () => {
  const setCookie = "JSESSIONID=\xe4bc; Path=/; Domain=shop.example; Secure; HttpOnly; SameSite=Lax; Max-Age=60";
  let seen = "";
  const backEnds = [1, 2, 3].map((name) =>
    new RawBackEnd(answering((head) => {
      seen = /^cookie: .*$/m.exec(head)?.[0] ?? "";
      return `HTTP/1.1 200 OK\r\nSet-Cookie: theme=dark\r\nSet-Cookie: ${setCookie}\r\nX-Name: ${name}\r\nContent-Length: 0\r\n\r\n`;
    }))
  );
  await withServe(backEnds, { pool: PERSISTENCE }, async (serve) => {
    const first = await serve.raw(`GET / HTTP/1.1\r\n${CLOSE}`);
    const key = /x-name: (\d)/.exec(first)![1];
    const attributes = setCookie.slice(setCookie.indexOf(";"));
    assert.deepEqual(first.match(/^set-cookie: .*$/gm), [
      "set-cookie: theme=dark",
      `set-cookie: ${setCookie}`,
      `set-cookie: SpServer=${key}${attributes}`,
    ]);
    assert.match(first, /^cache-control: private$/m, "no shared cache gives one client's cookie to another");
    for (const wanted of ["3", "1", "3", "2"]) {
      const again = await serve.raw(`GET / HTTP/1.1\r\nCookie: JSESSIONID=x; SpServer=${wanted}; z=1\r\n${CLOSE}`);
      assert.match(again, new RegExp(`x-name: ${wanted}`));
      assert.equal(seen, "cookie: JSESSIONID=x; z=1");
    }
    assert.match(
      await serve.raw(`GET / HTTP/1.1\r\nCookie: SpServer=99\r\n${CLOSE}`),
      /x-name: [123]/,
      "an unknown key",
    );
    assert.equal(seen, "");
  });
});

Deno.test("serve: requests that are not HTTP/1.1 as the RFC has it are refused and the connection closed", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const cases: readonly (readonly [request: string, status: number])[] = [
    ["GET / HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
    ["GET / HTTP/1.1\nHost: a\n\n", 400],
    ["GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nB: \x01\r\n\r\n", 400],
    ["GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nab", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\nab", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501],
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nab\r\n", 400],
    ["GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505],
    ["GET / http/1.1\r\nHost: a\r\n\r\n", 400],
    [`GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    [`GET / HTTP/1.1\r\nHost: a\r\nB: ${"a".repeat(40_000)}\r\n\r\n`, 431],
    [`GET / HTTP/1.1\r\nHost: a\r\nB: ${"a".repeat(400_000)}`, 431],
    ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
  ];
  await withServe([backEnd], {}, async (serve) => {
    for (const [request, status] of cases) {
      const answer = await serve.raw(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
      const shown = JSON.stringify(request.slice(0, 60));
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), shown);
      assert.equal(answer.match(/HTTP\/1\.1 /g)!.length, 1, `${shown} was followed by another response`);
    }
  });
});

Deno.test("serve: a request byte by byte is the same request", async () => {
  let seen = "";
  const backEnd = new RawBackEnd(async (connection) => {
    const buffer = new Uint8Array(4096);
    while (!seen.endsWith("0\r\nt: x\r\n\r\n")) {
      const count = await connection.read(buffer);
      if (count === null) return;
      seen += String.fromCharCode(...buffer.subarray(0, count));
    }
    await sendAll(connection, latin1(OK));
  });
  await withServe([backEnd], {}, async (serve) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: serve.http });
    connection.setNoDelay(true);
    const request =
      `\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${CLOSE}3\r\nabc\r\n1;e=f\r\nd\r\n0\r\nT: x\r\n\r\n`;
    for (const byte of latin1(request)) {
      await sendAll(connection, Uint8Array.of(byte));
      await delay(1);
    }
    assert.match(await readToEnd(connection), /^HTTP\/1\.1 200 OK/);
    const chunks = seen.slice(seen.indexOf("\r\n\r\n") + 4, seen.indexOf("0\r\nt: x")).split("\r\n");
    assert.equal(chunks.filter((_, i) => i % 2 === 1).join(""), "abcd");
  });
});

Deno.test("serve: a slow head is a 408, an idle connection is closed in silence", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const config = "proxy: { head_timeout: 300ms, client_idle_timeout: 300ms }";
  await withServe([backEnd], { config }, async (serve) => {
    assert.match(await serve.raw("GET / HTTP/1.1\r\nHost"), /^HTTP\/1\.1 408 Request Timeout/);
    assert.equal(await serve.raw(""), "");
    assert.match(await serve.raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), /ok$/);
  });
});

Deno.test("serve: clients that go away at any stage leave no socket behind", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    const buffer = new Uint8Array(65_536);
    await connection.read(buffer);
    await delay(10);
    await sendAll(connection, latin1("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"));
    for (let i = 0; i < 15; i++) await sendAll(connection, buffer);
  });
  await withServe([backEnd], {}, async (serve) => {
    const request = latin1(`POST / HTTP/1.1\r\nContent-Length: 10\r\n${CLOSE}0123456789`);
    for (let cut = 0; cut <= request.length; cut += 3) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: serve.http });
      await sendAll(connection, request.subarray(0, cut));
      if (cut % 2 === 0) await delay(15);
      connection.close();
    }
  });
});

Deno.test("serve: routes by host and by path, the longer first, and 404 for the rest", async () => {
  const one = new RawBackEnd(answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"));
  const two = new RawBackEnd(answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo"));
  const config = `routes:
  - { path: /img, pool: two }
  - { host: two.example, pool: two }
  - { host: shop, pool: web }`;
  const pool = ` }, { name: two, back_ends: [{ key: 9, address: "127.0.0.1:${two.port}" }]`;
  await withServe([one], { config, pool }, async (serve) => {
    const ask = async (host: string, path: string) =>
      (await serve.raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).slice(-3);
    assert.equal(await ask("shop", "/"), "one");
    assert.equal(await ask("SHOP:8080", "/x?y=/img"), "one");
    assert.equal(await ask("two.example", "/x"), "two");
    assert.equal(await ask("any", "/img"), "two");
    assert.equal(await ask("any", "/img/a/b"), "two");
    assert.equal(await ask("any", "/imgx"), "nd\n");
    assert.equal(await ask("any", "/"), "nd\n");
    const head = await serve.raw("HEAD / HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n");
    assert.match(head, /^HTTP\/1\.1 404 Not Found\r\n.*\r\n\r\n$/s);
    await two.close();
  });
});

Deno.test("serve: SIGTERM lets a running response end, and closes idle connections", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await delay(400);
    await sendAll(connection, latin1(OK));
  });
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const idle = await Deno.connect({ hostname: "127.0.0.1", port: serve.http });
  const running = serve.raw("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
  await delay(100);
  const stopped = serve.stop();
  assert.equal(await readToEnd(idle), "");
  assert.match(await running, /connection: close\r\n\r\nok$/);
  assert.equal(await stopped, 0);
  await backEnd.close();
});
