/** Clients that never finish their handshakes cost a bounded number of connections, for a bounded time, and keep nobody out. */
import assert from "node:assert/strict";
import { answering, RawBackEnd, readToEnd, type ServeProcess, withServe } from "../proxy/harness.ts";
import { eventually } from "../proxy/eventually.ts";
import { clientHello, sClient } from "./openssl.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/** A reset where bytes of the client were not read any more. */
const GONE = /^(\[reset\])?$/;

/** The beginning of a handshake, and no more of it. */
async function begin(serve: ServeProcess, hello: Uint8Array): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: serve.https });
  await connection.write(hello.subarray(0, hello.length / 2));
  return connection;
}

Deno.test("tls: a handshake is cut off when its time is over; after one a client has the time for a head", async () => {
  const options = { tls: ", handshake_timeout: 300ms", config: "proxy: { head_timeout: 3s }", keepsLog: true };
  await withServe([new RawBackEnd(answering(OK))], options, async (serve) => {
    const [half, silent] = await Promise.all([
      begin(serve, await clientHello()),
      Deno.connect({ hostname: "127.0.0.1", port: serve.https }),
    ]);
    const ca = await Deno.readTextFile(serve.certificateFile);
    const good = await Deno.connectTls({ hostname: "localhost", port: serve.https, caCerts: [ca] });
    await good.handshake();
    assert.match(await readToEnd(half), GONE);
    assert.match(await readToEnd(silent), GONE);
    await eventually(() => {
      assert.equal(serve.log.match(/TLS handshake of 127\.0\.0\.1 failed: it took too long/g)?.length, 2);
    });
    await good.write(new TextEncoder().encode(GET));
    assert.match(await readToEnd(good), /^HTTP\/1\.1 200 /);
  });
});

Deno.test("tls: the handshake that has taken longest gives way where there are too many", async () => {
  const options = { tls: ", max_handshakes: 3, handshake_timeout: 60s", keepsLog: true };
  await withServe([new RawBackEnd(answering(OK))], options, async (serve) => {
    const hello = await clientHello();
    const halves: Deno.Conn[] = [];
    for (let i = 0; i < 5; i++) halves.push(await begin(serve, hello));
    // The first two are gone, before their time.
    for (const first of halves.splice(0, 2)) assert.match(await readToEnd(first), GONE);
    assert.match(await sClient(serve.https, GET, "-ign_eof", "-servername", "localhost"), /HTTP\/1\.1 200 /);
    // For the good client's sake a third one went, and the last two are waited for.
    assert.match(await readToEnd(halves.shift()!), GONE);
    await eventually(() => {
      assert.equal(serve.log.match(/failed: others came, and it had taken longest/g)?.length, 3);
    });
    for (const half of halves) {
      await half.write(hello.subarray(hello.length / 2));
      const answer = new Uint8Array(1);
      assert.equal(await half.read(answer), 1, "the server's part of the handshake");
      assert.equal(answer[0], 22);
      half.close();
    }
  });
});
