/** `dlba setup-node` with the real tools, on a host of the laboratory. */
import assert from "node:assert/strict";
import { Lab } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { dlbaCommand } from "../../core/node/role.ts";

const ignore = whyNoNamespaces() !== undefined;

Deno.test({
  name: "setup-node: refuses what it cannot do whole, follows the config, restores exactly",
  ignore,
  async fn(t) {
    const lab = await Lab.create([{ name: "a", addresses: ["10.75.0.11/24"] }]);
    try {
      const host = lab.host("a");
      const file = `${lab.dir}/dlba.yaml`;
      const configure = (array: string, device = "eth0", more = "") =>
        Deno.writeTextFile(
          file,
          `array: ${array}
nodes:
  - { id: 0, name: a, address: ${host.address}/24, mac: "${host.mac}", interface: ${device} }
${more}pools: [{ name: web, back_ends: [{ key: 1, address: "10.75.0.21:8080" }] }]
`,
        );
      const setup = async (flag: string, env: Record<string, string> = {}) => {
        const command = dlbaCommand(["setup-node", flag, "--config", file, "--node", "a"]);
        const { code, stdout, stderr } = await host.run(command, { DLBA_STATE_DIR: `${lab.dir}/state`, ...env });
        return { code, stdout: stdout.trim(), stderr: stderr.trim() };
      };
      const machine = () =>
        host.must([
          "sh",
          "-c",
          `ip -o addr show lo; nft list ruleset; ethtool -k eth0; cd /proc/sys/net/ipv4/conf
          cat all/arp_ignore all/arp_announce lo/rp_filter`,
        ]);
      await host.must(["ethtool", "-K", "eth0", "gro", "on"]);
      const original = await machine();
      const refused = (says: RegExp, outcome: { code: number; stderr: string }) => {
        assert.equal(outcome.code, 2, outcome.stderr);
        assert.match(outcome.stderr, says);
        assert.doesNotMatch(outcome.stderr, /\n/);
      };

      await t.step("a missing interface was accepted, with a guard for a device that does not exist", async () => {
        await configure("{ name: shop, vip: 10.75.0.100 }", "eth9");
        for (const flag of ["--apply", "--dry-run"]) {
          refused(/^Node a: 10\.75\.0\.11 is on eth0, the config says eth9$/, await setup(flag));
        }
        assert.equal(await machine(), original);
      });

      await t.step("a missing tool left the guard and the sysctls", async () => {
        await configure("{ name: shop, vip: 10.75.0.100 }");
        const hide = ["unshare", "--mount", "sh", "-c"];
        const script = 'mount --bind /dev/null "$(command -v ethtool)"; exec "$@"';
        const { code, stderr } = await host.run(
          [...hide, script, "sh", ...dlbaCommand(["setup-node", "--apply", "--config", file, "--node", "a"])],
          { DLBA_STATE_DIR: `${lab.dir}/state` },
        );
        refused(/^No ethtool on this machine\. As root run: apt-get install -y ethtool$/, {
          code,
          stderr: stderr.trim(),
        });
        assert.equal(await machine(), original);
      });

      await t.step("with the PATH of Debian's su the tools were not found", async () => {
        const { code, stdout } = await setup("--dry-run", { PATH: "/usr/local/bin:/usr/bin:/bin" });
        assert.equal(code, 0);
        assert.match(stdout, /^nft /);
      });

      await t.step("a prepared machine has nothing to do", async () => {
        assert.equal((await setup("--apply")).code, 0);
        assert.equal((await setup("--dry-run")).stdout, "nothing to do");
        assert.equal((await setup("--apply")).stdout, "Applied: nothing to do");
      });

      await t.step("after a change of the VIP both VIPs were on lo", async () => {
        await configure("{ name: shop, vip: 10.75.0.200 }");
        assert.equal((await setup("--apply")).code, 0);
        const now = await machine();
        assert.match(now, /10\.75\.0\.200\/32/);
        assert.doesNotMatch(now, /10\.75\.0\.100/);
        assert.equal((await setup("--dry-run")).stdout, "nothing to do");
      });

      await t.step("a node that joins changes the guard, and nothing else", async () => {
        const more = `  - { id: 1, name: b, address: 10.75.0.12/24, mac: "02:db:1a:00:00:09", interface: eth0 }\n`;
        await configure("{ name: shop, vip: 10.75.0.200 }", "eth0", more);
        assert.equal((await setup("--apply")).stdout, "Applied: kernel guard");
        assert.match(await machine(), /saddr != \{ 02:db:1a:00:00:01, 02:db:1a:00:00:09 \}/);
      });

      await t.step("an array that was renamed could not be undone", async () => {
        await configure("{ name: store, vip: 10.75.0.200 }");
        refused(
          /^This machine is prepared for the array shop, .*First run: dlba setup-node --undo$/,
          await setup("--apply"),
        );
        const { code, stdout } = await setup("--undo");
        assert.equal(code, 0);
        assert.match(stdout, /^Undone: VIP 10\.75\.0\.200 on lo, .*, kernel guard$/);
        assert.equal(await machine(), original);
        assert.equal((await setup("--undo")).stdout, "Undone: nothing to do");
      });

      await t.step("a damaged state file gave a stack", async () => {
        await Deno.writeTextFile(`${lab.dir}/state/setup-node.json`, "[");
        for (const flag of ["--apply", "--undo", "--dry-run"]) {
          refused(/setup-node\.json is damaged: /, await setup(flag));
        }
        await Deno.remove(`${lab.dir}/state/setup-node.json`);
      });
    } finally {
      await lab.close();
    }
  },
});
