/** Connections to back ends through `dlba serve`: which are kept, and what becomes of a request whose connection fails. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { close as closeFd, connectTo, listenOn, socketAddressBytes } from "../../ffi/socket.ts";
import { delay } from "../../core/delay.ts";
import { eventually } from "./eventually.ts";
import { answering, freePorts, RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello";

async function ask(client: Peer, request: string): Promise<string> {
  await client.send(request);
  return (await client.message()).head.split("\r\n")[0]!;
}

Deno.test("upstream: a connection to a back end serves one client after the other until keepalive_timeout", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  await withServe([backEnd], { pool: ", keepalive_timeout: 400ms" }, async (serve) => {
    const sockets = serve.sockets();
    for (let i = 0; i < 5; i++) {
      const client = await Peer.connect(serve.http);
      assert.equal(await ask(client, GET), "HTTP/1.1 200 OK");
      assert.equal(await ask(client, POST.replace("5\r\n\r\nhello", "0\r\n\r\n")), "HTTP/1.1 200 OK");
      client.close();
    }
    assert.equal(backEnd.accepted, 1);
    await eventually(() => assert.equal(serve.sockets(), sockets), 1_500);
    assert.match(await serve.raw("GET / HTTP/1.0\r\n\r\n"), /ok$/);
    assert.equal(backEnd.accepted, 2);
  });
});

Deno.test("upstream: keepalive: 0 takes a connection for each request and says so to the back end", async () => {
  let seen = "";
  const backEnd = new RawBackEnd(answering((head) => (seen = head, OK)));
  await withServe([backEnd], { pool: ", keepalive: 0" }, async (serve) => {
    // With the client's own.
    const sockets = serve.sockets() + 1;
    const client = await Peer.connect(serve.http);
    for (let i = 1; i <= 4; i++) {
      assert.equal(await ask(client, GET), "HTTP/1.1 200 OK", "the client's connection lives on");
      assert.match(seen, /\r\nconnection: close\r\n/);
      assert.equal(backEnd.accepted, i);
      await eventually(() => assert.equal(serve.sockets(), sockets));
    }
    client.close();
  });
});

Deno.test("upstream: no more idle connections are kept than keepalive says, and none that the back end would close", async () => {
  let answer = OK;
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    while (true) {
      await peer.until("\r\n\r\n");
      await delay(100);
      await peer.send(answer);
    }
  });
  await withServe([backEnd], { pool: ", keepalive: 2" }, async (serve) => {
    const sockets = serve.sockets();
    const clients = await Promise.all(Array.from({ length: 6 }, () => Peer.connect(serve.http)));
    await Promise.all(clients.map((client) => ask(client, GET)));
    assert.equal(backEnd.accepted, 6);
    await eventually(() => assert.equal(serve.sockets(), sockets + 6 + 2));
    for (
      answer of [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
      ]
    ) {
      for (let i = 0; i < 2; i++) assert.match(await ask(clients[0]!, GET), /200 OK$/);
    }
    assert.ok(backEnd.accepted >= 8, `${backEnd.accepted} connections`);
    for (const client of clients) client.close();
  });
});

Deno.test("upstream: a back end that cannot be connected is passed over at once, whatever the request", async () => {
  const pool = ", persistence: { session_cookies: [sid] }";
  for (const request of [GET, POST, POST.replace("\r\n\r\n", "\r\nCookie: SpServer=1\r\n\r\n")]) {
    const dead = { port: freePorts(1)[0]!, close: () => Promise.resolve() };
    const bodies: string[] = [];
    const alive = new RawBackEnd(async (connection) => {
      const peer = new Peer(connection);
      while (true) {
        bodies.push((await peer.message()).body);
        await peer.send(OK);
      }
    });
    await withServe([dead, alive], { pool }, async (serve) => {
      const client = await Peer.connect(serve.http);
      for (let i = 0; i < 3; i++) assert.equal(await ask(client, request), "HTTP/1.1 200 OK");
      client.close();
      assert.deepEqual(bodies, Array(3).fill(request === GET ? "" : "hello"));
      assert.equal(serve.backEndRows(2)[0]!.connectFailures, 1, "it is not asked again for a while");
    });
  }
});

Deno.test("upstream: a back end that lets connections wait is passed over after connect_timeout", async () => {
  const [port] = freePorts(1);
  // One connection fits its queue; further SYNs are dropped.
  const listener = listenOn("127.0.0.1", port!, 0);
  const fillers = Array.from({ length: 4 }, () => connectTo(socketAddressBytes("127.0.0.1", port!)));
  await delay(50);
  const full = { port: port!, close: () => Promise.resolve() };
  const alive = new RawBackEnd(answering(OK));
  try {
    await withServe([full, alive], { pool: ", connect_timeout: 300ms" }, async (serve) => {
      const client = await Peer.connect(serve.http);
      const began = performance.now();
      for (let i = 0; i < 4; i++) assert.equal(await ask(client, GET), "HTTP/1.1 200 OK");
      const ms = performance.now() - began;
      assert.ok(ms > 250 && ms < 1_500, `once only: ${ms} ms`);
      client.close();
    });
  } finally {
    for (const fd of [...fillers, listener]) if (fd >= 0) closeFd(fd);
  }
});

/** Back ends that read a request and close without an answer; `sent` holds each request that came. */
function closing(count: number, sent: string[]): RawBackEnd[] {
  return Array.from({ length: count }, () =>
    new RawBackEnd(async (connection) => {
      const { head, body } = await new Peer(connection).message();
      sent.push(head.split("\r\n")[0] + body);
    }));
}

