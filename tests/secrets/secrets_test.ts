import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { loadConfig } from "../../core/config/load.ts";
import { UsageError } from "../../core/errors.ts";
import { ArraySecret, readSecretFile } from "../../core/secrets/array_secret.ts";
import { Initializer } from "../../core/secrets/init.ts";

const EXAMPLE = new URL("../../examples/shop.yaml", import.meta.url).pathname;

async function inFolder(work: (configFile: string) => Promise<void> | void): Promise<void> {
  const dir = await Deno.makeTempDir();
  await Deno.copyFile(EXAMPLE, `${dir}/dlba.yaml`);
  await work(`${dir}/dlba.yaml`);
  await Deno.remove(dir, { recursive: true });
}

function initializer(configFile: string): Initializer {
  return new Initializer(loadConfig(configFile), configFile, Date.now());
}

Deno.test("init makes secret, CA and node certificates that openssl verifies, all 0600", async () => {
  await inFolder(async (configFile) => {
    const made = initializer(configFile).makeSecrets();
    const secrets = configFile.replace("dlba.yaml", "secrets");
    assert.equal(made.length, 1 + 2 + 3 * 2 + 2 * 2);
    for (const file of made) assert.equal(Deno.statSync(file).mode! & 0o777, 0o600, file);
    assert.equal(Deno.statSync(secrets).mode! & 0o777, 0o700);
    for (const name of ["node-a", "node-b", "node-c"]) {
      const args = ["verify", "-x509_strict", "-CAfile", `${secrets}/ca.crt`, `${secrets}/nodes/${name}.crt`];
      const { success, stderr } = await new Deno.Command("openssl", { args }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
    }
    const { subject, subjectAltName } = new X509Certificate(Deno.readFileSync(`${secrets}/nodes/node-b.crt`));
    assert.equal(subject, "CN=node-b");
    assert.equal(subjectAltName, "DNS:node-b, IP Address:192.0.2.12");
  });
});

Deno.test("init touches nothing that exists, and adds a new node", async () => {
  await inFolder((configFile) => {
    initializer(configFile).makeSecrets();
    const secrets = configFile.replace("dlba.yaml", "secrets");
    const before = Deno.readTextFileSync(`${secrets}/array.key`);
    assert.deepEqual(initializer(configFile).makeSecrets(), []);
    const text = Deno.readTextFileSync(configFile);
    const node = '  - { id: 4, name: node-d, address: 192.0.2.14/24, mac: "02:00:00:00:00:0d", interface: eth0 }\n';
    Deno.writeTextFileSync(
      configFile,
      text.replace("nodes: ", "nodes:\n" + node).replace(/^(# the machines.*)$/m, "").replace(
        /nodes:\n(.*\n) *#.*\n/,
        "nodes:\n$1",
      ),
    );
    assert.deepEqual(initializer(configFile).makeSecrets(), [
      `${secrets}/nodes/node-d.key`,
      `${secrets}/nodes/node-d.crt`,
    ]);
    assert.equal(Deno.readTextFileSync(`${secrets}/array.key`), before);
    Deno.removeSync(`${secrets}/nodes/node-d.key`);
    assert.throws(() => initializer(configFile).makeSecrets(), /node-d\.crt is there, .*node-d\.key is not/);
  });
});

Deno.test("init goes on with an RSA authority, as arrays have had", async () => {
  await inFolder(async (configFile) => {
    const secrets = configFile.replace("dlba.yaml", "secrets");
    await Deno.mkdir(secrets);
    const ca = [
      "-keyout",
      `${secrets}/ca.key`,
      "-out",
      `${secrets}/ca.crt`,
      "-days",
      "9",
      "-subj",
      "/O=Old/CN=array CA",
    ];
    const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...ca, "-addext", "keyUsage=critical,keyCertSign"];
    assert.ok((await new Deno.Command("openssl", { args, stderr: "null" }).output()).success);
    await Deno.chmod(`${secrets}/ca.key`, 0o600);
    assert.equal(initializer(configFile).makeSecrets().length, 1 + 3 * 2 + 2 * 2);
    const verify = ["verify", "-x509_strict", "-CAfile", `${secrets}/ca.crt`, `${secrets}/nodes/node-a.crt`];
    const { success, stderr } = await new Deno.Command("openssl", { args: verify }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  });
});

Deno.test("init --self-signed makes a certificate for the host", async () => {
  await inFolder((configFile) => {
    const [key, cert] = initializer(configFile).makeSelfSigned("shop.example");
    const certificate = new X509Certificate(Deno.readFileSync(cert!));
    assert.equal(certificate.checkHost("shop.example"), "shop.example");
    assert.match(Deno.readTextFileSync(key!), /^-----BEGIN PRIVATE KEY-----/);
    assert.throws(() => initializer(configFile).makeSelfSigned("../../etc/x"), UsageError);
  });
});

Deno.test("ArraySecret derives another key for each label, and the same one each time", async () => {
  await inFolder((configFile) => {
    initializer(configFile).makeSecrets();
    const path = configFile.replace("dlba.yaml", "secrets/array.key");
    const secret = ArraySecret.load(path);
    const tickets = secret.derive("tickets", 80);
    assert.equal(tickets.length, 80);
    assert.deepEqual(ArraySecret.load(path).derive("tickets", 80), tickets);
    assert.notDeepEqual(secret.derive("tables", 80), tickets);
    assert.equal(secret.derivePrevious("tickets", 80), undefined);

    const { current } = JSON.parse(Deno.readTextFileSync(path));
    const { current: next } = JSON.parse(ArraySecret.newFile());
    Deno.writeTextFileSync(path, JSON.stringify({ current: next, previous: current }));
    const rotated = ArraySecret.load(path);
    assert.notDeepEqual(rotated.derive("tickets", 80), tickets);
    assert.deepEqual(rotated.derivePrevious("tickets", 80), tickets, "one generation overlaps");
  });
});

Deno.test("ArraySecret never shows itself", async () => {
  await inFolder((configFile) => {
    initializer(configFile).makeSecrets();
    const path = configFile.replace("dlba.yaml", "secrets/array.key");
    const secret = ArraySecret.load(path);
    const stored = JSON.parse(Deno.readTextFileSync(path)).current.secret as string;
    for (
      const shown of [String(secret), JSON.stringify({ secret }), Deno.inspect(secret), Deno.inspect({ a: [secret] })]
    ) {
      assert.match(shown, /\[secret\]/);
      assert.ok(!shown.includes(stored.slice(0, 8)));
    }
  });
});

Deno.test("a secret file that others can read, that is missing or malformed is refused with the remedy", async () => {
  await inFolder((configFile) => {
    initializer(configFile).makeSecrets();
    const path = configFile.replace("dlba.yaml", "secrets/array.key");
    Deno.chmodSync(path, 0o640);
    assert.throws(() => ArraySecret.load(path), {
      name: "UsageError",
      message: `${path} can be read by others than its owner: chmod 600 ${path}`,
    });
    Deno.chmodSync(path, 0o600);
    for (const text of ["", "{}", '{"current":{"id":"x","secret":"AAAA"}}']) {
      Deno.writeTextFileSync(path, text);
      assert.throws(() => ArraySecret.load(path), /is not an array secret/);
    }
    assert.throws(() => readSecretFile(`${path}x`), /run dlba init/);
  });
});
