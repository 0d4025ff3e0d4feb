/** Large bodies through `dlba serve`: intact, at the pace of whoever is slower, in little memory. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { delay } from "../../core/delay.ts";
import { RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const SIZE = 50_000_000;
const PIECE = randomBytes(1_000_000);
/** What the process may grow by: V8's young generation and a few buffers a connection. */
const GROWTH = 40_000_000;

function hashOf(size: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < size; at += PIECE.length) hash.update(PIECE.subarray(0, Math.min(PIECE.length, size - at)));
  return hash.digest("hex");
}

async function sendBody(peer: Peer, size: number): Promise<void> {
  for (let at = 0; at < size; at += PIECE.length) await peer.send(PIECE.subarray(0, Math.min(PIECE.length, size - at)));
}

/** Reads `size` bytes, or all up to the end, no faster than `bytesPerMs`; resolves to their number and hash. */
async function readAtPace(connection: Deno.Conn, size: number, bytesPerMs: number): Promise<[number, string]> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(262_144);
  const began = performance.now();
  let got = 0;
  while (got < size) {
    const count = await connection.read(buffer.subarray(0, Math.min(buffer.length, size - got)));
    if (count === null) break;
    hash.update(buffer.subarray(0, count));
    got += count;
    const early = got / bytesPerMs - (performance.now() - began);
    if (early > 5) await delay(early);
  }
  return [got, hash.digest("hex")];
}

/** Reads a head byte by byte, so that nothing of the body is taken. */
async function readHead(connection: Deno.Conn): Promise<string> {
  let head = "";
  const byte = new Uint8Array(1);
  while (!head.endsWith("\r\n\r\n") && await connection.read(byte) !== null) head += String.fromCharCode(byte[0]!);
  return head;
}

/** Answers each GET by `size` bytes, and tells the hash of what else it is sent, which it reads at a pace. */
function transferring(bytesPerMs: number): RawBackEnd {
  return new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    while (true) {
      const head = await readHead(connection);
      if (head === "") return;
      if (head.startsWith("GET")) {
        const size = Number(/^GET \/(\d+)/.exec(head)![1]);
        await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        await sendBody(peer, size);
      } else {
        const [count, hash] = await readAtPace(connection, Number(/content-length: (\d+)/.exec(head)![1]), bytesPerMs);
        await peer.send(`HTTP/1.1 200 OK\r\nX-Got: ${count} ${hash}\r\nContent-Length: 0\r\n\r\n`);
      }
    }
  });
}

Deno.test("body: 50 MB up and down arrive intact at the pace of the slower side, in bounded memory", async () => {
  const expected = hashOf(SIZE);
  // About 1 s each.
  const pace = 50_000;
  await withServe([transferring(pace)], {}, async (serve) => {
    const before = serve.rss();
    const work = Array.from({ length: 2 }, async () => {
      const up = await Peer.connect(serve.http);
      await up.send(`PUT / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${SIZE}\r\n\r\n`);
      await sendBody(up, SIZE);
      assert.ok((await up.message()).head.includes(`\r\nx-got: ${SIZE} ${expected}\r\n`));
      up.close();

      const down = await Peer.connect(serve.http);
      await down.send(`GET /${SIZE} HTTP/1.1\r\nHost: shop\r\n\r\n`);
      assert.match(await readHead(down.connection), /^HTTP\/1\.1 200 OK\r\n/);
      assert.deepEqual(await readAtPace(down.connection, SIZE, pace), [SIZE, expected]);
      down.close();
    });
    await Promise.all(work);
    assert.ok(serve.peakRss() - before < GROWTH, `memory grew by ${serve.peakRss() - before} bytes`);
  });
});
