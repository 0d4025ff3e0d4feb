/** Keys in a token, served by `dlba serve`: they sign, their slowness is theirs alone, and their loss is said. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { ArraySecret } from "../../core/secrets/array_secret.ts";
import { answering, fromLatin1, latin1, RawBackEnd, readToEnd, sendAll, ServeProcess } from "../proxy/harness.ts";
import { TestAuthority } from "./authority.ts";
import { filesOf, makePair, sClient } from "./openssl.ts";
import { type KeyKind, keyUri, lacksToken, PIN, SoftHsm } from "./soft_hsm.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const HANDSHAKES = 1000;
const AT_ONCE = 8;
/** A device of the slow kind, ms a signature. */
const SLOW_MS = 300;
/** What others may wait at most in 99 of 100 cases, ms: far less than a signature takes, more than a busy machine does. */
const UNHARMED_MS = SLOW_MS / 6;

interface Site {
  readonly hsm: SoftHsm;
  /** Stopped at the end. */
  serve: ServeProcess;
  /** PEM of those that the clients trust. */
  readonly certificates: string[];
  /** One request over a connection of its own; resolves to its time, ms. */
  get(name: string): Promise<number>;
}

/** `hard.example`'s key is in a slow token, `localhost`'s is a file. */
async function withSite(kind: KeyKind, work: (site: Site) => Promise<void>): Promise<void> {
  const hsm = await SoftHsm.create();
  const module = await hsm.makeSlowModule();
  const hard = await hsm.makeKey("hard", kind, ["hard.example"]);
  const soft = await makePair("ec", ["localhost"]);
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({
    backEnds: [backEnd.port],
    certificates: ["hard"],
    keys: { hard: keyUri("hard") },
    tls: hsm.section(module),
    files: { ...filesOf({ localhost: soft }), "tls/hard.crt": hard, "secrets/array.key": ArraySecret.newFile() },
  });
  const certificates = [hard, soft.cert];
  const get = async (hostname: string) => {
    const began = performance.now();
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port: serve.https });
    tcp.setNoDelay();
    const connection = await Deno.startTls(tcp, { hostname, caCerts: certificates });
    await sendAll(connection, latin1(GET));
    assert.match(await readToEnd(connection), /^HTTP\/1\.1 200 OK\r\n.*ok$/s);
    return performance.now() - began;
  };
  const site: Site = { hsm, serve, certificates, get };
  try {
    await work(site);
  } finally {
    hsm.setPace(0);
    await backEnd.close();
    assert.equal(await site.serve.stop(), 0);
    await hsm.remove();
  }
}

/** A connection to `localhost` that stays; `ask` resolves to the time of one request over it, ms. */
async function keptConnection(port: number, caCerts: string[]) {
  const connection = await Deno.connectTls({ hostname: "localhost", port, caCerts });
  const buffer = new Uint8Array(4096);
  const ask = async () => {
    const began = performance.now();
    await sendAll(connection, latin1(GET.replace("close", "keep-alive")));
    let text = "";
    while (!text.endsWith("\r\n\r\nok")) {
      const count = await connection.read(buffer);
      assert.ok(count !== null, "the connection stays");
      text += fromLatin1(buffer.subarray(0, count));
    }
    return performance.now() - began;
  };
  return { ask, close: () => connection.close() };
}

async function untilSockets(serve: ServeProcess, most: number): Promise<void> {
  for (let i = 0; i < 60 && serve.sockets() > most; i++) await delay(100);
  assert.ok(serve.sockets() <= most, `${serve.sockets()} sockets, at most ${most} were to stay`);
}

function percentile(times: readonly number[], percent: number): number {
  return times.toSorted((one, other) => one - other)[Math.ceil(times.length * percent / 100) - 1]!;
}

