/** Room at back ends that fail or come back, and descriptors that are few. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { delay } from "../../core/delay.ts";
import { answering, freePorts, RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("room: max_connections is kept when an idle connection turns out to be dead", async () => {
  // The place of the request that went to a fresh connection was given to the next one as well.
  let [connections, now, most] = [0, 0, 0];
  let breakFirst = () => {};
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const isFirst = ++connections === 1;
    socket.on("error", () => {});
    socket.on("data", () => {
      most = Math.max(most, ++now);
      if (isFirst) {
        breakFirst = () => {
          now--;
          socket.write(OK, () => setTimeout(() => socket.resetAndDestroy(), 30));
        };
        return;
      }
      setTimeout(() => {
        now--;
        socket.write(OK);
      }, 200);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const backEnd = { port, close: () => new Promise<void>((resolve) => server.close(() => resolve())) };
  await withServe([backEnd], { backEnd: ", max_connections: 1" }, async (serve) => {
    const clients: Peer[] = [];
    for (let i = 0; i < 3; i++) {
      const client = await Peer.connect(serve.http);
      await client.send(GET);
      clients.push(client);
      await delay(40);
    }
    serve.child.kill("SIGSTOP");
    await delay(50);
    breakFirst();
    await delay(100);
    serve.child.kill("SIGCONT");
    for (const client of clients) assert.equal((await client.message()).body, "ok");
    assert.equal(most, 1);
    for (const client of clients) client.close();
    for (const socket of sockets) socket.destroy();
  });
});

Deno.test("room: a queued request goes to a back end that comes back", async () => {
  // It waited for room at the other one, or until its time was over.
  const busy = new RawBackEnd(async (connection) => void await new Peer(connection).rest());
  const [port] = freePorts(1);
  let back: RawBackEnd | undefined;
  const late = { port: port!, close: async () => await back?.close() };
  await withServe([busy, late], { backEnd: ", max_connections: 1" }, async (serve) => {
    const clients = [await Peer.connect(serve.http), await Peer.connect(serve.http)];
    for (const client of clients) {
      await client.send(GET);
      await delay(50);
    }
    back = new RawBackEnd(answering(OK), port);
    assert.equal((await Promise.race(clients.map((client) => client.message()))).body, "ok");
    for (const client of clients) client.close();
  });
});

Deno.test("room: with few descriptors a client that is there is still served", async () => {
  // Idle clients took every descriptor, and none was left for its back end.
  const backEnd = new RawBackEnd(answering(OK.replace("\r\n", "\r\nConnection: close\r\n")));
  await withServe([backEnd], { openFiles: 128 }, async (serve) => {
    const client = await Peer.connect(serve.http);
    await client.send(GET);
    assert.equal((await client.message()).body, "ok");
    const idle: Peer[] = [];
    for (let i = 0; i < 200; i++) idle.push(await Peer.connect(serve.http));
    await delay(200);
    await client.send(GET);
    assert.equal((await client.message()).body, "ok");
    for (const each of idle) each.close();
    await client.send(GET);
    assert.equal((await client.message()).body, "ok");
    client.close();
  });
});
