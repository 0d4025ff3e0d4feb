/** `dlba cert import`: files of openssl and of Java, and what comes out given back to openssl. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import * as fc from "fast-check";
import { importPkcs12 } from "../../core/certificates/import.ts";
import { UsageError } from "../../core/errors.ts";
import { run } from "../config/dlba.ts";
import { joined, makeAuthority, makeServer } from "./authority.ts";
import { cert, inFolder, mode, openssl, refused } from "./witness.ts";

const RUNS = 300 * Number(Deno.env.get("DLBA_SOAK") ?? 1);

/** Makes `shop.p12` with the chain, the certificates in an order of no meaning, and one of somebody else. */
async function makeFile(dir: string, password: string, ...flags: readonly string[]): Promise<void> {
  await Deno.writeTextFile(`${dir}/more.pem`, await joined(dir, "root.crt", "other.crt", "mid.crt"));
  const files = ["-inkey", `${dir}/shop.key`, "-in", `${dir}/shop.crt`, "-certfile", `${dir}/more.pem`];
  await openssl("pkcs12", "-export", ...files, "-out", `${dir}/shop.p12`, "-passout", `pass:${password}`, ...flags);
  await Deno.writeTextFile(`${dir}/password`, `${password}\n`);
}

async function withFile(type: "ec" | "rsa", work: (dir: string) => Promise<void>): Promise<void> {
  await inFolder(async (dir) => {
    await makeAuthority(dir);
    await makeServer(dir, { type });
    await makeServer(dir, { name: "other" });
    await work(dir);
  });
}

/** Imports and compares with what went in. */
async function imports(dir: string): Promise<void> {
  const out = `${dir}/out/shop`;
  const said = await cert("import", "--password-file", `${dir}/password`, "--out", out, "--force", `${dir}/shop.p12`);
  assert.equal(
    said,
    `Made:\n  ${out}.key\n  ${out}.crt\nLeft out: O=Shop, CN=other.example, which is not of the chain\n`,
  );
  assert.equal(mode(`${out}.key`), 0o600);
  const pem = (text: string) =>
    [...text.matchAll(/-----BEGIN CERT[^-]+-----[^-]+-----END[^-]+-----/g)].map(([block]) => block);
  const chain = pem(await joined(dir, "shop.crt", "mid.crt", "root.crt"));
  assert.deepEqual(pem(await Deno.readTextFile(`${out}.crt`)), chain);
  const before = await openssl("pkey", "-in", `${dir}/shop.key`, "-pubout");
  assert.equal(await openssl("pkey", "-in", `${out}.key`, "-pubout"), before);
}

const OLD = ["-legacy"];
const WAYS: Readonly<Record<string, readonly string[]>> = {
  "as openssl makes them": [],
  "with RC2 and 3DES": OLD,
  "with 3DES alone": ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
  "with RC2 of 128 bits and 3DES of two keys": [...OLD, "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-2DES"],
  "with RC2 of 40 bits": [...OLD, "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-RC2-40"],
  "with AES-128 and SHA-512": ["-certpbe", "AES-128-CBC", "-keypbe", "AES-192-CBC", "-macalg", "sha512"],
  "whose certificates are not encrypted": ["-certpbe", "NONE"],
  "whose key is not encrypted": ["-keypbe", "NONE"],
  "without MAC": ["-nomac"],
  "with 100,000 iterations": ["-iter", "100000"],
};

Deno.test("cert import reads files of every kind", async (t) => {
  for (const type of ["ec", "rsa"] as const) {
    await withFile(type, async (dir) => {
      for (const [way, flags] of Object.entries(WAYS)) {
        if (type === "rsa" && !["as openssl makes them", "with RC2 and 3DES"].includes(way)) continue;
        await t.step(`${type} ${way}`, async () => {
          await makeFile(dir, "secret word", ...flags);
          await imports(dir);
        });
      }
      for (const password of ["", "p\u00e4ss\u20acw\u{1f600}rd", "x".repeat(100)]) {
        for (const flags of type === "ec" ? [[], OLD] : []) {
          await t.step(`${type} password ${JSON.stringify(password)} ${flags}`, async () => {
            await makeFile(dir, password, ...flags);
            await imports(dir);
          });
        }
      }
    });
  }
});