for (const kind of ["ec", "rsa"] as const) {
  Deno.test({
    name: `tls: a key in a token serves ${HANDSHAKES} handshakes, ${kind}`,
    ignore: lacksToken,
    fn: () =>
      withSite(kind, async ({ hsm, serve, get }) => {
        await get("hard.example");
        const atStart = serve.sockets();
        const before = hsm.signatures;
        let left = HANDSHAKES;
        await Promise.all(Array.from({ length: AT_ONCE }, async () => {
          while (left-- > 0) await get("hard.example");
        }));
        assert.equal(hsm.signatures - before, HANDSHAKES, "the token made each signature");
        // Kept connections to the back end come and go.
        await untilSockets(serve, atStart + AT_ONCE);
      }),
  });
}

Deno.test({
  name: "tls: with a key in a token OpenSSL's client gets TLS 1.2 and 1.3, a second try for a group, ALPN, resumption",
  ignore: lacksToken,
  fn: () =>
    withSite("rsa", async ({ hsm, serve }) => {
      const ask = (...flags: string[]) =>
        sClient(serve.https, GET, "-servername", "hard.example", "-ign_eof", ...flags);
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const session = `${hsm.dir}/session`;
        assert.match(await ask(version, "-sess_out", session), /New, TLSv1.*200 OK/s, version);
        const before = hsm.signatures;
        hsm.setPace("removed");
        assert.match(await ask(version, "-sess_in", session), /Reused, TLSv1.*200 OK/s, version);
        hsm.setPace(0);
        assert.equal(hsm.signatures, before, "a resumed session needs no signature");
      }
      // Its first key share is of no group of ours: HelloRetryRequest.
      const second = await ask("-tls1_3", "-groups", "P-521:X25519", "-alpn", "http/1.1");
      assert.match(second, /Server Temp Key: X25519.*ALPN protocol: http\/1\.1.*200 OK/s);
      assert.match(await ask("-tls1_3", "-alpn", "h2,http/1.1"), /ALPN protocol: h2/);
      assert.match(await ask("-tls1_3", "-alpn", "h3"), /alert no application protocol/);
      // No protocol is named to a client of TLS 1.2: it takes HTTP/1.1 then (RFC 7301 section 3.2).
      assert.match(await ask("-tls1_2", "-alpn", "h2,http/1.1"), /No ALPN negotiated.*200 OK/s);
    }),
});

Deno.test({
  name: "tls: a slow token stalls no other connection",
  ignore: lacksToken,
  fn: () =>
    withSite("ec", async ({ hsm, serve, certificates, get }) => {
      const waves = 4;
      const kept = await keptConnection(serve.https, certificates);
      /** Times of requests over one connection, and of those over a new one each. */
      const others = async (until: Promise<unknown>) => {
        const times = { kept: [] as number[], made: [] as number[] };
        let isOver = false;
        until.finally(() => isOver = true);
        while (!isOver) {
          times.kept.push(await kept.ask());
          times.made.push(await get("localhost"));
        }
        return times;
      };
      await get("hard.example");
      await others(delay(200));
      const alone = await others(delay(waves * SLOW_MS));
      hsm.setPace(SLOW_MS);
      const began = performance.now();
      const slow = Promise.all(Array.from({ length: waves * AT_ONCE }, () => get("hard.example")));
      const beside = await others(slow);
      const took = performance.now() - began;
      kept.close();
      console.log(`${waves * AT_ONCE} handshakes of ${SLOW_MS} ms in ${took.toFixed(0)} ms`);
      for (const way of ["kept", "made"] as const) {
        const p99 = [alone, beside].map((times) => percentile(times[way], 99).toFixed(1));
        const text = `${beside[way].length} requests over ${way} connections: p99 alone ${p99[0]} ms, beside ${
          p99[1]
        } ms`;
        console.log(text);
        assert.ok(percentile(beside[way], 99) < Math.max(UNHARMED_MS, 3 * percentile(alone[way], 99)), text);
      }
      assert.ok(took < 2 * waves * SLOW_MS, `the token's places were used: ${took} ms`);
      assert.ok(Math.min(...await slow) >= SLOW_MS);
    }),
});