Deno.test("upstream: what was sent is sent again at most once, and only when idempotent", async () => {
  const sent: string[] = [];
  await withServe(closing(3, sent), {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    const length = "Content-Length: 5\r\n\r\nhello";
    const times: Record<string, number> = { GET: 2, HEAD: 2, OPTIONS: 2, TRACE: 2, PUT: 2, DELETE: 2 };
    for (const method of [...Object.keys(times), "POST", "PATCH", "PROPFIND", "get"]) {
      sent.length = 0;
      const body = /PUT|POST|PATCH/.test(method) ? "hello" : "";
      await client.send(`${method} / HTTP/1.1\r\nHost: shop\r\n${body === "" ? "\r\n" : length}`);
      const answer = await client.message(method !== "HEAD");
      assert.match(answer.head, /^HTTP\/1\.1 502 /);
      assert.deepEqual(sent, Array(times[method] ?? 1).fill(`${method} / HTTP/1.1${body}`), method);
    }
    client.close();
  });
});

Deno.test("upstream: a body that is not held any more is not sent again", async () => {
  const sent: string[] = [];
  await withServe(closing(2, sent), {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    await client.send("PUT / HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\nhello");
    await delay(50);
    await client.send("there");
    assert.match((await client.message()).head, /^HTTP\/1\.1 502 /);
    assert.deepEqual(sent, ["PUT / HTTP/1.1hellothere"]);
    client.close();
  });
});

Deno.test("upstream: nothing is sent again once its response head was passed on", async () => {
  for (
    const response of [
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]
  ) {
    let requests = 0;
    const backEnds = [1, 2].map(() =>
      new RawBackEnd(async (connection) => {
        const peer = new Peer(connection);
        await peer.until("\r\n\r\n");
        requests++;
        await peer.send(response);
        await delay(30);
      })
    );
    await withServe(backEnds, {}, async (serve) => {
      const answer = await serve.raw(GET);
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*(\r\n\r\n|part)\[reset\]$/);
      assert.equal(requests, 1);
    });
  }
});

/** A back end that answers the first request of a connection and resets at the second. */
async function resetting(sent: string[]): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((socket) => {
    let requests = 0;
    socket.on("error", () => {});
    socket.on("data", (data) => {
      sent.push(String(data).split(" ")[0]!);
      if (++requests === 1) socket.write(OK);
      else socket.resetAndDestroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

Deno.test("upstream: a reused connection that the back end resets costs an idempotent request nothing, a POST its answer", async () => {
  const sent: string[] = [];
  await withServe([await resetting(sent)], { pool: ", keepalive_timeout: 1s" }, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (let i = 0; i < 5; i++) assert.equal(await ask(client, GET), "HTTP/1.1 200 OK");
    assert.deepEqual(sent, Array(9).fill("GET"));
    sent.length = 0;
    assert.equal(await ask(client, POST), "HTTP/1.1 502 Bad Gateway");
    assert.deepEqual(sent, ["POST"]);
    assert.equal(await ask(client, POST), "HTTP/1.1 200 OK");
    client.close();
  });
});

Deno.test("upstream: a POST is not lost to an idle connection whose end waits to be noticed", async () => {
  let endIdle = () => {};
  let posts = 0;
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    const ended = new Promise<void>((resolve) => endIdle = resolve);
    const serving = async () => {
      while (true) {
        const { head } = await peer.message();
        if (head.startsWith("POST")) posts++;
        await peer.send(OK);
      }
    };
    await Promise.race([serving(), ended]);
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    assert.equal(await ask(client, GET), "HTTP/1.1 200 OK");
    // While the process stands still its next events queue up: first the request, then the end of the idle connection.
    serve.child.kill("SIGSTOP");
    await client.send(POST);
    await delay(30);
    endIdle();
    await delay(30);
    serve.child.kill("SIGCONT");
    assert.match((await client.message()).head, /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(posts, 1);
    assert.equal(backEnd.accepted, 2);
    client.close();
  });
});
