/** `dlba cert show` beside what openssl says of the same files. */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { parseCertificate } from "../../core/certificates/parse.ts";
import { certificateBlocks } from "../../core/certificates/pem.ts";
import { reportOf } from "../../core/certificates/report.ts";
import { reportText } from "../../core/certificates/report_text.ts";
import { makeSelfSigned } from "../../core/certificates/self_signed.ts";
import { certificatePem } from "../../core/secrets/certificate.ts";
import { dlba } from "../config/dlba.ts";
import { joined, makeAuthority, makeServer } from "./authority.ts";
import { cert, inFolder, openssl, refused } from "./witness.ts";

async function withChain(work: (dir: string) => Promise<void>, days = 60, midDays = 100): Promise<void> {
  await inFolder(async (dir) => {
    await makeAuthority(dir, midDays);
    await makeServer(dir, { days });
    await Deno.writeTextFile(`${dir}/chain.crt`, await joined(dir, "shop.crt", "mid.crt", "root.crt"));
    await Deno.copyFile(`${dir}/shop.key`, `${dir}/chain.key`);
    await work(dir);
  });
}

Deno.test("cert show says what openssl says", async () => {
  await withChain(async (dir) => {
    const { ok, errors, certificates: [report] } = JSON.parse(await cert("show", "--json", `${dir}/chain.crt`));
    assert.deepEqual([ok, errors], [true, []]);
    const said = await openssl("x509", "-in", `${dir}/shop.crt`, "-noout", "-fingerprint", "-sha256", "-dates");
    const [fingerprint, from, to] = said.trim().split("\n").map((line) => line.split("=")[1]!);
    const { valid_from, valid_to } = report;
    assert.deepEqual([valid_from, valid_to].map(Date.parse), [from, to].map((date) => Date.parse(date!)));
    assert.equal(report.fingerprint_sha256, fingerprint);
    assert.deepEqual({ ...report, fingerprint_sha256: 0, valid_from: 0, valid_to: 0, chain: report.chain.length }, {
      file: `${dir}/chain.crt`,
      subject: "O=Shop, CN=shop.example",
      issuer: "CN=Mid",
      valid_from: 0,
      valid_to: 0,
      days_left: 59,
      names: ["shop.example"],
      self_signed: false,
      key: "ECDSA P-256",
      fingerprint_sha256: 0,
      key_file: `${dir}/chain.key`,
      key_fits: true,
      chain: 2,
      chain_in_order: true,
      warnings: [],
    });
    const text = await cert("show", `${dir}/chain.crt`);
    for (
      const part of [
        /^ {2}subject {6}O=Shop, CN=shop\.example$/m,
        /^ {2}names {8}shop\.example$/m,
        /^ {2}issuer {7}CN=Mid$/m,
        /^ {2}key {10}ECDSA P-256$/m,
        /^ {2}valid to {5}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: 59 days left$/m,
        /^ {2}key file {5}\S+\/chain\.key: fits$/m,
        /^ {2}chain {8}1 \+ 2 certificates, in order$/m,
        /^ +2: CN=Mid, issued by CN=Root, valid to .*: 99 days left$/m,
      ]
    ) assert.match(text, part);
    assert.ok(text.includes(`SHA-256 ${fingerprint}`));
  });
});

Deno.test("cert show knows keys of every kind", async () => {
  await inFolder(async (dir) => {
    const kinds = {
      "ECDSA P-384": ["ec", "ec_paramgen_curve:P-384"],
      "ECDSA P-521": ["ec", "ec_paramgen_curve:P-521"],
      "RSA 3072": ["rsa", "rsa_keygen_bits:3072"],
      "of a kind that is not known": ["rsa-pss", "rsa_keygen_bits:2048"],
      "Ed25519": ["ed25519", ""],
    } as const;
    for (const [kind, [algorithm, option]] of Object.entries(kinds)) {
      const key = ["-newkey", algorithm, ...(option ? ["-pkeyopt", option] : [])];
      const files = ["-keyout", `${dir}/a.key`, "-out", `${dir}/a.crt`];
      await openssl("req", "-x509", "-nodes", ...key, ...files, "-subj", "/CN=a", "-days", "60");
      const { certificates: [report] } = JSON.parse(await cert("show", "--json", `${dir}/a.crt`));
      assert.deepEqual([report.key, report.key_fits, report.self_signed], [kind, true, true]);
    }
  });
});

Deno.test("cert show tells a chain out of order, and one that lacks its key", async () => {
  await withChain(async (dir) => {
    await Deno.writeTextFile(`${dir}/bent.pem`, await joined(dir, "shop.crt", "root.crt", "mid.crt"));
    const text = await cert("show", `${dir}/bent.pem`);
    assert.match(text, /^ {2}chain {8}1 \+ 2 certificates, out of order: each must be followed by the one/m);
    assert.match(text, /^ {2}key file {5}none named$/m);
    await Deno.writeTextFile(`${dir}/both.pem`, await joined(dir, "shop.crt", "mid.crt", "shop.key"));
    assert.match(await cert("show", `${dir}/both.pem`), /^ {2}key file {5}\S+both\.pem: fits$/m);
  });
});

