/** Certificates of clients, by OpenSSL's own client. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { ArraySecret } from "../../core/secrets/array_secret.ts";
import { answering, RawBackEnd, type ServeOptions, ServeProcess } from "../proxy/harness.ts";
import { TestAuthority } from "./authority.ts";
import { type Pair, sClient } from "./openssl.ts";

/** The answer's body is the request's head as the back end got it. */
const echoHead = answering((head) => `HTTP/1.1 200 OK\r\nContent-Length: ${head.length}\r\n\r\n${head}`);

const authority = await TestAuthority.make();
const foreign = await TestAuthority.make("Other CA");
const dir = await Deno.makeTempDir({ prefix: "dlba-clients-" });
const alice = await client("alice", await authority.sign([], { subject: "/O=Shop/CN=alice" }));
const mallory = await client("mallory", await foreign.sign([], { subject: "/O=Shop/CN=alice" }));
const FILES = { "tls/ca.crt": authority.cert };
globalThis.addEventListener("unload", () => {
  for (const each of [dir, authority.dir, foreign.dir]) Deno.removeSync(each, { recursive: true });
});

/** Flags of `openssl s_client` for a client with that certificate. */
async function client(name: string, { cert, key }: Pair): Promise<string[]> {
  await Deno.writeTextFile(`${dir}/${name}.crt`, cert);
  await Deno.writeTextFile(`${dir}/${name}.key`, key);
  return ["-cert", `${dir}/${name}.crt`, "-key", `${dir}/${name}.key`];
}

async function fingerprint(name: string): Promise<string> {
  const args = ["x509", "-in", `${dir}/${name}.crt`, "-noout", "-fingerprint", "-sha256"];
  const { stdout } = await new Deno.Command("openssl", { args }).output();
  return new TextDecoder().decode(stdout).trim().replace(/.*=/, "").replaceAll(":", "").toLowerCase();
}

async function withServe(options: Partial<ServeOptions>, work: (serve: ServeProcess) => Promise<void>): Promise<void> {
  const backEnd = new RawBackEnd(echoHead);
  const serve = await ServeProcess.start({ backEnds: [backEnd.port], files: FILES, ...options });
  try {
    await work(serve);
  } finally {
    await serve.stop();
    await backEnd.close();
  }
}