Deno.test("what cert import and self-signed make goes into PKCS#12 by openssl and comes back", async () => {
  await inFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/password`, "x");
    for (const flag of [[], ["--rsa"]]) {
      await cert("self-signed", ...flag, "--force", "--out", `${dir}/a`, "a.example");
      const files = ["-inkey", `${dir}/a.key`, "-in", `${dir}/a.crt`];
      await openssl("pkcs12", "-export", ...files, "-out", `${dir}/a.pfx`, "-passout", "pass:x");
      await cert(
        "import",
        "--config",
        `${dir}/dlba.yaml`,
        "--force",
        "--password-file",
        `${dir}/password`,
        `${dir}/a.pfx`,
      );
      for (const end of ["key", "crt"]) {
        assert.equal(await Deno.readTextFile(`${dir}/tls/a.${end}`), await Deno.readTextFile(`${dir}/a.${end}`));
      }
    }
  });
});

Deno.test({
  name: "cert import reads a file of Java's keytool",
  // It comes with a Java runtime, which nothing else here needs.
  ignore: !existsSync("/usr/bin/keytool"),
  async fn() {
    await inFolder(async (dir) => {
      const names = [
        "-genkeypair",
        "-alias",
        "shop",
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-dname",
        "CN=shop.example",
      ];
      const store = ["-storetype", "PKCS12", "-keystore", `${dir}/shop.p12`, "-storepass", "secret"];
      assert.equal((await run("keytool", [...names, ...store])).code, 0);
      await Deno.writeTextFile(`${dir}/password`, "secret");
      await cert("import", "--password-file", `${dir}/password`, "--out", `${dir}/x`, `${dir}/shop.p12`);
      await openssl("verify", "-CAfile", `${dir}/x.crt`, `${dir}/x.crt`);
    });
  },
});

Deno.test("cert import asks a terminal for the password, and shows nothing of it", async () => {
  await withFile("ec", async (dir) => {
    await makeFile(dir, "secret");
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const command = `${Deno.execPath()} run -A --no-check ${main} cert import --out ${dir}/x ${dir}/shop.p12`;
    const ask = async (typed: string) => {
      const child = new Deno.Command("script", {
        args: ["-qec", command, "/dev/null"],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let shown = "";
      while (!shown.includes("shop.p12: ")) shown += (await reader.read()).value;
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(typed));
      for (let part = await reader.read(); !part.done; part = await reader.read()) shown += part.value;
      await writer.close().catch(() => {});
      return { shown, code: (await child.status).code };
    };
    const wrong = await ask("wrong\r");
    assert.equal(wrong.code, 2);
    assert.match(wrong.shown, /^Password of \S+shop\.p12: \r?\n+The password is not that of \S+shop\.p12\r?\n$/);
    assert.deepEqual((await ask("se\x03")).code, 2);
    const right = await ask("sex\x7fcret\r");
    assert.match(right.shown, /^Password of \S+shop\.p12: \r?\n+Made:/);
    assert.ok(!/secret/.test(right.shown));
    assert.equal(right.code, 0);
  });
});

Deno.test("cert import takes the password from standard input", async () => {
  await withFile("ec", async (dir) => {
    await makeFile(dir, "secret");
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const args = ["run", "-A", "--no-check", main, "cert", "import", "--out", `${dir}/x.crt`, "--password-file=-"];
    const child = new Deno.Command(Deno.execPath(), {
      args: [...args, `${dir}/shop.p12`],
      stdin: "piped",
      stdout: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("secret\n"));
    await writer.close();
    assert.equal((await child.status).code, 0);
    assert.ok(existsSync(`${dir}/x.key`) && existsSync(`${dir}/x.crt`));
  });
});

Deno.test("cert import refuses in one line what it cannot use", async () => {
  await withFile("ec", async (dir) => {
    await makeFile(dir, "secret");
    const file = `${dir}/shop.p12`;
    await Deno.writeTextFile(`${dir}/empty`, "");
    const flags = ["--out", `${dir}/out/x`, "--password-file", `${dir}/password`];
    const refusedFile = async (reason: RegExp, ...args: string[]) => {
      await openssl("pkcs12", "-export", "-out", `${dir}/odd.p12`, "-passout", "pass:secret", ...args);
      await refused(reason, "import", ...flags, `${dir}/odd.p12`);
    };
    await Deno.writeTextFile(`${dir}/wrong`, "wrong");
    await refused(
      /^The password is not that of \S+shop\.p12$/m,
      "import",
      "--out",
      `${dir}/out/x`,
      "--password-file",
      `${dir}/wrong`,
      file,
    );
    await refused(
      /^No terminal to ask for the password: name a file that holds it by --password-file$/m,
      "import",
      "--out",
      `${dir}/out/x`,
      file,
    );
    await refused(/: it is no PKCS#12 file, or damaged$/m, "import", ...flags, `${dir}/shop.crt`);
    await refused(/: it is no PKCS#12 file, or damaged$/m, "import", ...flags, `${dir}/empty`);
    await refused(/^Cannot read \S+: no such file$/m, "import", ...flags, `${dir}/none`);
    await refused(/^Cannot read \S+: a directory$/m, "import", ...flags, dir);
    await refused(
      /^Cannot read the password file \S+: no such file$/m,
      "import",
      "--out",
      `${dir}/out/x`,
      "--password-file",
      `${dir}/none`,
      file,
    );
    await refusedFile(/holds no private key, one is needed$/m, "-nokeys", "-in", `${dir}/shop.crt`);
    await refusedFile(/holds no certificate$/m, "-nocerts", "-inkey", `${dir}/shop.key`);
    await openssl(
      "pkcs12",
      "-export",
      "-nomac",
      "-inkey",
      `${dir}/shop.key`,
      "-in",
      `${dir}/shop.crt`,
      "-out",
      `${dir}/nomac.p12`,
      "-passout",
      "pass:secret",
    );
    await refused(
      /^The password is not that of \S+nomac\.p12$/m,
      "import",
      "--out",
      `${dir}/out/x`,
      "--password-file",
      `${dir}/wrong`,
      `${dir}/nomac.p12`,
    );
    await openssl(
      "pkcs12",
      "-export",
      "-iter",
      "2000000",
      "-nomaciter",
      "-inkey",
      `${dir}/shop.key`,
      "-in",
      `${dir}/shop.crt`,
      "-out",
      `${dir}/slow.p12`,
      "-passout",
      "pass:secret",
    );
    await refused(/it has more than 1000000 iterations of its password; /, "import", ...flags, `${dir}/slow.p12`);
    assert.ok(!existsSync(`${dir}/out`), "nothing was made");
    await cert("import", ...flags, file);
    await refused(/x\.key and \S+x\.crt exist: /, "import", ...flags, file);
  });
});

Deno.test("cert import reads damaged files to a finding, never to a defect", async () => {
  await withFile("ec", async (dir) => {
    for (const flags of [[], OLD]) {
      await makeFile(dir, "secret", ...flags, "-iter", "1", "-nomac");
      const file = await Deno.readFile(`${dir}/shop.p12`);
      const damaged = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(damaged, fc.nat(file.length), fc.boolean(), (changes, end, cut) => {
          const bytes = file.slice(0, cut ? end : undefined);
          for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
          try {
            importPkcs12("x.p12", bytes, "secret");
          } catch (error) {
            if (!(error instanceof UsageError) || error.message.includes("\n")) throw error;
          }
        }),
        { numRuns: RUNS },
      );
    }
  });
});
