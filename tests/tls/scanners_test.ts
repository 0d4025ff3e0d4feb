/** What those who audit sites would find: testssl.sh and sslscan, from Debian. */
import assert from "node:assert/strict";
import { ArraySecret } from "../../core/secrets/array_secret.ts";
import { answering, RawBackEnd, type ServeProcess, withServe } from "../proxy/harness.ts";
import { filesOf, makePair } from "./openssl.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/** Of testssl.sh: none of these says more than that all is well, or how it is. */
const HARMLESS = ["OK", "INFO", "LOW"];

/** A site with certificates of both key types, as in production. */
async function withSite(work: (serve: ServeProcess) => Promise<void>): Promise<void> {
  const pairs = { ec: await makePair("ec", ["localhost"]), rsa: await makePair("rsa", ["localhost"]) };
  const files = { ...filesOf(pairs), "secrets/array.key": ArraySecret.newFile() };
  await withServe([new RawBackEnd(answering(OK))], { certificates: ["ec", "rsa"], files }, work);
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
  return decoder.decode(stdout);
}

Deno.test("testssl.sh: protocols, ciphers, forward secrecy and vulnerabilities without a finding above low", async () => {
  await withSite(async (serve) => {
    const report = `${serve.dir}/testssl.json`;
    const quiet = ["--quiet", "--color", "0", "--warnings", "off", "--openssl-timeout", "10", "--jsonfile", report];
    await run("testssl", "-p", "-s", "-f", "-U", ...quiet, "--ip", "127.0.0.1", `localhost:${serve.https}`);
    const findings: { id: string; severity: string; finding: string }[] = JSON.parse(await Deno.readTextFile(report));
    assert.deepEqual(findings.filter(({ severity }) => !HARMLESS.includes(severity)), []);
    const said = new Map(findings.map(({ id, finding }) => [id, finding]));
    assert.match(said.get("TLS1_3")!, /^offered/);
    assert.match(said.get("TLS1_1")!, /^not offered/);
    // A scan that was cut short would find nothing.
    for (const id of ["heartbleed", "ROBOT", "secure_client_renego", "LUCKY13", "RC4", "PFS"]) {
      assert.ok(said.has(id), id);
    }
  });
});

Deno.test("sslscan: TLS 1.2 and 1.3 alone, no weak cipher, no renegotiation", async () => {
  await withSite(async (serve) => {
    const xml = await run("sslscan", "--no-colour", "--xml=-", `127.0.0.1:${serve.https}`);
    const enabled = [...xml.matchAll(/<protocol type="(\w+)" version="([\d.]+)" enabled="1"/g)];
    assert.deepEqual(enabled.map(([, type, version]) => `${type} ${version}`), ["tls 1.2", "tls 1.3"]);
    const strengths = [...xml.matchAll(/<cipher [^>]*strength="(\w+)"/g)].map(([, strength]) => strength);
    assert.ok(strengths.length >= 9, `${strengths.length} ciphers`);
    assert.deepEqual(strengths.filter((strength) => strength !== "acceptable" && strength !== "strong"), []);
    assert.match(xml, /<renegotiation supported="0"/);
    assert.doesNotMatch(xml, /vulnerable="1"/);
  });
});
