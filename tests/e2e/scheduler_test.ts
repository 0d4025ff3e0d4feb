/** The scheduler alone, before nodes that run plain web servers on the VIP (the seed's "Prototype"). */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import type { Host } from "../../core/lab/host.ts";
import { Lab } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import { TableFile } from "../../core/scheduler/table_file.ts";

const ignore = whyNoNamespaces() !== undefined;
const VIP = "10.79.0.100";
const NODES = ["a", "b", "c"];
const CONNECTIONS = 60;

Deno.test({
  name: "dlba scheduler spreads connections over the nodes, itself included, and answers do not pass it",
  ignore,
  async fn(t) {
    const lab = await Lab.create([
      { name: "client", addresses: ["10.79.0.201/24"] },
      ...NODES.map((name, index) => ({ name, addresses: [`10.79.0.${11 + index}/24`] })),
    ]);
    try {
      const config = `${lab.dir}/dlba.yaml`;
      const env = (name: string) => ({ DLBA_RUN_DIR: `${lab.dir}/run`, DLBA_STATE_DIR: `${lab.dir}/state/${name}` });
      await Deno.writeTextFile(config, configText(lab));
      const flags = (name: string) => ["--config", config, "--node", name];
      const scheduler = lab.host("a");

      await t.step("it refuses a machine that was not prepared", async () => {
        const { code, stderr } = await scheduler.run(dlbaCommand(["scheduler", ...flags("a")]), env("a"));
        assert.equal(code, 2);
        assert.match(stderr, /: the kernel guard is missing, .*, the VIP 10\.79\.0\.100 is not on lo\./);
      });

      for (const name of NODES) {
        await lab.host(name).must(dlbaCommand(["setup-node", "--apply", ...flags(name)]), env(name));
        lab.host(name).start(dlbaCommand(["lab-web", name, `${VIP}:80`])).unref();
      }
      const engine = scheduler.start(dlbaCommand(["scheduler", ...flags("a")]), env("a"));
      await until(() => NODES.every((name) => /^ready$/m.test(lab.host(name).log())), "the web servers");
      await until(() => scheduler.log().includes("answers ARP"), "the scheduler");

      await t.step("every connection is answered, by every node", async () => {
        const served = await ask(lab.host("client"), CONNECTIONS);
        assert.equal(served.length, CONNECTIONS);
        assert.deepEqual([...new Set(served)].sort(), NODES);
      });

      await t.step("tcpdump on the scheduler sees no answer that another node sent", async () => {
        const sniff = "timeout 3 tcpdump -nn -c 1 -i eth0 src host 10.79.0.100 and not ether src " + scheduler.mac;
        const [seen] = await Promise.all([scheduler.run(["sh", "-c", sniff]), ask(lab.host("client"), 30)]);
        assert.match(seen.stderr, /\b0 packets captured/);
      });

      await t.step("buckets and IP groups agree with each other", () => {
        const tables = TableFile.open(`${lab.dir}/run/test/a/scheduler.tables`);
        const { pairs } = tables.changesSince(undefined);
        const counts = [0, 0, 0];
        for (let i = 1; i < pairs.length; i += 2) counts[pairs[i]!]!++;
        assert.deepEqual([...tables.nodeCounts.ipGroups.slice(0, 3)], counts);
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `equal weights, yet ${counts}`);
        assert.equal(tables.verdicts.toObject().send_failed, 0);
        tables.close();
      });

      await t.step("a port that is not the array's is not answered, ICMP echo is", async () => {
        const client = lab.host("client");
        assert.equal((await client.run(["curl", "-s", "-m", "1", `http://${VIP}:22/`])).code, 28);
      });

      await t.step("frames too short for an IPv4 header and frames of other protocols are counted", async () => {
        // A filter that looked into a frame beyond its end let the kernel drop it, uncounted.
        const tables = TableFile.open(`${lab.dir}/run/test/a/scheduler.tables`);
        const counts = () => tables.verdicts.toObject();
        const before = counts();
        const script = new URL("bent_frames.ts", import.meta.url).pathname;
        const args = [scheduler.mac, lab.host("client").mac, VIP, "20"];
        const command = [Deno.execPath(), "run", "-A", "--no-check", script, ...args];
        assert.equal(Number(await lab.host("client").must(command)), 100);
        await delay(300);
        const after = counts();
        const grown = (name: string) => after[name]! - before[name]!;
        assert.equal(grown("truncated"), 40);
        // The kernel drops a frame that ends within its VLAN tag before anybody sees it.
        assert.equal(grown("vlan"), 20);
        assert.ok(grown("not_ipv4") >= 20, "the host's own IPv6 is among them");
        tables.close();
      });

      await t.step("a second scheduler is refused while the first answers", async () => {
        const { code, stderr } = await lab.host("b").run(dlbaCommand(["scheduler", ...flags("b")]), env("b"));
        assert.equal(code, 2);
        assert.match(stderr, /02:db:1a:00:00:02 on eth0 answers for the VIP 10\.79\.0\.100 already/);
      });

      await t.step("under a flood it counts every frame, and hears SIGTERM within a second", async () => {
        const tables = TableFile.open(`${lab.dir}/run/test/a/scheduler.tables`);
        const total = () => Object.values(tables.verdicts.toObject()).reduce((sum, count) => sum + count, 0);
        const flood = (seconds: number) => {
          const script = new URL("flood.ts", import.meta.url).pathname;
          const args = [scheduler.mac, lab.host("client").mac, VIP, String(seconds)];
          return lab.host("client").must([Deno.execPath(), "run", "-A", "--no-check", script, ...args]);
        };
        const before = total();
        const sent = Number(await flood(1));
        await delay(300);
        // A few others come meanwhile: ARP, resets of connections that no node knows.
        const counted = total() - before;
        assert.ok(counted >= sent && counted < sent + 1000, `${sent} frames sent, ${counted} counted`);

        const flooding = flood(3);
        await delay(1500);
        const began = performance.now();
        engine.kill("SIGTERM");
        assert.equal((await engine.status).code, 0);
        assert.ok(performance.now() - began < 1000, `${performance.now() - began} ms`);
        await flooding;
        tables.close();
      });

      await t.step("setup-node --undo restores the machine", async () => {
        await lab.host("b").must(dlbaCommand(["setup-node", "--undo", ...flags("b")]), env("b"));
        const state = await lab.host("b").must([
          "sh",
          "-c",
          "ip -o addr show lo; sysctl net.ipv4.conf.all.arp_ignore; nft list ruleset",
        ]);
        assert.doesNotMatch(state, /10\.79\.0\.100|arp_ignore = 1|dlba/);
      });
    } finally {
      await lab.close();
    }
  },
});

function configText(lab: Lab): string {
  const nodes = NODES.map((name, id) => {
    const { address, mac } = lab.host(name);
    return `  - { id: ${id}, name: ${name}, address: ${address}/24, mac: "${mac}", interface: eth0 }`;
  });
  return `array: { name: test, vip: ${VIP} }
nodes:
${nodes.join("\n")}
pools:
  - { name: none, back_ends: [{ key: 1, address: "10.79.0.99:80" }] }
`;
}

/** Names of the nodes that answered, a connection each. */
async function ask(client: Host, count: number): Promise<string[]> {
  const urls = Array<string>(count).fill(`http://${VIP}/`);
  const { stdout } = await client.run(["curl", "-s", "-m", "5", "-H", "Connection: close", ...urls]);
  return stdout.trim().split("\n").map((line) => JSON.parse(line).web);
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `waited 10 s for ${what}`);
    await delay(50);
  }
}
