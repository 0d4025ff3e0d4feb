/** TLS to back ends, with OpenSSL's own server and Deno's as back ends. */
import assert from "node:assert/strict";
import { BackEndTls } from "../../core/tls/back_end_tls.ts";
import { delay } from "../../core/delay.ts";
import type { TlsStream } from "../../core/tls/tls_stream.ts";
import { connectTo, socketAddressBytes } from "../../ffi/socket.ts";
import { TlsClientContext } from "../../ffi/tls_client.ts";
import { liveTlsSessions } from "../../ffi/tls_session.ts";
import {
  answering,
  freePorts,
  fromLatin1,
  latin1,
  RawBackEnd,
  readToEnd,
  sendAll,
  ServeProcess,
} from "../proxy/harness.ts";
import { FACTOR } from "../soak.ts";
import { TestAuthority } from "./authority.ts";
import { makePair, type Pair } from "./openssl.ts";

const CONNECTED = 1;
const WOULD_BLOCK = -1;
const FAILED = -2;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

const authority = await TestAuthority.make();
const inside = await authority.sign(["inside.example", "127.0.0.1"]);
const CA = { "tls/ca.crt": authority.cert };
const TRUSTED = ", tls: { ca: tls/ca.crt, server_name: inside.example }";
await authority.remove();

/** A back end of Deno's own TLS. */
class TlsBackEnd {
  accepted = 0;
  #listener: Deno.TlsListener;
  #connections = new Set<Deno.TlsConn>();
  #done: Promise<void>;

