/** What `dlba check` says of OCSP responses. */
import assert from "node:assert/strict";
import { checkFile } from "../../core/config/check.ts";
import { findingLine } from "../../core/config/findings.ts";
import { TestAuthority } from "../tls/authority.ts";

const HOUR_MS = 3_600_000;

Deno.test("check names OCSP responses that cannot be sent or asked for", async () => {
  const authority = await TestAuthority.make();
  const shop = await authority.sign(["shop.example"]);
  const extensions = ["authorityInfoAccess=OCSP;URI:http://ocsp.example/"];
  const asked = await authority.sign(["asked.example"], { extensions });
  const dir = await Deno.makeTempDir();
  const write = (name: string, content: string | Uint8Array) =>
    Deno.writeFile(`${dir}/${name}`, typeof content === "string" ? new TextEncoder().encode(content) : content);
  await write("shop.crt", shop.cert + authority.cert);
  await write("shop.key", shop.key);
  await write("asked.crt", asked.cert + authority.cert);
  await write("asked.key", asked.key);
  await write("alone.crt", shop.cert);
  await write("shop.der", await authority.ocsp(shop.serial));
  await write("revoked.der", await authority.ocsp(shop.serial, { revoked: [shop.serial] }));
  await write("asked.der", await authority.ocsp(asked.serial));
  await write("long.der", new Uint8Array(100_000));
  await authority.remove();
  const said = async (cert: string, ocsp: string, laterMs = 0): Promise<string> => {
    await write(
      "dlba.yaml",
      `array: { name: shop, vip: 192.0.2.10 }
nodes: [{ id: 1, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: eth0 }]
pools: [{ name: web, back_ends: [{ key: 1, address: "10.0.0.21:8080" }] }]
tls: { certificates: [{ cert: ${cert}.crt, key: ${cert === "alone" ? "shop" : cert}.key, ocsp: ${ocsp} }] }
`,
    );
    const { findings } = checkFile(`${dir}/dlba.yaml`, Date.now() + laterMs);
    return findings.map(findingLine).join("\n").replaceAll(`${dir}/`, "");
  };
  const at = "dlba.yaml:4:62: tls.certificates[0].ocsp:";
  const valid = "expected an OCSP response in DER that is valid now";
  assert.equal(await said("shop", "shop.der"), "");
  assert.equal(await said("shop", "shop.der", 2 * HOUR_MS), `${at} found shop.der (out of date), ${valid}`);
  assert.equal(await said("shop", "none.der"), `${at} found none.der (no such file), ${valid}`);
  assert.equal(await said("shop", "."), `${at} found . (no regular file), ${valid}`);
  assert.equal(await said("shop", "long.der"), `${at} found long.der (100000 bytes, more than 65536), ${valid}`);
  assert.equal(await said("shop", "shop.key"), `${at} found shop.key (not an OCSP response in DER), ${valid}`);
  assert.equal(
    await said("shop", "asked.der"),
    `${at} found asked.der (an OCSP response about another certificate), ${valid}`,
  );
  assert.equal(
    await said("shop", "revoked.der"),
    `${at} found revoked.der (the certificate's status is revoked), ${valid}`,
  );
  assert.match(await said("alone", "shop.der"), /found shop\.der \(the certificate of its issuer is not behind it\), /);
  assert.equal(
    await said("shop", "fetch"),
    `${at} found fetch (it names no responder), expected a file, as nobody can be asked about shop.crt`,
  );
  assert.equal((await said("asked", "fetch")).replaceAll(/.*asked\.key.*\n?/g, ""), "");
  await Deno.remove(dir, { recursive: true });
});