function ask(serve: ServeProcess, flags: readonly string[], path = "/", fields = ""): Promise<string> {
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}Connection: close\r\n\r\n`;
  return sClient(serve.https, request, "-ign_eof", ...flags);
}

/** What the back end was told of the client's certificate. */
function told(answer: string): Record<string, string> {
  return Object.fromEntries([...answer.matchAll(/^x.client.cert.(\w+): (.*)\r$/gim)].map(([, name, value]) => [
    name!,
    value!,
  ]));
}

const REQUIRED = ", client_ca: tls/ca.crt";
const OPTIONAL = `${REQUIRED}, client_auth: optional`;
const ALICE = { subject: "CN=alice,O=Shop", fingerprint: await fingerprint("alice"), verify: "SUCCESS" };

for (const version of ["-tls1_2", "-tls1_3"]) {
  Deno.test(`client certificates: required, ${version}: who has none or a foreign one is refused`, async () => {
    await withServe({ tls: REQUIRED, keepsLog: true }, async (serve) => {
      const none = await ask(serve, [version]);
      assert.doesNotMatch(none, /HTTP\/1\.1/);
      assert.match(none, version === "-tls1_3" ? /alert certificate required/ : /alert handshake failure/);
      const bad = await ask(serve, [version, ...mallory]);
      assert.doesNotMatch(bad, /HTTP\/1\.1/);
      assert.match(bad, /alert unknown ca/);
      const good = await ask(serve, [version, ...alice]);
      assert.match(good, /HTTP\/1\.1 200 OK/);
      assert.deepEqual(told(good), ALICE);
      assert.match(serve.log, /TLS handshake of 127\.0\.0\.1 failed: peer did not return a certificate\n/);
      assert.match(serve.log, /failed: certificate verify failed: unable to get local issuer certificate\n/);
    });
  });

  Deno.test(`client certificates: optional, ${version}: back ends are told who it is, or that nobody said`, async () => {
    await withServe({ tls: OPTIONAL }, async (serve) => {
      assert.deepEqual(told(await ask(serve, [version, ...alice])), ALICE);
      assert.deepEqual(told(await ask(serve, [version])), { verify: "NONE" });
      assert.match(await ask(serve, [version, ...mallory]), /alert unknown ca/);
      assert.deepEqual(told(await serve.raw("GET / HTTP/1.0\r\n\r\n")), { verify: "NONE" });
    });
  });

  Deno.test(`client certificates: a resumed session keeps the identity, on another node too, ${version}`, async () => {
    const files = { ...FILES, "secrets/array.key": ArraySecret.newFile() };
    const session = `${dir}/session`;
    await withServe({ tls: REQUIRED, files }, async (one) => {
      assert.match(await ask(one, [version, ...alice, "-sess_out", session]), /New, TLSv1.*200 OK/s);
      await withServe({ tls: REQUIRED, files }, async (other) => {
        for (const serve of [one, other]) {
          const again = await ask(serve, [version, "-sess_in", session]);
          assert.match(again, /Reused, TLSv1.*200 OK/s);
          assert.deepEqual(told(again), ALICE);
        }
      });
    });
  });

  Deno.test(`client certificates: a session from before they were required is not resumed, ${version}`, async () => {
    const files = { ...FILES, "secrets/array.key": ArraySecret.newFile() };
    const session = `${dir}/session`;
    for (const tls of ["", OPTIONAL]) {
      await withServe({ tls, files }, async (serve) => {
        assert.match(await ask(serve, [version, "-sess_out", session]), /200 OK/);
      });
      await withServe({ tls: REQUIRED, files }, async (serve) => {
        assert.doesNotMatch(await ask(serve, [version, "-sess_in", session]), /HTTP\/1\.1/);
        const again = await ask(serve, [version, "-sess_in", session, ...alice]);
        assert.match(again, /New, TLSv1/);
        assert.deepEqual(told(again), ALICE);
      });
    }
  });
}

Deno.test("client certificates: forged fields are taken out, however they are written, asked for or not", async () => {
  const names = ["X-Client-Cert-Subject", "x_client_cert_subject", "X-Client_Cert-Fingerprint", "X-CLIENT-CERT-VERIFY"];
  const fields = names.map((name) => `${name}: forged\r\n`).join("");
  for (
    const [tls, flags, expected] of [["", [], {}], [OPTIONAL, [], { verify: "NONE" }], [
      OPTIONAL,
      alice,
      ALICE,
    ]] as const
  ) {
    await withServe({ tls }, async (serve) => {
      const answer = await ask(serve, flags, "/", fields);
      assert.doesNotMatch(answer, /forged/);
      assert.deepEqual(told(answer), expected);
    });
  }
});

Deno.test("client certificates: each request of a connection bears the identity", async () => {
  await withServe({ tls: OPTIONAL }, async (serve) => {
    const get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const last = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const answer = await sClient(serve.https, get + get + last, "-ign_eof", ...alice);
    assert.equal(answer.match(/^x-client-cert-subject: CN=alice,O=Shop\r$/gm)?.length, 3);
  });
});

Deno.test("client certificates: nobody is asked where none are configured", async () => {
  await withServe({}, async (serve) => {
    assert.doesNotMatch(await ask(serve, ["-msg", ...alice]), /CertificateRequest/);
  });
  await withServe({ tls: OPTIONAL }, async (serve) => {
    const said = await ask(serve, ["-msg"]);
    assert.match(said, /CertificateRequest/);
    assert.match(said, /Acceptable client certificate CA names\nCN = Test CA/);
  });
});

Deno.test("client certificates: a route that requires one answers 403 to who has none, however the path is written", async () => {
  const config = `routes:
  - { path: /admin, pool: web, client_certificate: required }
  - { path: /admin/public, pool: web }
  - { host: secret.example, pool: web, client_certificate: required }
  - { pool: web }`;
  await withServe({ tls: OPTIONAL, config }, async (serve) => {
    const guarded = [
      "/admin",
      "/admin/",
      "/admin/x?y",
      "//admin",
      "/%61dmin",
      "/%2561dmin",
      "/x/../admin",
      "/./admin/x",
    ];
    for (const path of [...guarded, "/ADMIN", "/admin;x/y", "/;a/admin", "/x%2f..%2fadmin", "/admin/public/../x"]) {
      assert.match(await ask(serve, [], path), /HTTP\/1\.1 403 Forbidden\r\n/, path);
      assert.match(await ask(serve, alice, path), /HTTP\/1\.1 200 OK\r\n/, path);
    }
    for (const path of ["/", "/administrator", "/x?/admin", "/a%20b", "/admin/public/x"]) {
      assert.match(await ask(serve, [], path), /HTTP\/1\.1 200 OK\r\n/, path);
    }
    const plain = (host: string, path: string) =>
      serve.raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.match(await plain("a", "/admin"), /^HTTP\/1\.1 403 /, "in clear nobody has one");
    for (const host of ["secret.example", "Secret.Example:80", "secret.example."]) {
      assert.match(await plain(host, "/"), /^HTTP\/1\.1 403 /, host);
    }
    assert.match(await plain("public.example", "/"), /^HTTP\/1\.1 200 /);
  });
});

Deno.test("client certificates: a subject is escaped, and one that is too long is refused", async () => {
  const odd = await client("odd", await authority.sign([], { subject: "/CN=a\r\nx-forged: b, c\\/Jürgen" }));
  const long = await client(
    "long",
    await authority.sign([], { subject: "/O=Shop" + "/OU=".padEnd(64, "x").repeat(12) }),
  );
  await withServe({ tls: OPTIONAL, keepsLog: true }, async (serve) => {
    const { subject } = told(await ask(serve, odd));
    assert.equal(subject, "CN=a\\0D\\0Ax-forged: b\\, c/J\\C3\\BCrgen");
    assert.doesNotMatch(await ask(serve, long), /HTTP\/1\.1/);
    assert.match(serve.log, /failed: a certificate whose subject has \d+ characters, more than 400\n/);
  });
});

Deno.test("client certificates: the longest subject has room in a head of any length, with many fields", async () => {
  const long = await client(
    "longest",
    await authority.sign([], { subject: "/O=Shop" + "/OU=".padEnd(64, "x").repeat(6) }),
  );
  await withServe({ tls: OPTIONAL }, async (serve) => {
    for (let length = 3_000; length < 3_100; length += 20) {
      const fields = Array.from({ length: 180 }, (_, i) => `f${i}:x\r\n`).join("");
      const start =
        `POST / HTTP/1.1\r\nHost:a\r\nConnection:close\r\nTransfer-Encoding:chunked\r\nExpect:100-continue\r\n`;
      const head = `${start}${fields}Pad:`;
      const request = `${head}${"y".repeat(length - head.length)}\r\n\r\n0\r\n\r\n`;
      const answer = await sClient(serve.https, request, "-ign_eof", ...long);
      assert.match(answer, /HTTP\/1\.1 200 OK/, String(length));
      assert.ok(told(answer)["subject"]!.length > 350);
    }
  });
});

Deno.test("client certificates: a renewed client_ca is taken into service", async () => {
  await withServe({ tls: REQUIRED }, async (serve) => {
    assert.match(await ask(serve, mallory), /alert unknown ca/);
    await Deno.writeTextFile(`${serve.dir}/tls/ca.crt`, authority.cert + foreign.cert);
    let answer = "";
    for (let i = 0; i < 150 && !answer.includes("200 OK"); i++) {
      await delay(100);
      answer = await ask(serve, mallory);
    }
    assert.equal(told(answer)["verify"], "SUCCESS");
    assert.deepEqual(told(await ask(serve, alice)), ALICE);
  });
});

for (const version of ["-tls1_2", "-tls1_3"]) {
  Deno.test(`client certificates: who is revoked is refused, resumed or not, from the new list on, ${version}`, async () => {
    const bob = await authority.sign([], { subject: "/CN=bob" });
    const flags = await client("bob", bob);
    const session = `${dir}/session`;
    const files = { ...FILES, "tls/crl.pem": await authority.crl([]), "secrets/array.key": ArraySecret.newFile() };
    await withServe({ tls: `${REQUIRED}, client_crl: tls/crl.pem`, files, keepsLog: true }, async (serve) => {
      assert.match(await ask(serve, [version, ...flags, "-sess_out", session]), /200 OK/);
      assert.match(await ask(serve, [version, "-sess_in", session]), /Reused, .*200 OK/s);
      // What is no list leaves the old one in service.
      await Deno.writeTextFile(`${serve.dir}/tls/crl.pem`, authority.cert);
      for (let i = 0; i < 150 && !serve.log.includes("stay"); i++) await delay(100);
      assert.match(
        serve.log,
        /in service stay: Cannot use the revocation list \S+: no PEM list of revoked certificates/,
      );
      assert.match(await ask(serve, [version, ...flags]), /200 OK/);
      await Deno.writeTextFile(`${serve.dir}/tls/crl.pem`, await authority.crl([bob.serial]));
      let said = "";
      for (let i = 0; i < 150 && !said.includes("alert certificate revoked"); i++) {
        said = await ask(serve, [version, ...flags]);
        if (i > 0) await delay(100);
      }
      assert.match(said, /alert certificate revoked/);
      assert.doesNotMatch(await ask(serve, [version, "-sess_in", session]), /HTTP\/1\.1 200/);
      assert.match(await ask(serve, [version, ...alice]), /200 OK/);
      assert.match(serve.log, /failed: certificate verify failed: certificate revoked\n/);
    });
  });
}
