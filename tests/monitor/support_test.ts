/** What is in the archive, and what must not be. */
import assert from "node:assert/strict";
import { checkConfig } from "../../core/config/load.ts";
import { withoutSecrets, writeSupport } from "../../core/monitor/support.ts";

const SECRET = "a-community-that-nobody-must-see";
const CONFIG = `
# password: in-a-comment
array: { name: test, vip: 10.0.0.100, secrets: keys }
nodes:
  - { id: 0, name: a, address: 10.0.0.1/24, mac: "02:00:00:00:00:01", interface: lo }
pools:
  - name: shop
    back_ends: [{ key: 1, address: "10.0.1.1:8080", snmp: { community: ${SECRET} } }]
`;

Deno.test("withoutSecrets() leaves out values that are secret, and comments", () => {
  const text = withoutSecrets(CONFIG);
  assert.doesNotMatch(text, /in-a-comment|nobody-must-see/);
  assert.match(text, /community: \(left out\)/);
  assert.match(text, /secrets: keys/);
  assert.match(text, /vip: 10\.0\.0\.100/);
});

Deno.test("writeSupport() makes one archive for its owner alone, of nodes that do not answer too", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const file = `${dir}/dlba.yaml`, archive = `${dir}/support.tar.gz`;
    // A port at which nobody listens.
    await Deno.writeTextFile(file, `${CONFIG}control: { status_port: 1 }\n`);
    const { config, findings } = checkConfig(file, await Deno.readTextFile(file));
    assert.deepEqual(findings, []);
    const nodes = config!.nodes.map((node) => ({ ...node, address: { ...node.address, address: "127.0.0.1" } }));
    const here = { ...config!, nodes };
    const names = await writeSupport(here, file, archive);
    for (const name of ["versions.txt", "dlba.yaml", "system.txt", "node-a-tables.json", "node-a-metrics.txt"]) {
      assert.ok(names.includes(name), name);
    }
    assert.equal((await Deno.stat(archive)).mode! & 0o777, 0o600);
    const tar = async (...args: string[]) =>
      new TextDecoder().decode((await new Deno.Command("tar", { args: [...args, archive] }).output()).stdout);
    assert.deepEqual((await tar("tzf")).trim().split("\n").sort(), names);
    const all = await tar("xzOf");
    assert.ok(!all.includes(SECRET));
    assert.match(all, /Connection refused/);
    await assert.rejects(writeSupport(here, file, archive), /cannot be made: .*exists/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