Deno.test({
  name: "tls: clients that vanish while their handshake waits for the token leave nothing",
  ignore: lacksToken,
  fn: () =>
    withSite("ec", async ({ hsm, serve, get }) => {
      await get("localhost");
      const atStart = serve.sockets();
      hsm.setPace(50);
      for (let round = 0; round < 10; round++) {
        const clients = await Promise.all(Array.from({ length: 12 }, async () => {
          const tcp = await Deno.connect({ hostname: "127.0.0.1", port: serve.https });
          const tls = await Deno.startTls(tcp, { hostname: "hard.example" });
          tls.handshake().catch(() => {});
          return tls;
        }));
        await delay(5 * round);
        for (const client of clients) client.close();
        await get("localhost");
      }
      await get("hard.example");
      await untilSockets(serve, atStart);
    }),
});

Deno.test({
  name: "tls: a token that is removed fails its handshakes alone; once it is back, a successor serves",
  ignore: lacksToken,
  fn: () =>
    withSite("ec", async (site) => {
      const { hsm, serve, get } = site;
      await get("hard.example");
      hsm.setPace("removed");
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const said = await sClient(serve.https, GET, "-servername", "hard.example", "-ign_eof", version);
        assert.match(said, /alert internal error/, version);
        assert.doesNotMatch(said, /200 OK/, version);
        await get("localhost");
      }
      hsm.setPace(0);
      // Its sessions went with it, and the engine makes no new ones.
      site.serve = await serve.successor("--take-over");
      assert.equal((await serve.child.status).code, 0);
      await get("hard.example");
    }),
});

Deno.test({
  name: "tls: a certificate renewed for the same key in a token costs no request, one for another key changes nothing",
  ignore: lacksToken,
  fn: () =>
    withSite("ec", async ({ hsm, serve, certificates, get }) => {
      const subject = async () => {
        const said = await sClient(serve.https, "Q\n", "-servername", "hard.example");
        return /^subject=CN = (.*)$/m.exec(said)?.[1];
      };
      hsm.setPace(20);
      let isOver = false;
      let asked = 0;
      const load = Array.from({ length: 4 }, async () => {
        for (; !isOver; asked++) await get("hard.example");
      });
      await hsm.makeKey("other", "ec", ["other.example"]);
      await Deno.copyFile(`${hsm.dir}/other.crt`, `${serve.dir}/tls/hard.crt`);
      await delay(2500);
      assert.equal(await subject(), "hard.example");
      await hsm.makeCertificate("hard", ["renewed", "hard.example"]);
      certificates.push(await Deno.readTextFile(`${hsm.dir}/hard.crt`));
      await Deno.copyFile(`${hsm.dir}/hard.crt`, `${serve.dir}/tls/hard.crt`);
      for (let i = 0; i < 60 && await subject() !== "renewed"; i++) await delay(100);
      assert.equal(await subject(), "renewed");
      isOver = true;
      await Promise.all(load);
      assert.ok(asked > 50, `${asked} requests`);
    }),
});

Deno.test({
  name: "tls: a token that hangs is given up after a while, and does not keep the server from ending",
  ignore: lacksToken,
  fn: () =>
    withSite("ec", async ({ hsm, get }) => {
      hsm.setPace(20_000);
      const waiting = Array.from({ length: 2 * AT_ONCE }, () => get("hard.example"));
      const began = performance.now();
      const outcomes = await Promise.allSettled(waiting);
      const took = performance.now() - began;
      assert.ok(outcomes.every(({ status }) => status === "rejected"));
      assert.ok(took > 4_000 && took < 10_000, `${took} ms`);
      await get("localhost");
    }),
});

