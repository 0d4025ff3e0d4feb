/** Check said ok of keys with which serve did not start, and of one with a password that it was no PEM. */
import assert from "node:assert/strict";
import { checkFile } from "../../core/config/check.ts";
import { findingLine } from "../../core/config/findings.ts";

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

Deno.test("check names an RSA key that is too short, and a key with a password as such", async () => {
  const dir = await Deno.makeTempDir();
  const [key, cert] = [`${dir}/a.key`, `${dir}/a.crt`];
  const made = async (bits: number) => {
    const files = ["-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=a", "-days", "30"];
    await openssl("req", "-x509", "-newkey", `rsa:${bits}`, ...files);
  };
  const said = async (name: string): Promise<string> => {
    await Deno.writeTextFile(
      `${dir}/dlba.yaml`,
      `array: { name: shop, vip: 192.0.2.10 }
nodes: [{ id: 1, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: eth0 }]
pools: [{ name: web, back_ends: [{ key: 1, address: "10.0.0.21:8080" }] }]
tls: { certificates: [{ cert: a.crt, key: ${name} }] }
`,
    );
    return checkFile(`${dir}/dlba.yaml`, Date.now()).findings.map(findingLine).join("\n").replaceAll(`${dir}/`, "");
  };
  await made(1024);
  const at = "dlba.yaml:4:31: tls.certificates[0].cert:";
  assert.equal(await said("a.key"), `${at} found a.crt (1024), expected an RSA key of at least 2048 bits`);
  await made(2048);
  assert.equal(await said("a.key"), "");
  const password = ["-passout", "pass:secret"];
  await openssl("pkcs8", "-topk8", "-in", key, ...password, "-out", `${dir}/new.key`);
  await openssl("rsa", "-traditional", "-aes128", "-in", key, ...password, "-out", `${dir}/old.key`);
  for (const name of ["new.key", "old.key"]) {
    assert.equal(
      await said(name),
      `dlba.yaml:4:43: tls.certificates[0].key: found ${name} (has a password), ` +
        "expected a readable PEM key without password",
    );
  }
  await Deno.remove(dir, { recursive: true });
});
