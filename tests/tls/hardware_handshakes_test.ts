/** Sessions that a thread uses: each SSL object is freed once, when it is back, however its client behaves. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { CertificateStore } from "../../core/tls/certificate_store.ts";
import { HardwareTlsStream } from "../../core/tls/hardware_stream.ts";
import { openToken } from "../../core/tls/hardware_keys.ts";
import { SigningQueue } from "../../core/tls/signing_queue.ts";
import { TlsServer } from "../../core/tls/tls_server.ts";
import { accept, close, listenOn } from "../../ffi/socket.ts";
import type { Pkcs11Token } from "../../ffi/pkcs11_token.ts";
import { callsUnderWay } from "../../ffi/thread_calls.ts";
import { liveTlsSessions } from "../../ffi/tls_session.ts";
import { freePorts } from "../proxy/harness.ts";
import { FACTOR } from "../soak.ts";
import { clientHello } from "./openssl.ts";
import { keyUri, lacksToken, SoftHsm } from "./soft_hsm.ts";

const WOULD_BLOCK = -1;
const FAILED = -2;
const LIMITS = { atOnce: 2, waiting: 2, longestMs: 1000 };
const BUFFER = new Uint8Array(4096);

interface Site {
  readonly hsm: SoftHsm;
  readonly queue: SigningQueue;
  readonly log: string[];
  /** A client that has sent these bytes, and the server's end, not yet read. */
  connect(bytes: Uint8Array): Promise<[client: Deno.TcpConn, stream: HardwareTlsStream]>;
}

function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** One for all: a process that has opened a module keeps what it saw of it. */
let shared: { readonly hsm: SoftHsm; readonly token: Pkcs11Token } | undefined;

async function openShared() {
  const hsm = await SoftHsm.create();
  const module = await hsm.makeSlowModule();
  await Deno.writeTextFile(`${hsm.dir}/hard.crt`, await hsm.makeKey("hard", "ec", ["localhost"]));
  return { hsm, token: openToken(module, hsm.pinFile) };
}

Deno.test.afterAll(async () => {
  shared?.token.close();
  await shared?.hsm.remove();
});

async function withSite(work: (site: Site) => Promise<void>): Promise<void> {
  const { hsm, token } = shared ??= await openShared();
  const cert = `${hsm.dir}/hard.crt`;
  hsm.setPace(0);
  const files = [{ cert, key: keyUri("hard") }];
  const store = new CertificateStore({ files, policy: "intermediate", isStrict: false, hasTicketKeys: false, token });
  const log: string[] = [];
  const queue = new SigningQueue(LIMITS);
  const server = new TlsServer(store, undefined, (line) => log.push(line), queue);
  const [port] = freePorts(1);
  const listener = listenOn("127.0.0.1", port!, 64);
  const connect: Site["connect"] = async (bytes) => {
    const client = await Deno.connect({ hostname: "127.0.0.1", port: port! });
    await client.write(bytes);
    let fd = accept(listener);
    for (; fd < 0; fd = accept(listener)) await delay(1);
    const stream = server.accept(fd, "127.0.0.1");
    assert.ok(stream instanceof HardwareTlsStream);
    return [client, stream];
  };
  const before = { sessions: liveTlsSessions, descriptors: openDescriptors() };
  try {
    await work({ hsm, queue, log, connect });
    for (let i = 0; i < 100 && callsUnderWay > 0; i++) await delay(50);
  } finally {
    const after = { sessions: liveTlsSessions, descriptors: openDescriptors() };
    close(listener);
    store.close();
    assert.deepEqual(after, before, "what was made is freed");
    assert.deepEqual([queue.running, queue.waiting], [0, 0]);
  }
}

async function outcome(stream: HardwareTlsStream, ms = 3000): Promise<number> {
  for (const end = performance.now() + ms; performance.now() < end;) {
    const count = stream.read(BUFFER, BUFFER.length);
    if (count !== WOULD_BLOCK) return count;
    await delay(1);
  }
  return WOULD_BLOCK;
}

