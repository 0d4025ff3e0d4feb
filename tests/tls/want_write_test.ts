/**
 * TLS that must write to go on, over a socket that takes nothing: it waits for room, not for bytes. The socket is filled with bytes that
 * are not TLS, which the other end takes out again by itself. It is a pair in the kernel: TCP makes room when it likes.
 */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { Connection, INPUT } from "../../core/proxy/connection.ts";
import type { Exchange } from "../../core/proxy/exchange.ts";
import { EventLoop } from "../../core/proxy/loop.ts";
import type { BackEnd } from "../../core/proxy/back_end.ts";
import type { Pool } from "../../core/proxy/pool.ts";
import { UpstreamConnection } from "../../core/proxy/upstream_connection.ts";
import { CertificateStore } from "../../core/tls/certificate_store.ts";
import { TlsServer } from "../../core/tls/tls_server.ts";
import { TlsStream } from "../../core/tls/tls_stream.ts";
import { close, receive, send, socketAddressBytes } from "../../ffi/socket.ts";
import { EPOLLOUT } from "../../ffi/epoll.ts";
import { TlsClientContext, TlsPeer } from "../../ffi/tls_client.ts";
import { liveTlsSessions, TlsSession } from "../../ffi/tls_session.ts";
import { freePorts } from "../proxy/harness.ts";
import { filesOf, makePair } from "./openssl.ts";

const WOULD_BLOCK = -1;
const FAILED = -2;
const CONNECTED = 1;
/** Under valgrind all takes longer. */
const WAIT_MS = 10_000 * Number(Deno.env.get("DLBA_TEST_SLOWNESS") ?? 1);

const { socketpair } = Deno.dlopen("libc.so.6", {
  // int socketpair(int domain, int type, int protocol, int sv[2])
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
}).symbols;
const AF_UNIX = 1;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;

const { SSL_key_update, SSL_do_handshake } = Deno.dlopen("libssl.so.3", {
  // int SSL_key_update(SSL *s, int updatetype); int SSL_do_handshake(SSL *ssl)
  SSL_key_update: { parameters: ["pointer", "i32"], result: "i32" },
  SSL_do_handshake: { parameters: ["pointer"], result: "i32" },
}).symbols;
const SSL_KEY_UPDATE_REQUESTED = 1;

/** As many bytes as the socket takes. */
function fill(fd: number): number {
  const bytes = new Uint8Array(65_536);
  let total = 0;
  for (let piece = bytes.length; piece > 0; piece >>= 2) {
    for (let count = send(fd, bytes, piece); count > 0; count = send(fd, bytes, piece)) total += count;
  }
  return total;
}

/** Takes bytes out that {@linkcode fill} put in. */
async function drain(fd: number, total: number): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (let left = total; left > 0;) {
    const count = receive(fd, buffer, Math.min(left, buffer.length));
    assert.notEqual(count, 0);
    if (count > 0) left -= count;
    else await delay(1);
  }
}

async function until(isDone: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + WAIT_MS; !isDone(); await delay(1)) assert.ok(performance.now() < end, what);
}

/** Keeps what comes, until the peer ends. */
class Reader extends Connection {
  received = 0;
  drained = 0;

  constructor(loop: EventLoop, override readonly stream: TlsStream) {
    super(loop, stream);
  }

  protected override onReady(): void {
    for (let count = this.read(); count > 0; count = this.read()) this.received += INPUT.subarray(0, count).length;
  }

  protected override onDrained(): void {
    this.drained++;
  }

  override onTimeout(): void {}
  protected override onHangup(): void {}
  protected override onBroken(): void {
    assert.fail("the connection is broken");
  }
}

interface Client {
  readonly fd: number;
  readonly session: TlsSession;
  /** Its SSL object. */
  readonly object: Deno.PointerValue;
}

interface Site {
  readonly loop: EventLoop;
  /** Of clients. */
  readonly peer: TlsPeer;
  /** A server's end that is not yet watched. */
  accept(fd: number): TlsStream;
  client(fd: number): Client;
}

/** Two descriptors that are connected. */
function pair(): [one: number, other: number] {
  const both = new Int32Array(2);
  assert.equal(socketpair(AF_UNIX, SOCK_STREAM_NONBLOCK_CLOEXEC, 0, new Uint8Array(both.buffer)), 0);
  return [both[0]!, both[1]!];
}

