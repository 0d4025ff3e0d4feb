/** What `dlba check` says of keys in a token: the place in the file, and never the PIN. */
import assert from "node:assert/strict";
import { dlba } from "./dlba.ts";
import { keyUri, lacksToken, PIN, SOFTHSM, SoftHsm } from "../tls/soft_hsm.ts";

interface Case {
  readonly says: string;
  readonly key?: string;
  readonly cert?: string;
  readonly module?: string;
  /** What the PIN file holds, and its mode. */
  readonly pin?: string;
  readonly mode?: number;
  readonly expected: readonly string[];
}

const CASES: readonly Case[] = [
  { says: "nothing of a sound config", expected: [] },
  {
    says: "a missing module",
    module: "none.so",
    expected: ["tls.pkcs11.module: found none.so (no such file), expected a PKCS#11 module"],
  },
  {
    says: "a library that is no module",
    module: "libc.so.6",
    expected: ["tls.pkcs11.module: found libc.so.6 (not a PKCS#11 module), expected a PKCS#11 module"],
  },
  {
    says: "a PIN file that others can read",
    mode: 0o644,
    expected: [
      "tls.pkcs11.pin_file: found pin (can be read by others than its owner: chmod 600), expected a file with the PIN, for its owner alone",
    ],
  },
  {
    says: "an empty PIN file",
    pin: "\n",
    expected: ["tls.pkcs11.pin_file: found pin (empty), expected a file with the PIN, for its owner alone"],
  },
  {
    says: "a wrong PIN",
    pin: "0000",
    expected: ["tls.pkcs11.pin_file: found pin (PIN incorrect), expected the PIN of the token"],
  },
  {
    says: "a key that is not there",
    key: keyUri("none"),
    expected: [
      `tls.certificates[0].key: found ${keyUri("none")} (not found in a token), expected a key in the token`,
    ],
  },
  {
    says: "a URI that is none",
    key: "pkcs11:nonsense",
    expected: ["tls.certificates[0].key: found pkcs11:nonsense (invalid id), expected a key in the token"],
  },
  {
    says: "the key of another certificate",
    key: keyUri("two"),
    expected: [`tls.certificates[0].key: found ${keyUri("two")} (another one), expected the key of one.crt`],
  },
  {
    says: "a PIN in the URI",
    key: `${keyUri("one")}?pin-value=${PIN}`,
    expected: [
      "tls.certificates[0].key: found pin-value, expected a PKCS#11 URI without a PIN (tls.pkcs11.pin_file has it)",
    ],
  },
];

Deno.test({
  name: "check asks the token",
  ignore: lacksToken,
  fn: async (t) => {
    const hsm = await SoftHsm.create();
    await Deno.writeTextFile(`${hsm.dir}/one.crt`, await hsm.makeKey("one", "ec", ["one"]));
    await hsm.makeKey("two", "rsa", ["two"]);
    const file = `${hsm.dir}/dlba.yaml`;
    await Deno.symlink(`/lib/${Deno.build.arch}-linux-gnu/libc.so.6`, `${hsm.dir}/libc.so.6`);
    for (
      const { says, key = keyUri("one"), cert = "one.crt", module = SOFTHSM, pin = PIN, mode = 0o600, expected }
        of CASES
    ) {
      await t.step(`check names ${says}`, async () => {
        await Deno.remove(hsm.pinFile);
        await Deno.writeTextFile(hsm.pinFile, pin, { mode });
        await Deno.writeTextFile(
          file,
          `array: { name: test, vip: 192.0.2.10 }
nodes: [{ id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: eth0 }]
pools: [{ name: web, back_ends: [{ key: 1, address: "192.0.2.21:80" }] }]
tls: { certificates: [{ cert: ${cert}, key: "${key}" }], pkcs11: { module: ${module}, pin_file: pin } }
`,
        );
        // A process of its own: whoever logged in once stays logged in.
        const { code, stdout, stderr } = await dlba("check", file);
        const lines = stderr.split("\n").filter((line) => line !== "");
        assert.deepEqual(lines.map((line) => line.replace(/^\S+ /, "")), expected);
        assert.equal(code, expected.length === 0 ? 0 : 2);
        assert.ok(!(stdout + stderr).includes(PIN));
      });
    }
    await hsm.remove();
  },
});
