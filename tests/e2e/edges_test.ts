/** What the failover and status daemons learn from the wire, between hosts of the laboratory. */
import assert from "node:assert/strict";
import { Lab } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";

const ignore = whyNoNamespaces() !== undefined;
const VIP = "10.74.0.100";

Deno.test({
  name: "pings, the carrier and who has the VIP are seen as they are",
  ignore,
  async fn(t) {
    const lab = await Lab.create(["a", "b", "c"].map((name, i) => ({ name, addresses: [`10.74.0.${11 + i}/24`] })));
    try {
      const [a, b, c] = ["a", "b", "c"].map((name) => lab.host(name));
      const nodes = [a!, b!].map(({ name, address, mac }, id) => ({
        id,
        name,
        address: `${address}/24`,
        mac,
        interface: "eth0",
      }));
      await Deno.writeTextFile(
        `${lab.dir}/dlba.yaml`,
        JSON.stringify({
          array: { name: "test", vip: VIP },
          nodes,
          pools: [{ name: "p", back_ends: [{ key: 1, address: "10.74.0.99:80" }] }],
        }),
      );
      const script = new URL("edges.ts", import.meta.url).pathname;
      const see = async (what: string, ...args: string[]) =>
        JSON.parse(await a!.must([Deno.execPath(), "run", "-A", "--no-check", script, what, ...args]));

      await t.step("pings", async () => {
        await b!.must(["sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=0"]);
        assert.deepEqual(await see("ping", b!.address, "10.74.0.77"), { missed: [0, 4], everHeard: [true, false] });
        await b!.must(["sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1"]);
        assert.deepEqual(await see("ping", b!.address), { missed: [4], everHeard: [false] });
      });

      await t.step("the carrier of the own link, and its going", async () => {
        assert.equal(await see("link", "eth0"), true);
        await lab.inSwitch("ip link set dev a down");
        assert.equal(await see("link", "eth0"), false);
        await lab.inSwitch("ip link set dev a up");
        await a!.must(["ip", "link", "set", "eth0", "down"]);
        assert.equal(await see("link", "eth0"), false);
        await a!.must(["ip", "link", "set", "eth0", "up"]);
        assert.equal(await see("link", "none"), false);
      });

      await t.step("who has the VIP: nobody, a node, a machine that is none", async () => {
        const watch = () => see("watch", `${lab.dir}/dlba.yaml`, "a");
        assert.deepEqual(await watch(), []);
        // The kernel answers for it: it takes an address of its own for what the VIP is elsewhere.
        await b!.must(["ip", "addr", "add", `${VIP}/32`, "dev", "eth0"]);
        assert.deepEqual(await watch(), [{ mac: b!.mac, node: 1 }]);
        await c!.must(["ip", "addr", "add", `${VIP}/32`, "dev", "eth0"]);
        const both = await watch();
        assert.equal(both.length, 2);
        assert.ok(both.some(({ mac, node }: { mac: string; node?: number }) => mac === c!.mac && node === undefined));
      });
    } finally {
      await lab.close();
    }
  },
});
