import assert from "node:assert/strict";
import { dlba } from "../config/dlba.ts";
import { cert, inFolder, mode, openssl, refused } from "./witness.ts";

const HOSTS = ["Shop.Example", "*.shop.example", "192.0.2.10", "2001:DB8::0:1", "shop.example"];
const NAMES = /DNS:shop\.example, DNS:\*\.shop\.example, IP Address:192\.0\.2\.10, IP Address:2001:DB8:0:0:0:0:0:1\n/;

for (const [flags, key] of [[[], /NIST CURVE: P-256/], [["--rsa"], /Public-Key: \(2048 bit\)/]] as const) {
  Deno.test(`cert self-signed ${flags.join()} makes a pair that openssl verifies, for names and addresses`, async () => {
    await inFolder(async (dir) => {
      assert.equal(
        await cert("self-signed", "--config", `${dir}/dlba.yaml`, ...flags, ...HOSTS),
        `Made:\n  ${dir}/tls/shop.example.key\n  ${dir}/tls/shop.example.crt\n`,
      );
      const path = `${dir}/tls/shop.example`;
      assert.deepEqual([mode(`${path}.key`), mode(`${dir}/tls`)], [0o600, 0o700]);
      const text = await openssl("x509", "-in", `${path}.crt`, "-noout", "-text");
      for (const part of [NAMES, key, /CA:FALSE/, /TLS Web Server Authentication/, /Version: 3/]) {
        assert.match(text, part);
      }
      for (const name of ["-verify_hostname=a.shop.example", "-verify_ip=192.0.2.10", "-verify_ip=2001:db8::1"]) {
        await openssl("verify", "-CAfile", `${path}.crt`, ...name.split("="), `${path}.crt`);
      }
      await openssl("pkey", "-in", `${path}.key`, "-check", "-noout");
      const ofKey = await openssl("pkey", "-in", `${path}.key`, "-pubout");
      assert.equal(await openssl("x509", "-in", `${path}.crt`, "-noout", "-pubkey"), ofKey);
    });
  });
}

Deno.test("cert self-signed takes a name too long for a subject, and a wildcard alone", async () => {
  await inFolder(async (dir) => {
    const long = `${"a".repeat(60)}.shop.example`;
    await cert("self-signed", "--out", `${dir}/long`, long);
    await openssl("verify", "-CAfile", `${dir}/long.crt`, "-verify_hostname", long, `${dir}/long.crt`);
    await cert("self-signed", "--config", `${dir}/dlba.yaml`, "--days", "3", "*.shop.example");
    const text = await openssl("x509", "-in", `${dir}/tls/wildcard.shop.example.crt`, "-noout", "-subject", "-enddate");
    assert.match(text, /CN = \*\.shop\.example/);
    const end = Date.parse(/notAfter=(.*)/.exec(text)![1]!);
    assert.ok(Math.abs(end - Date.now() - 3 * 86_400_000) < 60_000);
  });
});

Deno.test("cert self-signed writes over nothing without --force", async () => {
  await inFolder(async (dir) => {
    const out = ["--out", `${dir}/a`];
    await Deno.writeTextFile(`${dir}/a.crt`, "mine");
    await refused(
      /a\.crt exists: name another place by --out, or write over by --force$/m,
      "self-signed",
      ...out,
      "a.b",
    );
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["a.crt"]);
    // Neither where a link leads to what does not exist yet.
    await Deno.symlink(`${dir}/elsewhere`, `${dir}/a.key`);
    await refused(/a\.key and .*a\.crt exist: /, "self-signed", ...out, "a.b");
    await cert("self-signed", ...out, "--force", "a.b");
    await openssl("verify", "-CAfile", `${dir}/a.crt`, `${dir}/a.crt`);
    assert.ok(Deno.lstatSync(`${dir}/a.key`).isFile);
  });
});

Deno.test("cert self-signed and csr refuse what is no host, and make nothing", async () => {
  await inFolder(async (dir) => {
    const hosts = [
      "",
      "a b",
      "a..b",
      "1.2.3",
      "-a",
      "*",
      "*.example",
      "*.1.2.3.4",
      "a.*.b",
      "fe80::1%lo",
      "b\u00fccher.example",
    ];
    for (const host of hosts) {
      for (const command of ["self-signed", "csr"]) {
        await refused(
          /^Neither a host name nor an IP address: /,
          command,
          "--out",
          `${dir}/x`,
          "--",
          "a.example",
          host,
        );
      }
    }
    await refused(/^Cannot make the folder \/proc\/none: /, "self-signed", "--out", "/proc/none/x", "a.example");
    assert.equal((await dlba("cert", "self-signed", "--out", `${dir}/x`)).code, 2);
    assert.equal((await dlba("cert", "self-signed", "--days", "0", "--out", `${dir}/x`, "a.example")).code, 2);
    assert.deepEqual([...Deno.readDirSync(dir)], []);
  });
});

Deno.test("init --self-signed makes what cert self-signed makes", async () => {
  await inFolder(async (dir) => {
    await Deno.copyFile(new URL("../../examples/shop.yaml", import.meta.url), `${dir}/dlba.yaml`);
    const config = ["--config", `${dir}/dlba.yaml`];
    assert.equal((await dlba("init", ...config, "--rsa")).stderr, "--rsa needs --self-signed HOST\n");
    assert.equal((await dlba("init", ...config, "--rsa", "--self-signed", "rsa.example")).code, 0);
    assert.equal((await dlba("init", ...config, "--self-signed", "shop.example")).code, 0);
    const text = (name: string) => openssl("x509", "-in", `${dir}/tls/${name}.crt`, "-noout", "-text");
    assert.match(await text("rsa.example"), /Public-Key: \(2048 bit\)/);
    const fixed = (text: string) =>
      text.replaceAll(/^( *[0-9a-f]{2}:.*| *[0-9A-F]{2}:.*| *Serial.*| *Not .*|)\n/gm, "");
    const made = fixed(await text("shop.example"));
    await cert("self-signed", ...config, "--force", "shop.example");
    assert.equal(fixed(await text("shop.example")), made);
  });
});
