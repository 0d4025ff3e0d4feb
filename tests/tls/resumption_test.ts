/** Sessions begun on one node resume on another: one array secret, two processes that share nothing else. */
import assert from "node:assert/strict";
import { ArraySecret } from "../../core/secrets/array_secret.ts";
import { answering, RawBackEnd, ServeProcess } from "../proxy/harness.ts";
import { sClient } from "./openssl.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

async function resume(secrets: readonly string[], version: string): Promise<string> {
  const backEnd = new RawBackEnd(answering(OK));
  const nodes = await Promise.all(
    secrets.map((secret) =>
      ServeProcess.start({ backEnds: [backEnd.port], files: secret === "" ? {} : { "secrets/array.key": secret } })
    ),
  );
  const file = await Deno.makeTempFile();
  try {
    const first = await sClient(nodes[0]!.https, GET, version, "-ign_eof", "-sess_out", file);
    assert.match(first, /New, TLSv1/);
    assert.match(first, /200 OK/);
    return await sClient(nodes.at(-1)!.https, GET, version, "-ign_eof", "-sess_in", file);
  } finally {
    for (const node of nodes) await node.stop();
    await backEnd.close();
    await Deno.remove(file);
  }
}

for (const version of ["-tls1_2", "-tls1_3"]) {
  Deno.test(`tls: a session begun on one node resumes on another of the array, ${version}`, async () => {
    const secret = ArraySecret.newFile();
    const second = await resume([secret, secret], version);
    assert.match(second, /Reused, TLSv1/);
    // A TLS 1.3 ticket is used once: a resumed session without a new one was the last.
    if (version === "-tls1_3") assert.match(second, /Post-Handshake New Session Ticket arrived/);
    assert.match(second, /200 OK/);
  });

  Deno.test(`tls: a ticket of another array means a full handshake and no error, ${version}`, async () => {
    const second = await resume([ArraySecret.newFile(), ArraySecret.newFile()], version);
    assert.match(second, /New, TLSv1/);
    assert.match(second, /200 OK/);
  });
}

Deno.test("tls: without an array secret a session resumes where it began", async () => {
  assert.match(await resume([""], "-tls1_3"), /Reused, TLSv1/);
});

Deno.test("tls: a secret that others can read keeps the server from starting", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({
    backEnds: [backEnd.port],
    files: { "secrets/array.key": ArraySecret.newFile() },
  });
  await Deno.chmod(`${serve.dir}/secrets/array.key`, 0o644);
  const { code, stderr } = await serve.failingSuccessor(["--worker", "1"]);
  assert.equal(code, 2);
  assert.match(stderr, /array\.key can be read by others than its owner: chmod 600/);
  await serve.stop();
  await backEnd.close();
});
