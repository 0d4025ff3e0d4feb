/** Certificates that change while connections are open. */
import assert from "node:assert/strict";
import { makeSelfSigned } from "../../core/certificates/self_signed.ts";
import { delay } from "../../core/delay.ts";
import { certificatePem, keyPem } from "../../core/secrets/certificate.ts";
import { CertificateStore } from "../../core/tls/certificate_store.ts";
import { inFolder, openssl } from "../certificates/witness.ts";
import { answering, latin1, RawBackEnd, readToEnd, sendAll, ServeProcess } from "../proxy/harness.ts";
import { makePair, sClient } from "./openssl.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

async function subject(serve: ServeProcess): Promise<string> {
  const said = await sClient(serve.https, "Q\n", "-servername", "localhost");
  return /^subject=(.*)$/m.exec(said)?.[1] ?? "none";
}

async function untilSubject(serve: ServeProcess, wanted: RegExp): Promise<void> {
  for (let i = 0; i < 60 && !wanted.test(await subject(serve)); i++) await delay(100);
  assert.match(await subject(serve), wanted);
}

Deno.test("tls: a certificate renewed under load costs no request, and open connections stay", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const old = await Deno.readTextFile(serve.certificateFile);
  const fresh = await makePair("ec", ["localhost"]);
  const connect = () => Deno.connectTls({ hostname: "localhost", port: serve.https, caCerts: [old, fresh.cert] });
  const open = await connect();
  const buffer = new Uint8Array(4096);
  let done = false;
  let asked = 0;
  const failures: string[] = [];
  const load = Array.from({ length: 4 }, async () => {
    while (!done) {
      try {
        const connection = await connect();
        await sendAll(connection, latin1(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")));
        const answer = await readToEnd(connection);
        if (!answer.endsWith("ok")) failures.push(answer);
      } catch (error) {
        failures.push(String(error));
      }
      asked++;
    }
  });
  assert.match(await subject(serve), /^CN = localhost$/);
  // Key first: for a moment the two do not fit, and the old pair stays.
  await Deno.writeTextFile(`${serve.dir}/tls/localhost.key`, fresh.key);
  await delay(200);
  await Deno.writeTextFile(serve.certificateFile, fresh.cert);
  for (let i = 0; i < 60; i++) {
    const said = await sClient(serve.https, "Q\n", "-servername", "localhost");
    if (/Peer signature type: ECDSA/.test(said)) break;
    assert.ok(i < 59, "the new certificate did not come");
    await delay(100);
  }
  done = true;
  await Promise.all(load);
  assert.deepEqual(failures, []);
  assert.ok(asked > 20, `${asked} connections`);
  await sendAll(open, latin1(GET));
  assert.ok((await open.read(buffer))! > 0, "a connection from before");
  open.close();
  await serve.stop();
  await backEnd.close();
});

Deno.test("tls: files that cannot be used leave the old certificate in service until good ones come", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  for (const bad of ["no certificate", (await makePair("ec", ["other"])).cert]) {
    await Deno.writeTextFile(serve.certificateFile, bad);
    await delay(2300);
    assert.match(await subject(serve), /localhost/);
  }
  await Deno.remove(serve.certificateFile);
  await delay(2300);
  assert.match(await subject(serve), /localhost/);
  const fresh = await makePair("rsa", ["renewed"]);
  await Deno.writeTextFile(`${serve.dir}/tls/localhost.key`, fresh.key);
  await Deno.writeTextFile(serve.certificateFile, fresh.cert);
  await untilSubject(serve, /renewed/);
  await serve.stop();
  await backEnd.close();
});

const DAY_MS = 86_400_000;

/** Self-signed, valid for a day from then on. */
async function writePair(dir: string, name: string, from: number): Promise<void> {
  const pair = makeSelfSigned([name], { keyType: "ec", days: 1 }, from);
  await Deno.writeTextFile(`${dir}/${name}.key`, keyPem(pair));
  await Deno.writeTextFile(`${dir}/${name}.crt`, certificatePem(pair));
}

// An expired certificate went into service in place of a good one, and the log did not say what was wrong with a key.
Deno.test("tls: the log says what is wrong with new files, and one that has expired is not taken", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port], keepsLog: true });
  const key = `${serve.dir}/tls/localhost.key`;
  const old = await sClient(serve.https, "Q\n");
  const said = async (what: RegExp) => {
    for (let i = 0; i < 150 && !what.test(serve.log); i++) await delay(100);
    assert.match(serve.log, what);
    assert.equal(/-----BEGIN CERTIFICATE-----[^-]*/.exec(await sClient(serve.https, "Q\n"))?.[0], leaf);
  };
  const leaf = /-----BEGIN CERTIFICATE-----[^-]*/.exec(old)?.[0];
  assert.ok(leaf);
  await openssl("pkcs8", "-topk8", "-in", key, "-passout", "pass:secret", "-out", `${serve.dir}/encrypted`);
  await Deno.rename(`${serve.dir}/encrypted`, key);
  await said(/in service stay: Cannot use the key \S+localhost\.key with the certificate \S+: it has a password\n/);
  await Deno.remove(key);
  await said(/in service stay: Cannot use the key \S+localhost\.key with the certificate \S+: no such file\n/);
  await Deno.writeTextFile(key, (await makePair("ec", ["other"])).key);
  await said(/in service stay: The key \S+localhost\.key is not that of the certificate \S+localhost\.crt\n/);
  await writePair(`${serve.dir}/tls`, "localhost", Date.now() - 3 * DAY_MS);
  await said(/in service stay: Cannot use the certificate \S+localhost\.crt: it expired 2 days ago, on .* UTC\n/);
  const fresh = await makePair("ec", ["renewed"]);
  await Deno.writeTextFile(key, fresh.key);
  await Deno.writeTextFile(serve.certificateFile, fresh.cert);
  await untilSubject(serve, /renewed/);
  await serve.stop();
  await backEnd.close();
});

Deno.test("tls: a certificate that is not valid yet is taken once it is; one that has run out in service keeps no other back", async () => {
  await inFolder(async (dir) => {
    const now = Date.now();
    const files = ["a", "b"].map((name) => ({ cert: `${dir}/${name}.crt`, key: `${dir}/${name}.key` }));
    await writePair(dir, "a", now - 3 * DAY_MS);
    await writePair(dir, "b", now);
    const store = new CertificateStore({ files, policy: "modern", isStrict: false, hasTicketKeys: false });
    const inService = store.certificates[1]!.pem;
    await writePair(dir, "b", now + DAY_MS);
    assert.throws(
      () => store.renew(now),
      /^UsageError: Cannot use the certificate \S+b\.crt: it is not valid before \S+ \S+ UTC$/,
    );
    assert.equal(store.renew(now + 1000), false, "said once");
    assert.equal(store.certificates[1]!.pem, inService);
    assert.equal(store.renew(now + DAY_MS), true);
    assert.notEqual(store.certificates[1]!.pem, inService);
    assert.equal(store.renew(now + DAY_MS), false);
    store.close();
  });
});
