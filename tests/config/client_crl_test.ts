/** What `dlba check` says of lists of revoked certificates. */
import assert from "node:assert/strict";
import { checkFile } from "../../core/config/check.ts";
import { findingLine } from "../../core/config/findings.ts";
import { TestAuthority } from "../tls/authority.ts";

Deno.test("check names a list of revoked certificates that is none or out of date", async () => {
  const authority = await TestAuthority.make();
  const shop = await authority.sign(["shop.example"]);
  const dir = await Deno.makeTempDir();
  const write = (name: string, text: string) => Deno.writeTextFile(`${dir}/${name}`, text);
  await write("shop.crt", shop.cert);
  await write("shop.key", shop.key);
  await write("ca.crt", authority.cert);
  await write("good.pem", await authority.crl([]));
  await write("old.pem", await authority.crl([], -1));
  await write("both.pem", await authority.crl([]) + await authority.crl([], -1));
  await authority.remove();
  const said = async (crl: string): Promise<string> => {
    await write(
      "dlba.yaml",
      `array: { name: shop, vip: 192.0.2.10 }
nodes: [{ id: 1, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: eth0 }]
pools: [{ name: web, back_ends: [{ key: 1, address: "10.0.0.21:8080" }] }]
tls: { certificates: [{ cert: shop.crt, key: shop.key }], client_ca: ca.crt, client_crl: ${crl} }
`,
    );
    return checkFile(`${dir}/dlba.yaml`, Date.now()).findings.map(findingLine).join("\n").replaceAll(`${dir}/`, "");
  };
  const at = (found: string) =>
    `dlba.yaml:4:90: tls.client_crl: found ${found}, expected PEM lists of revoked certificates that are valid now`;
  assert.equal(await said("good.pem"), "");
  assert.equal(await said("old.pem"), at("old.pem (out of date)"));
  assert.equal(await said("both.pem"), at("both.pem (out of date)"));
  assert.equal(await said("ca.crt"), at("ca.crt (no PEM list of revoked certificates)"));
  assert.equal(await said("none"), at("none (no such file)"));
  await Deno.remove(dir, { recursive: true });
});
