/** TLS as a client sees it, by OpenSSL's own tools and by bytes that are no TLS. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import { certificatePem, keyPem, makeCertificate } from "../../core/secrets/certificate.ts";
import { answering, latin1, RawBackEnd, readToEnd, sendAll, ServeProcess } from "../proxy/harness.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

async function withTls(work: (serve: ServeProcess) => Promise<void>): Promise<void> {
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const atStart = serve.sockets();
  try {
    await work(serve);
  } finally {
    await backEnd.close();
    for (let i = 0; i < 60 && serve.sockets() > atStart; i++) await delay(50);
    const sockets = serve.sockets();
    assert.equal(await serve.stop(), 0);
    assert.equal(sockets, atStart, "sockets were left open");
  }
}

async function sClient(port: number, input: string, ...flags: string[]): Promise<string> {
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "localhost", ...flags],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(latin1(input)).catch(() => {});
  const { stdout, stderr } = await child.output();
  await writer.close().catch(() => {});
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("tls: OpenSSL's client verifies the certificate, by TLS 1.2 and 1.3, and is refused by 1.1", async () => {
  await withTls(async (serve) => {
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const said = await sClient(
        serve.https,
        GET,
        version,
        "-ign_eof",
        "-verify_return_error",
        "-CAfile",
        serve.certificateFile,
      );
      assert.match(said, /Verification: OK/, version);
      assert.match(said, /HTTP\/1\.1 200 OK\r\n.*ok/s, version);
    }
    const refused = await sClient(serve.https, GET, "-ign_eof", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0");
    assert.doesNotMatch(refused, /HTTP\/1\.1/);
    assert.match(refused, /alert protocol version/);
  });
});

Deno.test("tls: renegotiation is refused", async () => {
  await withTls(async (serve) => {
    const said = await sClient(serve.https, "R\n", "-tls1_2", "-legacy_renegotiation");
    assert.match(said, /RENEGOTIATING/);
    assert.match(said, /no renegotiation/);
  });
});

Deno.test("tls: handshakes cut at each byte and garbage do no harm", async () => {
  await withTls(async (serve) => {
    const hello = await clientHello(serve.https);
    for (let cut = 0; cut < hello.length; cut += 7) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: serve.https });
      await sendAll(connection, hello.subarray(0, cut));
      connection.close();
    }
    for (const garbage of [GET, "\x16\x03\x01\xff\xff", "\x00".repeat(600), "\x15\x03\x03\x00\x02\x02\x28"]) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: serve.https });
      await sendAll(connection, latin1(garbage));
      const answer = readToEnd(connection);
      assert.doesNotMatch(await Promise.race([answer, delay(500).then(() => "")]), /HTTP/);
      try {
        connection.close();
      } catch {
        // The server was first.
      }
      await answer.catch(() => {});
    }
    assert.match(await sClient(serve.https, GET, "-ign_eof"), /200 OK/, "a good client is served all the while");
  });
});

/** A ClientHello as OpenSSL sends it, caught on the way. */
async function clientHello(port: number): Promise<Uint8Array> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-connect", `127.0.0.1:${listener.addr.port}`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const connection = await listener.accept();
  const buffer = new Uint8Array(4096);
  const count = await connection.read(buffer);
  connection.close();
  listener.close();
  await child.status;
  assert.ok(port > 0 && count! > 100);
  return buffer.slice(0, count!);
}

Deno.test("tls: a slow reader of encrypted data holds back the back end", async () => {
  let sent = 0;
  const piece = new Uint8Array(65_536);
  const backEnd = new RawBackEnd(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await sendAll(connection, latin1("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"));
    while (true) sent += await connection.write(piece);
  });
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const before = serve.rss();
  const caCerts = [Deno.readTextFileSync(serve.certificateFile)];
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: serve.https });
  const connection = await Deno.startTls(tcp, { hostname: "localhost", caCerts });
  await sendAll(connection, latin1("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  await delay(700);
  const stalled = sent;
  await delay(300);
  assert.ok(stalled > 0 && sent === stalled, `the back end still sends: ${stalled} then ${sent}`);
  assert.ok(serve.rss() - before < 30_000_000);
  connection.close();
  await backEnd.close();
  assert.equal(await serve.stop(), 0);
});

Deno.test("serve: what keeps it from starting is one line, exit code 2, and nothing is left open", async (t) => {
  const pair = makeCertificate({ commonName: "localhost", days: 3, names: ["localhost"] }, undefined, Date.now());
  const other = makeCertificate({ commonName: "other", days: 3 }, undefined, Date.now());
  const dir = await Deno.makeTempDir();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  await Deno.writeTextFile(`${dir}/a.crt`, certificatePem(pair));
  await Deno.writeTextFile(`${dir}/a.key`, keyPem(pair));
  await Deno.writeTextFile(`${dir}/b.key`, keyPem(other));
  const attempt = async (http: number, https: number, key: string, listen: string): Promise<[number, string]> => {
    await Deno.writeTextFile(
      `${dir}/dlba.yaml`,
      `array: { name: test, vip: 192.0.2.10, ports: { http: ${http}, https: ${https} } }
nodes: [{ id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: lo }]
pools: [{ name: web, back_ends: [{ key: 1, address: "127.0.0.1:9" }] }]
tls: { certificates: [{ cert: a.crt, key: ${key} }] }
`,
    );
    const flags = ["--config", `${dir}/dlba.yaml`, "--node", "a", "--listen", listen];
    const [program, ...args] = dlbaCommand(["serve", ...flags]);
    const output = await new Deno.Command(program!, { args, env: { DLBA_RUN_DIR: dir } }).output();
    return [output.code, new TextDecoder().decode(output.stderr)];
  };
  const steps:
    readonly (readonly [says: string, http: number, https: number, key: string, listen: string, line: RegExp])[] = [
      [
        "a port in use",
        port,
        listener.addr.port,
        "a.key",
        "127.0.0.1",
        /^Port \d+ of 127\.0\.0\.1 is in use by another program: ss -ltnp .*\n$/,
      ],
      [
        "an address that is not here",
        port,
        port + 1,
        "a.key",
        "192.0.2.10",
        /^192\.0\.2\.10 is not an address of this machine.*setup-node --apply\n$/,
      ],
      [
        "the key of another certificate",
        port,
        port + 1,
        "b.key",
        "127.0.0.1",
        /^The key .*b\.key is not that of the certificate .*a\.crt\n$/,
      ],
      [
        "a missing key",
        port,
        port + 1,
        "c.key",
        "127.0.0.1",
        /^Cannot use the key .*c\.key with the certificate .*a\.crt: no such file\n$/,
      ],
    ];
  for (const [says, http, https, key, listen, line] of steps) {
    await t.step(says, async () => {
      const [code, stderr] = await attempt(http, https, key, listen);
      assert.equal(code, 2);
      assert.match(stderr, line);
    });
  }
  listener.close();
  await Deno.remove(dir, { recursive: true });
});
