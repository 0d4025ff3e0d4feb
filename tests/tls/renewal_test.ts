/** Certificates that change while connections are open. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
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