for (const version of ["-tls1_2", "-tls1_3"]) {
  Deno.test({
    name: `HardwareTlsStream: closed at any time, and left by its client at any time, it leaves nothing, ${version}`,
    ignore: lacksToken,
    fn: () =>
      withSite(async ({ hsm, connect }) => {
        const hello = await clientHello(version, "-servername", "localhost");
        hsm.setPace(8);
        for (let i = 0; i < 60 * FACTOR; i++) {
          const [client, stream] = await connect(hello);
          const isCut = i % 4 === 3;
          if (i % 2 === 0) client.close();
          assert.equal(stream.read(BUFFER, BUFFER.length), WOULD_BLOCK);
          if (i % 3 > 0) await delay(i % 20);
          if (isCut) stream.resetOnClose();
          if (i % 5 === 0) stream.finish();
          const ends = stream.read(BUFFER, BUFFER.length);
          assert.ok(ends <= 0, `${ends} bytes without an end of the handshake`);
          stream.close();
          // A second call is a defect elsewhere; here it must not free twice.
          stream.close();
          if (i % 2 === 1) client.close();
        }
      }),
  });
}

Deno.test({
  name: "HardwareTlsStream: a session closed while the thread has it is freed when it returns, and wakes nobody",
  ignore: lacksToken,
  fn: () =>
    withSite(async ({ hsm, connect }) => {
      const hello = await clientHello();
      const before = liveTlsSessions;
      hsm.setPace(200);
      const [client, stream] = await connect(hello);
      let wakes = 0;
      stream.wake = () => wakes++;
      assert.equal(stream.read(BUFFER, BUFFER.length), WOULD_BLOCK);
      assert.equal(callsUnderWay, 1);
      await delay(20);
      stream.close();
      assert.equal(await client.read(new Uint8Array(100)), null, "the client sees the end at once");
      assert.equal(liveTlsSessions, before + 1, "the thread has it still");
      await delay(300);
      assert.equal(liveTlsSessions, before);
      assert.equal(wakes, 0);
      client.close();
    }),
});

Deno.test({
  name: "HardwareTlsStream: more than may wait are refused, and who waits too long is given up",
  ignore: lacksToken,
  fn: () =>
    withSite(async ({ hsm, queue, log, connect }) => {
      const hello = await clientHello();
      hsm.setPace(LIMITS.longestMs + 300);
      const pairs = [];
      for (let i = 0; i < 4; i++) pairs.push(await connect(hello));
      for (const [, stream] of pairs) assert.equal(stream.read(BUFFER, BUFFER.length), WOULD_BLOCK);
      assert.deepEqual([queue.running, queue.waiting], [2, 2]);
      const [fifth, refused] = await connect(hello);
      assert.equal(refused.read(BUFFER, BUFFER.length), FAILED);
      assert.match(log.pop()!, /failed: too many wait for the hardware key$/);
      refused.close();
      fifth.close();
      const outcomes = await Promise.all(pairs.map(([, stream]) => outcome(stream)));
      assert.deepEqual(outcomes, [FAILED, FAILED, FAILED, FAILED]);
      assert.equal(log.filter((line) => /failed: the hardware key was not to be had in time$/.test(line)).length, 4);
      for (const [client, stream] of pairs) {
        stream.close();
        client.close();
      }
    }),
});

Deno.test({
  name: "HardwareTlsStream: a second ClientHello sent before it was asked for is refused without a signature",
  ignore: lacksToken,
  fn: () =>
    // It was read on the thread, which then asked for its server name.
    withSite(async ({ hsm, connect }) => {
      const hello = await clientHello("-tls1_3", "-groups", "P-521:X25519");
      const before = hsm.signatures;
      const [client, stream] = await connect(Uint8Array.from([...hello, ...hello]));
      assert.equal(stream.read(BUFFER, BUFFER.length), FAILED);
      assert.equal(callsUnderWay, 0);
      assert.equal(hsm.signatures, before);
      stream.close();
      client.close();
    }),
});

Deno.test({
  name: "HardwareTlsStream says why a handshake failed on the thread",
  ignore: lacksToken,
  fn: () =>
    withSite(async ({ hsm, log, connect }) => {
      const fail = async (hello: Uint8Array) => {
        const [client, stream] = await connect(hello);
        assert.equal(await outcome(stream), FAILED);
        stream.close();
        client.close();
        return log.pop()!;
      };
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const onlyRsa = await clientHello(version, "-sigalgs", "RSA-PSS+SHA256");
        assert.match(await fail(onlyRsa), /failed: no cipher or signature in common$/);
        hsm.setPace("removed");
        assert.match(await fail(await clientHello(version)), /failed: the hardware key did not sign$/);
        hsm.setPace(0);
      }
    }),
});
