/** An answer that comes before the request was read, to a client that reads nothing until it has sent. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const PIECE = 65_536;
const CHUNK = `${PIECE.toString(16)}\r\n${"x".repeat(PIECE)}\r\n`;

/** Bytes that wait in the kernel on the way from the back end's port: at the sender, and at the proxy. */
function waiting(port: number): { readonly sender: number; readonly receiver: number } {
  const mark = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const queues = { sender: 0, receiver: 0 };
  for (const line of Deno.readTextFileSync("/proc/net/tcp").split("\n")) {
    const [, local, remote, state, queue = ""] = line.trim().split(/\s+/);
    if (state !== "01") continue;
    const [out, incoming] = queue.split(":").map((hex) => parseInt(hex, 16));
    if (local === mark) queues.sender += out!;
    if (remote === mark) queues.receiver += incoming!;
  }
  return queues;
}

Deno.test("early answer: all of it reaches a client that uploads first, though the back end resets behind it", async () => {
  // The reset was found while the client was blocked, and what waited in the system was thrown away.
  let chunks = 0;
  let ended = () => {};
  const end = new Promise<void>((resolve) => ended = resolve);
  const backEnd = new RawBackEnd(async (connection) => {
    await connection.read(new Uint8Array(1_000));
    const peer = new Peer(connection);
    await peer.send("HTTP/1.1 413 no\r\nTransfer-Encoding: chunked\r\n\r\n");
    // Until the proxy takes no more, because the client does not.
    for (let still = 0; still < 10;) {
      if (waiting(backEnd.port).receiver > 0) still++;
      else {
        still = 0;
        await peer.send(CHUNK);
        chunks++;
      }
      await delay(10);
    }
    await peer.send("0\r\n\r\n");
    while (waiting(backEnd.port).sender > 0) await delay(10);
    setTimeout(ended, 100);
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n");
    const upload = client.send(new Uint8Array(10_000_000)).catch(() => {});
    await end;
    const answer = await client.until("\r\n0\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.equal(answer.match(/x/g)!.length, chunks * PIECE);
    client.close();
    await upload;
  });
});