async function withSite(work: (site: Site) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  await Deno.mkdir(`${dir}/tls`);
  const certificate = { a: await makePair("ec", ["localhost"]) };
  for (const [path, text] of Object.entries(filesOf(certificate))) await Deno.writeTextFile(`${dir}/${path}`, text);
  const files = [{ cert: `${dir}/tls/a.crt`, key: `${dir}/tls/a.key` }];
  const store = new CertificateStore({ files, policy: "modern", isStrict: false, hasTicketKeys: false });
  const server = new TlsServer(store, undefined, (line) => assert.fail(line));
  const context = new TlsClientContext({ ca: undefined, verify: false });
  const peer = new TlsPeer(context, undefined);
  const loop = new EventLoop();
  let isOver = false;
  const running = loop.run(() => isOver);
  const before = liveTlsSessions;
  const clients: Client[] = [];
  const client = (fd: number) => {
    let object: Deno.PointerValue = null;
    const begin = (each: Deno.PointerValue) => peer.begin(object = each);
    const session = new TlsSession({ pointer: peer.pointer, begin, end: () => {} }, fd, peer);
    const made = { fd, session, object };
    clients.push(made);
    return made;
  };
  try {
    await work({ loop, peer, client, accept: (fd) => server.accept(fd, "127.0.0.1") });
  } finally {
    isOver = true;
    await running;
    for (const { fd, session } of clients) {
      session.free();
      close(fd);
    }
    loop.close();
    peer.close();
    context.close();
    store.close();
    await Deno.remove(dir, { recursive: true });
  }
  assert.equal(liveTlsSessions, before);
}

Deno.test("tls: a handshake that a client began goes on when its answer finds room", async () => {
  await withSite(async ({ loop, accept, client }) => {
    const [one, other] = pair();
    const { fd, session } = client(one);
    assert.equal(session.handshake(), WOULD_BLOCK);
    const stream = accept(other);
    const filled = fill(stream.fd);
    const reader = new Reader(loop, stream);
    await until(() => stream.readWaitsToWrite, "the server waits for room");
    await delay(50);
    assert.equal(stream.readWaitsToWrite, true);
    await drain(fd, filled);
    await until(() => session.handshake() === CONNECTED, "the handshake ends");
    assert.equal(session.write(new Uint8Array(5), 5), 5);
    await until(() => reader.received === 5, "what follows is read");
    reader.close();
  });
});

Deno.test("tls: a handshake that we begin with a back end goes on when its first flight finds room", async () => {
  await withSite(async ({ loop, peer, accept }) => {
    const [one, other] = pair();
    const filled = fill(one);
    let [connected, failed] = [0, 0];
    const exchange = {
      client: { identity: {} },
      connected: () => connected++,
      connectFailed: () => failed++,
      isClientBlocked: true,
    };
    const config = { connect_timeout: WAIT_MS, response_timeout: WAIT_MS };
    const ours = new TlsStream(one, new TlsSession(peer, one, peer), assert.fail);
    const tls = {
      stream: (fd: number) => {
        close(fd);
        return ours;
      },
    };
    const address = socketAddressBytes("127.0.0.1", freePorts(1)[0]!);
    const upstream = UpstreamConnection.connect(
      loop,
      { config } as unknown as Pool,
      { address, tls, idle: [] } as unknown as BackEnd,
      exchange as unknown as Exchange,
    );
    assert.ok(upstream instanceof UpstreamConnection);
    upstream.onEvent(EPOLLOUT);
    assert.equal(ours.readWaitsToWrite, true);
    await delay(50);
    assert.equal(connected, 0);
    await drain(other, filled);
    const reader = new Reader(loop, accept(other));
    await until(() => connected === 1, "the handshake ends");
    upstream.send(new Uint8Array(7), 7);
    await until(() => reader.received === 7, "what follows is read");
    assert.equal(failed, 0);
    upstream.close();
    reader.close();
  });
});