Deno.test("cert show exits with 1 for what expires within --warn days, the chain included", async () => {
  await withChain(
    async (dir) => {
      const { code, stdout, stderr } = await dlba("cert", "show", `${dir}/chain.crt`);
      assert.equal(code, 1);
      assert.match(stdout, /4 days left/);
      assert.match(
        stderr,
        /^\S+chain\.crt expires in 4 days, on \d{4}-.* UTC\n\S+, certificate 2 of its chain \(CN=Mid\) expires in 9 days, on .*\n$/,
      );
      assert.equal((await dlba("cert", "show", "--warn", "3", `${dir}/chain.crt`)).code, 0);
      const json = JSON.parse((await dlba("cert", "show", "--warn", "9", "--json", `${dir}/chain.crt`)).stdout);
      assert.deepEqual([json.ok, json.certificates[0].warnings.length], [false, 1]);
      const pair = makeSelfSigned(["a.example"], { keyType: "ec", days: -3 }, Date.now());
      await Deno.writeTextFile(`${dir}/old.crt`, certificatePem(pair));
      const old = await dlba("cert", "show", "--warn", "0", `${dir}/old.crt`);
      assert.equal(old.code, 1);
      assert.match(old.stderr, /^\S+old\.crt expired 3 days ago, on /);
    },
    5,
    10,
  );
});

Deno.test("cert show without FILE shows the certificates of the config", async () => {
  await withChain(async (dir) => {
    const text = await Deno.readTextFile(new URL("../../examples/shop.yaml", import.meta.url));
    const files = "tls/shop.example.crt, key: tls/shop.example.key";
    const config = ["--config", `${dir}/dlba.yaml`];
    const lines = ["chain.crt, key: chain.key", "root.crt, key: shop.key"].map((pair) => `    - { cert: ${pair} }\n`);
    await Deno.writeTextFile(`${dir}/dlba.yaml`, text.replace(`    - { cert: ${files} }\n`, lines[0]!));
    assert.match(await cert("show", ...config), new RegExp(`^${dir}/chain\\.crt\n`));
    await Deno.writeTextFile(`${dir}/dlba.yaml`, text.replace(`    - { cert: ${files} }\n`, lines.join("")));
    const both = await refused(/^\S+shop\.key is not the key of \S+root\.crt$/m, "show", ...config, "--warn", "0");
    assert.match(both.stdout, /^ {2}key file {5}\S+\/chain\.key: fits$/m);
    assert.match(both.stdout, /^ {2}key file {5}\S+\/shop\.key: is another certificate's$/m);
    await Deno.writeTextFile(`${dir}/dlba.yaml`, text.replace(/^tls:[^]*?\n\n/m, ""));
    await refused(/names no certificates: it has no section tls$/m, "show", ...config);
  });
});

Deno.test("cert show refuses in one line what it cannot read", async () => {
  await withChain(async (dir) => {
    await Deno.writeTextFile(`${dir}/bad`, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    await refused(/^Cannot use the certificate \S+: not PEM$/m, "show", `${dir}/shop.key`);
    await refused(/^Cannot use the certificate \S+: damaged$/m, "show", `${dir}/bad`);
    await refused(/^Cannot use the certificate \S+: no such file$/m, "show", `${dir}/none`);
    await refused(/^Cannot use the certificate \S+: a directory$/m, "show", dir);
    await refused(/^Cannot use the key \S+: no such file$/m, "show", "--key", `${dir}/none`, `${dir}/shop.crt`);
    await refused(/^--key needs the FILE of its certificate$/m, "show", "--key", `${dir}/none`);
    await refused(
      /^\S+mid\.key is not the key of \S+shop\.crt$/m,
      "show",
      "--key",
      `${dir}/mid.key`,
      `${dir}/shop.crt`,
    );
  });
});

Deno.test("a damaged certificate is shown or refused, never a defect", async () => {
  // node:crypto reads fields when they are asked for: `invalid attributes` was thrown by what had been accepted.
  await withChain(async (dir) => {
    const [block] = certificateBlocks(await Deno.readTextFile(`${dir}/shop.crt`));
    const der = fromBase64(block!);
    const change = fc.array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(change, (changes) => {
        const bytes = der.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        let certificate;
        try {
          certificate = parseCertificate(bytes);
        } catch {
          return;
        }
        const now = Date.now();
        const certificates = [certificate, certificate];
        const report = reportOf({ file: "x", certificates, key: undefined, warnDays: 14, now });
        assert.ok(reportText(report, now).length > 0);
      }),
      { numRuns: 2000 * Number(Deno.env.get("DLBA_SOAK") ?? 1) },
    );
  });
});

function fromBase64(pem: string): Uint8Array {
  return Uint8Array.from(atob(pem.replaceAll(/-----[^-]+-----|\s/g, "")), (character) => character.charCodeAt(0));
}

Deno.test("cert show prints no characters that a terminal would obey", async () => {
  await inFolder(async (dir) => {
    const names = ["-subj", "/CN=\x1b[2Ja", "-utf8", "-addext", "subjectAltName=DNS:x\x1by"];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${dir}/a.key`];
    await openssl("req", "-x509", ...key, "-out", `${dir}/a.crt`, ...names, "-days", "60");
    const text = await cert("show", `${dir}/a.crt`);
    assert.ok(!text.includes("\x1b"));
    assert.match(text, /CN=\\x1b\[2Ja/);
  });
});
