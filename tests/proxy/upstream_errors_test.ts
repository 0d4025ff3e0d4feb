/** The pages of `dlba serve` for what no back end answered: small, plain, and the connection goes on where it can. */
import assert from "node:assert/strict";
import { freePorts, RawBackEnd, ServeProcess, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function page(status: string): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\ncontent-length: ${status.length + 1}\r\n` +
    `cache-control: no-store\r\n\r\n${status}\n`;
}

/** The same page for GET twice over one connection and for HEAD without its body. */
async function assertPage(client: Peer, path: string, status: string): Promise<void> {
  const expected = page(status);
  for (let i = 0; i < 2; i++) {
    await client.send(`GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`);
    const { head, body } = await client.message();
    assert.equal(head + body, expected);
  }
  await client.send(`HEAD ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`);
  assert.equal((await client.message(false)).head, expected.slice(0, expected.indexOf("\r\n\r\n") + 4));
}

Deno.test("upstream: 502 when no back end can be connected, or what comes is not HTTP", async () => {
  const serve = await ServeProcess.start({ backEnds: freePorts(2) });
  const client = await Peer.connect(serve.http);
  await assertPage(client, "/", "502 Bad Gateway");
  client.close();
  await serve.stop();
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    const head = await peer.until("\r\n\r\n");
    await peer.send(head.includes("/good") ? OK : "SSH-2.0-OpenSSH_9.2\r\n");
    await peer.rest();
  });
  await withServe([backEnd], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    await assertPage(client, "/", "502 Bad Gateway");
    await client.send("GET /good HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert.equal((await client.message()).body, "ok");
    client.close();
  });
});

Deno.test("upstream: 504 when a back end takes longer than response_timeout, and its late answer is nobody's", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    while (true) {
      const head = await peer.until("\r\n\r\n");
      if (!head.includes("/slow")) await peer.send(OK);
      else {
        await peer.rest();
        await peer.send(OK.replaceAll("ok", "xx"));
      }
    }
  });
  await withServe([backEnd], { pool: ", response_timeout: 300ms" }, async (serve) => {
    const client = await Peer.connect(serve.http);
    await assertPage(client, "/slow", "504 Gateway Timeout");
    await client.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert.equal((await client.message()).body, "ok");
    client.close();
  });
});

Deno.test("upstream: a response whose body stalls for response_timeout is cut", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    await peer.rest();
  });
  await withServe([backEnd], { pool: ", response_timeout: 300ms" }, async (serve) => {
    const began = performance.now();
    assert.match(await serve.raw("GET / HTTP/1.1\r\nHost: shop\r\n\r\n"), /part\[reset\]$/);
    const ms = performance.now() - began;
    assert.ok(ms > 250 && ms < 1_500, `${ms} ms`);
  });
});
