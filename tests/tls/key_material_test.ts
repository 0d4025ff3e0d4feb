/** No key, PIN or secret is in what a server writes: its log, its run folder, its tables, its core dump. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import { delay } from "../../core/delay.ts";
import { ArraySecret } from "../../core/secrets/array_secret.ts";
import { certificateRows } from "../../core/status/certificates.ts";
import { ArrayTicketKeys } from "../../core/tls/ticket_keys.ts";
import { answering, RawBackEnd, ServeProcess } from "../proxy/harness.ts";
import { filesOf, makePair, sClient } from "./openssl.ts";
import { keyUri, lacksToken, PIN, SoftHsm } from "./soft_hsm.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/** What must not be found, by its name. */
type Secrets = Readonly<Record<string, Uint8Array>>;

/** The private number of a key, and the secret with the ticket keys of now and before. */
function secretsOf(keyPem: string, keyFile: string): Secrets {
  const { d } = createPrivateKey(keyPem).export({ format: "jwk" });
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, keyFile);
  const { current } = new ArrayTicketKeys(ArraySecret.load(path), Date.now);
  Deno.removeSync(path);
  return {
    "the private key": Buffer.from(d!, "base64url"),
    "the array secret": Buffer.from(JSON.parse(keyFile).current.secret, "base64"),
    "the ticket key for AES": current.aes,
    "the ticket key for HMAC": current.hmac,
  };
}

/** Names of the secrets that are in the bytes, as they are or in any usual spelling. */
function foundIn(bytes: Uint8Array, secrets: Secrets): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return Object.entries(secrets).filter(([, secret]) => {
    const buffer = Buffer.from(secret);
    const hex = buffer.toString("hex");
    // In base64 of something longer it may begin at any of three places: what surely stands there is its middle.
    const base64 = [0, 1, 2].map((at) => Buffer.from(secret.subarray(at)).toString("base64").slice(0, 20));
    const spellings = [hex, hex.toUpperCase(), hex.match(/../g)!.join(":"), ...base64, [...secret].join(",")];
    return text.includes(buffer) || spellings.some((spelling) => text.includes(spelling));
  }).map(([name]) => name);
}

/** All that is below a folder. */
function filesBelow(dir: string): string[] {
  return [...Deno.readDirSync(dir)].flatMap(({ name, isDirectory, isFile }) =>
    isDirectory ? filesBelow(`${dir}/${name}`) : isFile ? [`${dir}/${name}`] : []
  );
}

/** What a process says of itself and leaves behind while it serves. */
function writtenBy(serve: ServeProcess): Map<string, Uint8Array> {
  const run = `${serve.dir}/run`;
  const encoder = new TextEncoder();
  const proc = `/proc/${serve.child.pid}`;
  const rows = certificateRows(`${run}/test/a`, Date.now());
  assert.equal(rows.length > 0, true);
  return new Map([
    ["log", encoder.encode(serve.log)],
    ["tables", encoder.encode(JSON.stringify(rows))],
    ...["cmdline", "environ"].map((name) => [name, Deno.readFileSync(`${proc}/${name}`)] as const),
    ...filesBelow(run).map((file) => [file, Deno.readFileSync(file)] as const),
  ]);
}

Deno.test("no key material is in the log, the run folder, the tables or a core dump", async () => {
  const pair = await makePair("ec", ["localhost"]);
  const other = await makePair("ec", ["other"]);
  const keyFile = ArraySecret.newFile();
  const secrets = secretsOf(pair.key, keyFile);
  const der = Buffer.from(pair.key.replace(/-----.*-----|\n/g, ""), "base64");
  assert.deepEqual(foundIn(der, secrets), ["the private key"], "it would be found");
  assert.deepEqual(foundIn(Buffer.from(pair.key.replaceAll("\n", "")), secrets), ["the private key"]);
  assert.deepEqual(foundIn(Buffer.from(keyFile), secrets), ["the array secret"]);
  const backEnd = new RawBackEnd(answering(OK));
  const back = Deno.cwd();
  const dumps = await Deno.makeTempDir();
  // Where a core dump goes, mostly.
  Deno.chdir(dumps);
  const serve = await ServeProcess.start({
    backEnds: [backEnd.port],
    files: { ...filesOf({ localhost: pair }), "secrets/array.key": keyFile },
    keepsLog: true,
  });
  Deno.chdir(back);
  for (const version of ["-tls1_2", "-tls1_3"]) {
    assert.match(await sClient(serve.https, GET, "-ign_eof", version), /200 OK/);
    await sClient(serve.https, GET, "-ign_eof", version, "-sigalgs", "RSA+SHA256", "-cipher", "ECDHE-RSA-AES128-SHA");
  }
  await Deno.writeTextFile(`${serve.dir}/tls/localhost.key`, other.key);
  for (let i = 0; i < 100 && !serve.log.includes("stay"); i++) await delay(100);
  assert.match(serve.log, /the certificates in service stay/);
  assert.match(serve.log, /TLS handshake of .* failed/);
  for (const [where, bytes] of writtenBy(serve)) assert.deepEqual(foundIn(bytes, secrets), [], where);
  const { pid } = serve.child;
  assert.match(Deno.readTextFileSync(`/proc/${pid}/coredump_filter`), /^0+\n$/);
  await new Deno.Command("prlimit", { args: ["--pid", String(pid), "--core=unlimited"] }).output();
  serve.child.kill("SIGABRT");
  assert.equal((await serve.child.status).signal, "SIGABRT");
  for (const file of filesBelow(dumps)) {
    assert.deepEqual(foundIn(Deno.readFileSync(file), secrets), [], "the core dump");
  }
  await serve.stop().catch(() => Deno.remove(serve.dir, { recursive: true }));
  await backEnd.close();
  await Deno.remove(dumps, { recursive: true });
});

Deno.test({
  name: "the PIN of a token is in no log, run folder, table, argument or environment",
  ignore: lacksToken,
  fn: async () => {
    const hsm = await SoftHsm.create();
    const hard = await hsm.makeKey("hard", "ec", ["hard.example"]);
    const backEnd = new RawBackEnd(answering(OK));
    const serve = await ServeProcess.start({
      backEnds: [backEnd.port],
      certificates: ["hard"],
      keys: { hard: keyUri("hard") },
      tls: hsm.section(),
      files: { "tls/hard.crt": hard },
      keepsLog: true,
    });
    assert.match(await sClient(serve.https, GET, "-ign_eof", "-servername", "hard.example"), /200 OK/);
    for (const [where, bytes] of writtenBy(serve)) {
      assert.equal(Buffer.from(bytes).includes(PIN), false, where);
    }
    assert.equal(await serve.stop(), 0);
    await backEnd.close();
    await hsm.remove();
  },
});
