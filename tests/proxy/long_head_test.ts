/** Heads that grow above their limit in two reads. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { RawBackEnd, type ServeProcess, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

/** Sends in two pieces, the second of which is there as a whole when it is read. */
async function sendTwice(peer: Peer, serve: ServeProcess, first: string, second: string): Promise<void> {
  await peer.send(first);
  await delay(50);
  serve.child.kill("SIGSTOP");
  await delay(50);
  await peer.send(second);
  await delay(50);
  serve.child.kill("SIGCONT");
}

Deno.test("long head: a request head that ends above the limit in its second read is a 431", async () => {
  // Only what was incomplete was measured before it was parsed; the longest was a defect, and the connection cut.
  await withServe([new RawBackEnd(async () => {})], {}, async (serve) => {
    for (const target of ["/", "http://a/"]) {
      const client = await Peer.connect(serve.http);
      const first = `GET ${target} HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(30_000)}`;
      await sendTwice(client, serve, first, `${"b".repeat(50_000)}\r\n\r\n`);
      assert.match((await client.message()).head, /^HTTP\/1\.1 431 /);
      client.close();
    }
  });
});

Deno.test("long head: a response head that ends above the limit in its second read is a 502", async () => {
  // As with requests.
  let serving: ServeProcess;
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    const first = `HTTP/1.1 200 OK\r\nX: ${"a".repeat(40_000)}`;
    await sendTwice(peer, serving, first, `${"b".repeat(40_000)}\r\nContent-Length: 2\r\n\r\nok`);
    await peer.rest();
  });
  await withServe([backEnd], {}, async (serve) => {
    serving = serve;
    assert.match(await serve.raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), /^HTTP\/1\.1 502 /);
  });
});
