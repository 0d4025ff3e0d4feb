/** Handshakes that go wrong: every SSL object is freed once, the reason is known, and others are not disturbed. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { accept, listenOn } from "../../ffi/socket.ts";
import { liveTlsSessions } from "../../ffi/tls_session.ts";
import { close } from "../../ffi/socket.ts";
import { CertificateStore } from "../../core/tls/certificate_store.ts";
import { TlsServer } from "../../core/tls/tls_server.ts";
import type { TlsStream } from "../../core/tls/tls_stream.ts";
import { FACTOR } from "../soak.ts";
import { freePorts } from "../proxy/harness.ts";
import { clientHello, filesOf, makePair } from "./openssl.ts";

const WOULD_BLOCK = -1;
const FAILED = -2;
/** 10,000 in the soak. */
const BROKEN_HANDSHAKES = 100 * FACTOR;

interface Site {
  readonly port: number;
  readonly log: string[];
  /** The next connection, once it is there. */
  next(): Promise<TlsStream>;
}

async function withSite(work: (site: Site) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const pair = await makePair("ec", ["localhost"]);
  await Deno.mkdir(`${dir}/tls`);
  for (const [path, text] of Object.entries(filesOf({ a: pair }))) await Deno.writeTextFile(`${dir}/${path}`, text);
  const files = [{ cert: `${dir}/tls/a.crt`, key: `${dir}/tls/a.key` }];
  const store = new CertificateStore({ files, policy: "intermediate", isStrict: false, hasTicketKeys: false });
  const log: string[] = [];
  const server = new TlsServer(store, undefined, (line) => log.push(line));
  const [port] = freePorts(1);
  const listener = listenOn("127.0.0.1", port!, 64);
  const before = liveTlsSessions;
  const next = async () => {
    for (let fd = accept(listener);; fd = accept(listener)) {
      if (fd >= 0) return server.accept(fd, "127.0.0.1");
      await delay(1);
    }
  };
  try {
    await work({ port: port!, log, next });
  } finally {
    assert.equal(liveTlsSessions, before, "SSL objects made and freed");
    close(listener);
    store.close();
    await Deno.remove(dir, { recursive: true });
  }
}

/** Under valgrind all takes longer. */
const SLOWNESS = Number(Deno.env.get("DLBA_TEST_SLOWNESS") ?? 1);

/** Reads until something other than waiting comes of it, for so long at most. */
async function outcome(stream: TlsStream, ms = 2000): Promise<number> {
  const buffer = new Uint8Array(4096);
  for (const end = performance.now() + ms * SLOWNESS; performance.now() < end;) {
    const count = stream.read(buffer, buffer.length);
    if (count !== WOULD_BLOCK) return count;
    await delay(1);
  }
  return WOULD_BLOCK;
}

Deno.test("TlsSession: handshakes cut at any byte, changed at any byte and garbage free what they took", async () => {
  await withSite(async ({ port, next }) => {
    const hello = await clientHello();
    for (let i = 0; i < BROKEN_HANDSHAKES; i++) {
      const bytes = hello.slice();
      const at = Math.floor(i * hello.length / BROKEN_HANDSHAKES);
      const way = i % 4;
      if (way === 1) bytes[at]! ^= 1 << (i % 8);
      if (way === 2) bytes.fill(0xff, at);
      if (way === 3) crypto.getRandomValues(bytes);
      const client = await Deno.connect({ hostname: "127.0.0.1", port });
      await client.write(way === 0 ? bytes.subarray(0, at) : bytes);
      const stream = await next();
      if (i % 8 < 4) client.close();
      const count = await outcome(stream, 20);
      assert.ok(count <= 0, "no byte of an application came");
      if (i % 3 === 0) stream.finish();
      stream.close();
      if (i % 8 >= 4) client.close();
    }
  });
});

Deno.test("TlsSession says why a handshake failed, by the alert's name where there is one", async () => {
  await withSite(async ({ port, next, log }) => {
    const say = async (bytes: Uint8Array) => {
      const client = await Deno.connect({ hostname: "127.0.0.1", port });
      await client.write(bytes);
      const stream = await next();
      assert.equal(await outcome(stream), FAILED);
      stream.close();
      client.close();
      return log.pop();
    };
    const encoder = new TextEncoder();
    assert.match(
      (await say(encoder.encode("GET / HTTP/1.1\r\n\r\n")))!,
      /^TLS handshake of 127\.0\.0\.1 failed: http request$/,
    );
    assert.match((await say(encoder.encode("\x00".repeat(100))))!, /failed: wrong version number$/);
    // A client that does not know who signed the certificate says so by an alert.
    const refusing = Deno.connectTls({ hostname: "localhost", port }).then((client) => client.handshake());
    const stream = await next();
    const [, count] = await Promise.all([refusing.catch(() => {}), outcome(stream)]);
    assert.equal(count, FAILED);
    assert.match(log.pop()!, /failed: .*alert (?:unknown ca|bad certificate|certificate unknown)$/);
    stream.close();
  });
});

Deno.test("TlsSession: a write that waits is taken up with the same bytes, read and write interleaved", async () => {
  await withSite(async ({ port, next }) => {
    const child = new Deno.Command("openssl", {
      args: ["s_client", "-connect", `127.0.0.1:${port}`, "-quiet", "-no_ign_eof"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const stream = await next();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("hello"));
    assert.equal(await outcome(stream), 5);
    // Nobody reads the client's output: sooner or later the system takes no more.
    const total = 8_000_000;
    const bytes = Uint8Array.from({ length: total }, (_, i) => (i * 7 + (i >> 8)) & 255);
    let sent = 0;
    let waited = 0;
    const write = () => {
      const count = stream.write(bytes.subarray(sent), total - sent);
      if (count > 0) sent += count;
      return count;
    };
    while (waited === 0 && sent < total) if (write() === WOULD_BLOCK) waited++;
    assert.equal(waited, 1, "it waited");
    await writer.write(new TextEncoder().encode("more"));
    assert.equal(await outcome(stream), 4, "reads go on while a write waits");
    const received = (async () => {
      let count = 0;
      for await (const piece of child.stdout) {
        for (const byte of piece) {
          if (byte !== bytes[count]) throw new Error(`byte ${count} differs`);
          count++;
        }
      }
      return count;
    })();
    while (sent < total) if (write() === WOULD_BLOCK) await delay(1);
    stream.finish();
    assert.equal(await received, total);
    stream.close();
    await writer.close().catch(() => {});
    await child.status;
  });
});
