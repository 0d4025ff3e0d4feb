import assert from "node:assert/strict";
import { cert, inFolder, mode, openssl, refused } from "./witness.ts";

for (const flags of [[], ["--rsa"]]) {
  Deno.test(`cert csr ${flags.join()} makes a request that openssl verifies and signs`, async () => {
    await inFolder(async (dir) => {
      const path = `${dir}/tls/shop.example`;
      const said = await cert(
        "csr",
        "--config",
        `${dir}/dlba.yaml`,
        ...flags,
        "shop.example",
        "192.0.2.10",
        "2001:db8::1",
      );
      assert.match(said, /^Made:\n {2}\S+\.key\n {2}\S+\.csr\nSend \S+\.csr to a certificate authority; /);
      assert.equal(mode(`${path}.key`), 0o600);
      const text = await openssl("req", "-in", `${path}.csr`, "-verify", "-noout", "-text");
      assert.match(text, /verify OK/);
      assert.match(text, /DNS:shop\.example, IP Address:192\.0\.2\.10, IP Address:2001:DB8:0:0:0:0:0:1\n/);
      assert.match(text, /CA:FALSE/);
      // An authority signs it, and the certificate is the key's.
      await openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        `${dir}/ca.key`,
        "-out",
        `${dir}/ca.crt`,
        "-subj",
        "/CN=CA",
      );
      const ca = ["-CA", `${dir}/ca.crt`, "-CAkey", `${dir}/ca.key`, "-CAcreateserial", "-copy_extensions", "copyall"];
      await openssl("x509", "-req", "-in", `${path}.csr`, ...ca, "-days", "9", "-out", `${path}.crt`);
      await openssl("verify", "-CAfile", `${dir}/ca.crt`, "-verify_hostname", "shop.example", `${path}.crt`);
      const ofKey = await openssl("pkey", "-in", `${path}.key`, "-pubout");
      assert.equal(await openssl("x509", "-in", `${path}.crt`, "-noout", "-pubkey"), ofKey);
    });
  });
}

Deno.test("cert csr --key asks for a certificate of the key that is there", async () => {
  await inFolder(async (dir) => {
    for (const kind of [["EC", "ec_paramgen_curve:P-384"], ["RSA", "rsa_keygen_bits:3072"]] as const) {
      await openssl("genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1], "-out", `${dir}/${kind[0]}.key`);
      await cert("csr", "--key", `${dir}/${kind[0]}.key`, "--out", `${dir}/${kind[0]}`, "shop.example");
      assert.match(await openssl("req", "-in", `${dir}/${kind[0]}.csr`, "-verify", "-noout"), /verify OK/);
      const ofKey = await openssl("pkey", "-in", `${dir}/${kind[0]}.key`, "-pubout");
      assert.equal(await openssl("req", "-in", `${dir}/${kind[0]}.csr`, "-noout", "-pubkey"), ofKey);
    }
  });
});

Deno.test("cert csr refuses keys that it cannot use, and to write over anything", async () => {
  await inFolder(async (dir) => {
    const out = ["--out", `${dir}/x`];
    await Deno.writeTextFile(`${dir}/bad.key`, "garbage");
    await openssl("genpkey", "-algorithm", "ED25519", "-out", `${dir}/ed.key`);
    await openssl(
      "genpkey",
      "-algorithm",
      "EC",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-aes256",
      "-pass",
      "pass:x",
      "-out",
      `${dir}/locked.key`,
    );
    const bad = {
      "bad.key": /: not a PEM key without password$/m,
      "locked.key": /: not a PEM key without password$/m,
      "none.key": /: no such file$/m,
      "ed.key": /: neither ECDSA nor RSA$/m,
    };
    for (const [file, reason] of Object.entries(bad)) {
      await refused(reason, "csr", "--key", `${dir}/${file}`, ...out, "a.example");
    }
    await refused(/^Say one of --rsa and --key$/m, "csr", "--rsa", "--key", `${dir}/bad.key`, ...out, "a.example");
    await cert("csr", ...out, "a.example");
    await refused(/x\.key and .*x\.csr exist: /, "csr", ...out, "a.example");
    await refused(/x\.csr exists: /, "csr", "--key", `${dir}/x.key`, ...out, "a.example");
  });
});