  constructor({ cert, key }: Pair, answer: (connection: Deno.TlsConn) => Promise<void>) {
    this.#listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key, alpnProtocols: ["http/1.1"] });
    this.#done = this.#accept(answer);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(answer: (connection: Deno.TlsConn) => Promise<void>): Promise<void> {
    const running: Promise<void>[] = [];
    while (true) {
      let connection: Deno.TlsConn;
      try {
        connection = await this.#listener.accept();
      } catch {
        break;
      }
      this.accepted++;
      this.#connections.add(connection);
      running.push(answer(connection).catch(() => {}).finally(() => this.#drop(connection)));
    }
    await Promise.all(running);
  }

  #drop(connection: Deno.TlsConn): void {
    if (this.#connections.delete(connection)) connection.close();
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const connection of [...this.#connections]) this.#drop(connection);
    await this.#done;
  }
}

/** `openssl s_server -www`: answers by a page about the connection, then closes. */
async function sServer(pair: Pair, work: (port: number, said: () => string) => Promise<void>, ...flags: string[]) {
  const dir = await Deno.makeTempDir({ prefix: "dlba-s-server-" });
  await Deno.writeTextFile(`${dir}/cert`, pair.cert);
  await Deno.writeTextFile(`${dir}/key`, pair.key);
  const [port] = freePorts(1);
  const files = ["-cert", `${dir}/cert`, "-key", `${dir}/key`, "-cert2", `${dir}/cert`, "-key2", `${dir}/key`];
  // By lines, else what it says of a connection waits in a buffer.
  const child = new Deno.Command("stdbuf", {
    args: [
      "-oL",
      "openssl",
      "s_server",
      "-accept",
      `127.0.0.1:${port}`,
      ...files,
      "-www",
      "-alpn",
      "http/1.1",
      ...flags,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let said = "";
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) said += text;
  })();
  for (let i = 0; i < 100 && !said.includes("ACCEPT"); i++) await delay(20);
  try {
    await work(port!, () => said);
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await reading;
    await Deno.remove(dir, { recursive: true });
  }
}

for (const version of ["1.2", "1.3"]) {
  Deno.test(`back end by TLS ${version}: verified, asked for by name and http/1.1, the session resumed`, async () => {
    await sServer(
      inside,
      async (port, said) => {
        const serve = await ServeProcess.start({ backEnds: [port], pool: TRUSTED, files: CA });
        assert.match(await serve.raw(GET), new RegExp(`^HTTP/1\\.1 200 .*New, TLSv${version}`, "s"));
        assert.match(await serve.raw(GET), new RegExp(`^HTTP/1\\.1 200 .*Reused, TLSv${version}`, "s"));
        assert.match(said(), /Hostname in TLS extension: "inside\.example"/);
        assert.match(said(), /ALPN protocols selected: http\/1\.1/);
        await serve.stop();
      },
      `-tls${version.replace(".", "_")}`,
      "-servername",
      "another.example",
    );
  });
}

Deno.test("back end by TLS: requests share a connection, bodies of any size pass both ways", async () => {
  const size = 1_000_000;
  const echo = async (connection: Deno.Conn) => {
    let text = "";
    const buffer = new Uint8Array(65_536);
    while (true) {
      const count = await connection.read(buffer);
      if (count === null) return;
      text += String.fromCharCode(...buffer.subarray(0, count));
      const end = text.indexOf("\r\n\r\n") + 4;
      const length = Number(/content-length: (\d+)/.exec(text)?.[1] ?? 0);
      if (end < 4 || text.length < end + length) continue;
      await sendAll(connection, latin1(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${text.slice(end)}`));
      text = "";
    }
  };
  const backEnd = new TlsBackEnd(inside, echo);
  const serve = await ServeProcess.start({ backEnds: [backEnd.port], pool: TRUSTED, files: CA });
  const body = "0123456789abcdef".repeat(size / 16);
  for (let i = 0; i < 3; i++) {
    const answer = await serve.raw(
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n${body}`,
    );
    assert.ok(answer.endsWith(`\r\n\r\n${body}`), `${answer.length} characters`);
    assert.match(await serve.raw(GET), /^HTTP\/1\.1 200 OK\r\n/);
  }
  assert.equal(backEnd.accepted, 1);
  // A client that does not read holds the back end back, and nothing is lost.
  const slow = await Deno.connect({ hostname: "127.0.0.1", port: serve.http });
  const head = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`;
  await sendAll(slow, latin1(head + body));
  await delay(300);
  assert.ok((await readToEnd(slow)).endsWith(body));
  await serve.stop();
  await backEnd.close();
});

Deno.test("back end by TLS: who cannot be verified is passed over, and the log says why, once", async (t) => {
  const good = new TlsBackEnd(inside, answering(OK));
  const other = await TestAuthority.make("Other CA");
  const foreign = await other.sign(["inside.example"]);
  await other.remove();
  const afterReading = (answer: string) =>
    new RawBackEnd(async (connection) => {
      await connection.read(new Uint8Array(4096));
      await sendAll(connection, latin1(answer));
      await connection.closeWrite();
      await connection.read(new Uint8Array(4096));
    });
  const steps: readonly (readonly [says: string, backEnd: { port: number; close(): Promise<void> }, why: RegExp])[] = [
    ["an unknown CA", new TlsBackEnd(foreign, answering(OK)), /verify failed: unable to get local issuer certificate/],
    ["self-signed", new TlsBackEnd(await makePair("ec", ["inside.example"]), answering(OK)), /self-signed certificate/],
    ["plain HTTP", afterReading("HTTP/1.1 400 Bad Request\r\n\r\n"), /wrong version number/],
    ["a server that closes", afterReading(""), /unexpected eof/],
  ];
  for (const [says, backEnd, why] of steps) {
    await t.step(says, async () => {
      const backEnds = [backEnd.port, good.port];
      const serve = await ServeProcess.start({ backEnds, pool: TRUSTED, files: CA, keepsLog: true });
      for (let i = 0; i < 6; i++) assert.match(await serve.raw(GET), /^HTTP\/1\.1 200 .*ok$/s);
      const { connectFailures, hits, open } = serve.table().row(0);
      assert.deepEqual([connectFailures > 0, hits, open], [true, 0, 0]);
      await serve.stop();
      const lines = serve.log.split("\n").filter((line) => line.includes("failed"));
      assert.equal(lines.length, 1, serve.log);
      assert.match(
        lines[0]!,
        new RegExp(`^serve: TLS handshake with the back end 127\\.0\\.0\\.1:${backEnd.port} failed: .*${why.source}`),
      );
      await backEnd.close();
    });
  }
  await t.step("another name", async () => {
    const pool = ", tls: { ca: tls/ca.crt, server_name: outside.example }";
    const serve = await ServeProcess.start({ backEnds: [good.port], pool, files: CA, keepsLog: true });
    assert.match(await serve.raw(GET), /^HTTP\/1\.1 502 /);
    await serve.stop();
    assert.match(serve.log, /failed: certificate verify failed: hostname mismatch/i);
  });
  await t.step("an address for a name", async () => {
    for (const [name, status] of [["127.0.0.1", "200"], ["127.0.0.2", "502"]]) {
      const pool = `, tls: { ca: tls/ca.crt, server_name: ${name} }`;
      const serve = await ServeProcess.start({ backEnds: [good.port], pool, files: CA });
      assert.match(await serve.raw(GET), new RegExp(`^HTTP/1\\.1 ${status} `));
      await serve.stop();
    }
  });
  await t.step("the system's store does not know it", async () => {
    const pool = ", tls: { server_name: inside.example }";
    const serve = await ServeProcess.start({ backEnds: [good.port], pool });
    assert.match(await serve.raw(GET), /^HTTP\/1\.1 502 /);
    await serve.stop();
  });
  await t.step("verify: false takes it", async () => {
    const serve = await ServeProcess.start({ backEnds: [good.port], pool: ", tls: { verify: false }" });
    assert.match(await serve.raw(GET), /^HTTP\/1\.1 200 /);
    await serve.stop();
  });
  await good.close();
});

Deno.test("back end by TLS: a renewed ca is taken into service, one that cannot be used is not", async () => {
  const next = await TestAuthority.make("Next CA");
  const backEnd = new TlsBackEnd(await next.sign(["inside.example"]), answering(OK));
  await next.remove();
  const pool = `${TRUSTED}, keepalive: 0`;
  const serve = await ServeProcess.start({ backEnds: [backEnd.port], pool, files: CA, keepsLog: true });
  assert.match(await serve.raw(GET), /^HTTP\/1\.1 502 /);
  await Deno.writeTextFile(`${serve.dir}/tls/ca.crt`, authority.cert + next.cert);
  for (let i = 0; i < 150 && !(await serve.raw(GET)).includes(" 200 "); i++) await delay(100);
  assert.match(await serve.raw(GET), /^HTTP\/1\.1 200 /);
  await Deno.writeTextFile(`${serve.dir}/tls/ca.crt`, "none");
  for (let i = 0; i < 150 && !serve.log.includes("stay"); i++) await delay(100);
  assert.match(await serve.raw(GET), /^HTTP\/1\.1 200 /);
  await serve.stop();
  assert.match(serve.log, /ca\.crt: new CA certificates are in service\n/);
  assert.match(serve.log, /the CA certificates in service stay: Cannot use the CA certificates .*ca\.crt: /);
  await backEnd.close();
});

Deno.test("back end by TLS: a handshake that never ends counts as a connection that cannot be made", async () => {
  const silent = new RawBackEnd(async (connection) => {
    while (await connection.read(new Uint8Array(4096)) !== null);
  });
  const good = new TlsBackEnd(inside, answering(OK));
  const pool = `${TRUSTED}, connect_timeout: 300ms`;
  const serve = await ServeProcess.start({ backEnds: [silent.port, good.port], pool, files: CA, keepsLog: true });
  for (let i = 0; i < 3; i++) assert.match(await serve.raw(GET), /^HTTP\/1\.1 200 /);
  assert.equal(serve.table().row(0).connectFailures, 1);
  await serve.stop();
  assert.match(serve.log, new RegExp(`back end 127\\.0\\.0\\.1:${silent.port} failed: it took too long\n`));
  await silent.close();
  await good.close();
});

Deno.test("back end by TLS: a tunnel passes bytes both ways, and either end in order", async () => {
  const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
  const backEnd = new TlsBackEnd(inside, async (connection) => {
    const buffer = new Uint8Array(65_536);
    await connection.read(buffer);
    await sendAll(connection, latin1(switching));
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      await sendAll(connection, buffer.subarray(0, count));
    }
    await sendAll(connection, latin1("bye"));
    await connection.closeWrite();
  });
  const serve = await ServeProcess.start({ backEnds: [backEnd.port], pool: TRUSTED, files: CA });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: serve.http });
  await sendAll(client, latin1("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"));
  const buffer = new Uint8Array(4096);
  assert.match(fromLatin1(buffer.subarray(0, (await client.read(buffer))!)), /^HTTP\/1\.1 101 /);
  const sent = "0123456789".repeat(50_000);
  const answer = readToEnd(client);
  await sendAll(client, latin1(sent));
  await client.closeWrite();
  assert.equal(await answer, `${sent}bye`);
  await serve.stop();
  await backEnd.close();
});

Deno.test("back end by TLS: a body that ends without close_notify is not taken for whole", async () => {
  const relay = async (isClosedInOrder: boolean) => {
    const sent = Promise.withResolvers<void>();
    const backEnd = new TlsBackEnd(inside, async (connection) => {
      await connection.read(new Uint8Array(4096));
      await sendAll(connection, latin1("HTTP/1.1 200 OK\r\n\r\nhalf"));
      if (isClosedInOrder) await connection.closeWrite();
      await delay(50);
      sent.resolve();
      await delay(50);
    });
    const cutter = cuttingRelay(backEnd.port, sent.promise);
    const serve = await ServeProcess.start({ backEnds: [cutter.port], pool: TRUSTED, files: CA });
    const answer = await serve.raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await serve.stop();
    await cutter.close();
    await backEnd.close();
    return answer;
  };
  assert.match(await relay(true), /half\r\n0\r\n\r\n$/);
  assert.doesNotMatch(await relay(false), /\r\n0\r\n\r\n$/);
});

/** Passes bytes both ways, and ends both when it is told to. */
function cuttingRelay(port: number, end: Promise<void>): RawBackEnd {
  return new RawBackEnd(async (client) => {
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    const pass = async (from: Deno.Conn, to: Deno.Conn) => {
      const buffer = new Uint8Array(65_536);
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        await sendAll(to, buffer.subarray(0, count));
      }
    };
    for (const passing of [pass(client, server), pass(server, client)]) passing.catch(() => {});
    await end;
    server.close();
  });
}

/** Connects until something other than waiting comes of it. */
async function outcome(stream: TlsStream): Promise<number> {
  for (const end = performance.now() + 300; performance.now() < end; await delay(1)) {
    const result = stream.connect();
    if (result !== WOULD_BLOCK) return result;
  }
  return WOULD_BLOCK;
}

Deno.test("BackEndTls: handshakes that break at any place free what they took, good ones come in between", async () => {
  const rounds = 40 * FACTOR;
  const caFile = await Deno.makeTempFile();
  await Deno.writeTextFile(caFile, authority.cert);
  const good = new TlsBackEnd(inside, answering(OK));
  let round = 0;
  const bad = new RawBackEnd(async (client) => {
    const server = await Deno.connect({ hostname: "127.0.0.1", port: good.port });
    const buffer = new Uint8Array(65_536);
    try {
      const asked = await client.read(buffer);
      await sendAll(server, buffer.subarray(0, asked ?? 0));
      const count = (await server.read(buffer)) ?? 0;
      const cut = round * 37 % count;
      if (round % 2 === 0) await sendAll(client, buffer.subarray(0, cut));
      else {
        buffer[cut]! ^= 0x55;
        await sendAll(client, buffer.subarray(0, count));
      }
      if (round % 3 === 0) await delay(5);
    } finally {
      server.close();
    }
  });
  const context = new TlsClientContext({ ca: caFile, verify: true });
  const log: string[] = [];
  const badTls = new BackEndTls(context, "inside.example", "bad", (line) => log.push(line));
  const goodTls = new BackEndTls(context, "inside.example", "good", (line) => log.push(line));
  const before = liveTlsSessions;
  for (; round < rounds; round++) {
    const stream = badTls.stream(connectTo(socketAddressBytes("127.0.0.1", bad.port)));
    assert.notEqual(await outcome(stream), CONNECTED);
    stream.close();
    if (round % 10 > 0) continue;
    const other = goodTls.stream(connectTo(socketAddressBytes("127.0.0.1", good.port)));
    assert.equal(await outcome(other), CONNECTED);
    other.close();
  }
  const refused = badTls.stream(connectTo(socketAddressBytes("127.0.0.1", freePorts(1)[0]!)));
  assert.equal(await outcome(refused), FAILED);
  refused.close();
  assert.equal(liveTlsSessions, before);
  assert.ok(log.length > 0 && log.every((line) => line.includes("bad")), log.join("\n"));
  badTls.close();
  goodTls.close();
  context.close();
  await bad.close();
  await good.close();
  await Deno.remove(caFile);
});