/** Both ends of a connection whose handshake is over. */
async function established({ loop, accept, client: clientOf }: Site) {
  const [one, other] = pair();
  const client = clientOf(one);
  const stream = accept(other);
  const reader = new Reader(loop, stream);
  await until(() => client.session.handshake() === CONNECTED, "the handshake ends");
  client.session.write(new Uint8Array(1), 1);
  await until(() => reader.received === 1, "the server knows it too");
  // Its ticket is read, so that what follows comes alone.
  assert.equal(client.session.read(new Uint8Array(10), 10), WOULD_BLOCK);
  return { client, stream, reader };
}

/** Asks the other side for new keys: RFC 8446 section 4.6.3. */
function askForKeyUpdate(object: Deno.PointerValue): void {
  assert.equal(SSL_key_update(object, SSL_KEY_UPDATE_REQUESTED), 1);
  assert.equal(SSL_do_handshake(object), 1);
}

Deno.test("tls: reads go on after a key update for whose answer there is no room yet", async () => {
  await withSite(async (site) => {
    const { client, stream, reader } = await established(site);
    const filled = fill(stream.fd);
    askForKeyUpdate(client.object);
    assert.equal(client.session.write(new Uint8Array(9), 9), 9);
    await drain(client.fd, filled);
    await until(() => reader.received === 10, "what follows is read, though no byte came since");
    reader.send(new Uint8Array(11), 11);
    let count = WOULD_BLOCK;
    await until(() => (count = client.session.read(new Uint8Array(100), 100)) !== WOULD_BLOCK, "by the new keys");
    assert.equal(count, 11);
    reader.close();
  });
});

Deno.test("tls: a key update that comes while a write waits harms neither", async () => {
  await withSite(async (site) => {
    const { client, reader } = await established(site);
    const total = 2_000_000;
    const bytes = Uint8Array.from({ length: total }, (_, i) => (i * 7 + (i >> 8)) & 255);
    reader.send(bytes, total);
    assert.ok(reader.isBlocked);
    for (let i = 0; i < 3; i++) {
      askForKeyUpdate(client.object);
      assert.equal(client.session.write(new Uint8Array(10), 10), 10);
      await delay(20);
    }
    await until(() => reader.received === 31, "reads go on while the write waits");
    assert.ok(reader.isBlocked);
    const buffer = new Uint8Array(65_536);
    let at = 0;
    while (at < total) {
      const count = client.session.read(buffer, buffer.length);
      if (count === WOULD_BLOCK) await delay(1);
      else assert.deepEqual(buffer.subarray(0, count), bytes.subarray(at, at += count), client.session.failure);
    }
    await until(() => reader.drained > 0, "the write is over");
    assert.equal(reader.drained, 1);
    reader.close();
  });
});

Deno.test("tls: who asks for new keys without end and reads nothing is cut off", async () => {
  await withSite(async (site) => {
    const { client, stream, reader } = await established(site);
    reader.send(new Uint8Array(4_000_000), 4_000_000);
    assert.ok(reader.isBlocked);
    const buffer = new Uint8Array(1000);
    let [asked, count] = [0, WOULD_BLOCK];
    for (; count === WOULD_BLOCK && asked < 10_000; asked++) {
      askForKeyUpdate(client.object);
      count = stream.read(buffer, buffer.length);
    }
    assert.equal(count, FAILED, `${asked} answers are kept`);
    reader.close();
  });
});

// A response that filled the socket exactly was followed by an end without close_notify, which looks like a cut.
Deno.test("tls: close_notify for which there is no room is sent when there is", async () => {
  await withSite(async (site) => {
    const { client, stream, reader } = await established(site);
    const filled = fill(stream.fd);
    reader.finish();
    assert.equal(stream.finishesLater, true);
    await delay(50);
    // What the client still sends is read meanwhile.
    assert.equal(client.session.write(new Uint8Array(9), 9), 9);
    await until(() => reader.received === 10, "reads go on");
    assert.equal(stream.finishesLater, true);
    await drain(client.fd, filled);
    const buffer = new Uint8Array(100);
    let count = WOULD_BLOCK;
    await until(() => (count = client.session.read(buffer, buffer.length)) !== WOULD_BLOCK, "the end comes");
    assert.equal(count, 0, client.session.failure);
    assert.equal(receive(client.fd, buffer, buffer.length), 0, "nothing follows it");
    assert.equal(stream.finishesLater, false);
    reader.close();
  });
});