Deno.test({
  name: "serve: what of a token cannot be used keeps it from starting, in one line without the PIN",
  ignore: lacksToken,
  fn: () =>
    withSite("ec", async ({ hsm, serve }) => {
      const config = await Deno.readTextFile(`${serve.dir}/dlba.yaml`);
      const attempt = async (change: (text: string) => string) => {
        await Deno.writeTextFile(`${serve.dir}/dlba.yaml`, change(config));
        const { code, stderr } = await serve.failingSuccessor(["--worker", "1"]);
        assert.equal(code, 2);
        assert.doesNotMatch(stderr, new RegExp(PIN));
        return stderr;
      };
      const same = (text: string) => text;
      await Deno.writeTextFile(hsm.pinFile, "000000\n");
      assert.equal(await attempt(same), "The token does not take its PIN: PIN incorrect\n");
      assert.match(await attempt(same), /^The token refused the PIN in \S+ before: write the right one there, .*\n$/);
      await Deno.writeTextFile(hsm.pinFile, PIN);
      await Deno.chmod(hsm.pinFile, 0o640);
      assert.match(await attempt(same), /^Cannot use the PIN file \S+: can be read by others .*chmod 600\n$/);
      await Deno.chmod(hsm.pinFile, 0o600);
      assert.match(
        await attempt((text) => text.replace("object=hard", "object=other")),
        /^Cannot use the key pkcs11:token=dlba;object=other;type=private: not found in a token\n$/,
      );
      assert.match(
        await attempt((text) => text.replace(/slow_token\.so/, "none.so")),
        /^Cannot use the PKCS#11 module \S+none\.so: no such file\n$/,
      );
      await hsm.makeKey("another", "ec", ["another"]);
      assert.match(
        await attempt((text) => text.replace("object=hard", "object=another")),
        /^The key pkcs11:\S+ is not that of the certificate \S+hard\.crt\n$/,
      );
    }),
});

for (const version of ["-tls1_2", "-tls1_3"]) {
  Deno.test({
    name: `hardware keys: client certificates beside them, ${version}: asked for, verified, told, kept when resumed`,
    ignore: lacksToken,
    fn: async () => {
      const hsm = await SoftHsm.create();
      const hard = await hsm.makeKey("hard", "ec", ["hard.example"]);
      const [authority, foreign] = [await TestAuthority.make(), await TestAuthority.make("Other CA")];
      const flagsOf = async (name: string, signer: TestAuthority) => {
        const { cert, key } = await signer.sign([], { subject: "/O=Shop/CN=alice" });
        await Deno.writeTextFile(`${hsm.dir}/${name}.pem`, cert + key);
        return ["-cert", `${hsm.dir}/${name}.pem`, "-key", `${hsm.dir}/${name}.pem`];
      };
      const alice = await flagsOf("alice", authority);
      const mallory = await flagsOf("mallory", foreign);
      const echo = answering((head) => `HTTP/1.1 200 OK\r\nContent-Length: ${head.length}\r\n\r\n${head}`);
      const backEnd = new RawBackEnd(echo);
      const serve = await ServeProcess.start({
        backEnds: [backEnd.port],
        certificates: ["hard"],
        keys: { hard: keyUri("hard") },
        tls: `${hsm.section()}, client_ca: tls/ca.crt`,
        files: { "tls/hard.crt": hard, "tls/ca.crt": authority.cert, "secrets/array.key": ArraySecret.newFile() },
      });
      const ask = (...flags: string[]) =>
        sClient(serve.https, GET, "-ign_eof", "-servername", "hard.example", version, ...flags);
      try {
        const session = `${hsm.dir}/session`;
        const good = await ask(...alice, "-sess_out", session);
        assert.match(good, /Acceptable client certificate CA names\n.*CN = Test CA/);
        assert.match(good, /x-client-cert-subject: CN=alice,O=Shop\r\n/i);
        const resumed = await ask("-sess_in", session);
        assert.match(resumed, /Reused, /);
        assert.match(resumed, /x-client-cert-subject: CN=alice,O=Shop\r\n/i);
        assert.doesNotMatch(await ask(), /HTTP\/1\.1 200/);
        const bad = await ask(...mallory);
        assert.doesNotMatch(bad, /HTTP\/1\.1 200/);
        assert.match(bad, /alert unknown ca/);
        assert.match(await ask(...alice), /HTTP\/1\.1 200/);
      } finally {
        await backEnd.close();
        assert.equal(await serve.stop(), 0);
        for (const dir of [hsm.dir, authority.dir, foreign.dir]) await Deno.remove(dir, { recursive: true });
      }
    },
  });
}
