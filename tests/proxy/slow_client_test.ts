/** Clients that take a response more slowly than its back end sends it, through `dlba serve`. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { latin1, RawBackEnd, ServeProcess, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const SIZE = 50_000_000;

/** Reads to the end at about `bytesPerMs`; resolves to how much of a body came, or to the name of what went wrong. */
async function readAtPace(client: Peer, bytesPerMs: number): Promise<number | string> {
  const buffer = new Uint8Array(262_144);
  const began = performance.now();
  await client.until("\r\n\r\n");
  let got = client.takeHeld().length;
  try {
    while (got < SIZE) {
      const count = await client.connection.read(buffer);
      if (count === null) break;
      got += count;
      const early = got / bytesPerMs - (performance.now() - began);
      if (early > 5) await delay(early);
    }
    return got;
  } catch (error) {
    return `${(error as Error).name} after ${Math.round(performance.now() - began)} ms`;
  }
}

Deno.test("body: a client that reads slowly but steadily gets a long response whole, however long that takes", async () => {
  // More than the socket buffers take, over several times each time-out of the client's side.
  const config = "proxy: { head_timeout: 400ms, client_idle_timeout: 400ms, body_timeout: 400ms }";
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
    await peer.send(new Uint8Array(SIZE));
  });
  await withServe([backEnd], { config }, async (serve) => {
    const requests = [
      `GET / HTTP/1.1\r\nHost: shop\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`,
      `GET / HTTP/1.0\r\n\r\n`,
    ];
    const got = await Promise.all(requests.map(async (request) => {
      const client = await Peer.connect(serve.http);
      await client.send(request);
      const result = await readAtPace(client, 20_000);
      client.close();
      return result;
    }));
    assert.deepEqual(got, [SIZE, SIZE, SIZE]);
  });
});

/** Answers each request by `body`, in one piece. */
function answeringAll(body: string): RawBackEnd {
  const response = latin1(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  return new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    while (true) {
      await peer.until("\r\n\r\n");
      await peer.send(response);
    }
  });
}

/** Bodies of the responses that came, the last of which may be cut. */
function bodiesOf(answer: string): string[] {
  const responses = answer.replace("[reset]", "").split("HTTP/1.1 200 OK\r\n").slice(1);
  return responses.map((response) => response.split("\r\n\r\n")[1] ?? "");
}

const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
/** Many fill the socket buffers; one is sent in one segment over loopback. */
const BODY = "x".repeat(20_000);

Deno.test("body: SIGTERM lets a slow client have the responses that its back end has sent whole", async () => {
  const backEnd = answeringAll(BODY);
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const hits = () => serve.backEndRows(1)[0]!.hits;
  const client = await Peer.connect(serve.http);
  // Asks again and again and takes no answer, until the proxy takes no further request of such a client.
  let asked = 0;
  for (let ms = 0; ms < 400; asked++) {
    await client.send(GET);
    for (ms = 0; ms < 400 && hits() === asked; ms += 4) await delay(4);
  }
  const begun = hits();
  const stopped = serve.stop();
  await delay(200);
  const bodies = bodiesOf(await client.rest());
  assert.equal(await stopped, 0);
  client.close();
  await backEnd.close();
  // The one that was not begun may be answered or not.
  assert.ok(bodies.length >= begun, `${bodies.length} responses of ${begun}`);
  assert.deepEqual(bodies.map(({ length }) => length), Array(bodies.length).fill(BODY.length));
});
