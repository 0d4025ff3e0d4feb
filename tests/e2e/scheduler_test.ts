/** The scheduler alone, before nodes that run plain web servers on the VIP (the seed's "Prototype"), over each engine. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import type { Lab } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { openTables } from "../../core/scheduler/open_tables.ts";
import { DirectArray, ENGINES, NODES, VIP } from "./direct_array.ts";

const ignore = whyNoNamespaces() !== undefined;
const CONNECTIONS = 60;

for (const engine of ENGINES) {
  Deno.test({
    name:
      `dlba scheduler (${engine.place}) spreads connections over the nodes, itself included, and answers do not pass it`,
    ignore,
    async fn(t) {
      const array = await DirectArray.create(engine);
      const { lab, client } = array;
      const scheduler = lab.host("a");
      try {
        await t.step("it refuses a machine that was not prepared", async () => {
          const { code, stderr } = await scheduler.run(array.command("scheduler", "a"), array.env("a"));
          assert.equal(code, 2);
          assert.match(
            stderr,
            /: the kernel guard is missing, .*, the VIP 10\.79\.0\.100 is not on lo, the VIP 2001:db8:79::100 is not on lo, eth0 does not take/,
          );
        });

        await array.prepare();
        // A client of before knows the way: what it sends while the scheduler looks for a rival is counted too.
        await client.must(["ip", "neigh", "replace", VIP, "lladdr", scheduler.mac, "dev", "eth0"]);
        const calls = client.start(["sh", "-c", `while :; do curl -s -m 0.05 http://${VIP}/; done`]);
        const process = await array.startScheduler();
        calls.kill("SIGKILL");
        await calls.status;
        await client.must(["ip", "neigh", "del", VIP, "dev", "eth0"]);
        const begun = openTables(array.runDir)!;
        assert.ok(begun.counts.toObject().not_active! > 0, "frames while it looks for a rival");
        begun.close();

        await t.step("every connection is answered, by every node", async () => {
          const served = await array.ask(CONNECTIONS);
          assert.equal(served.length, CONNECTIONS);
          assert.deepEqual([...new Set(served)].sort(), NODES);
        });

        await t.step("tcpdump on the scheduler sees no answer that another node sent", async () => {
          const sniff = "timeout 3 tcpdump -nn -c 1 -i eth0 src host 10.79.0.100 and not ether src " + scheduler.mac;
          const [seen] = await Promise.all([scheduler.run(["sh", "-c", sniff]), array.ask(30)]);
          assert.match(seen.stderr, /\b0 packets captured/);
        });

        await t.step("buckets and IP groups agree with each other", () => {
          const tables = openTables(array.runDir)!;
          const { pairs } = tables.changesSince(undefined);
          const counts = [0, 0, 0];
          for (let i = 1; i < pairs.length; i += 2) counts[pairs[i]!]!++;
          assert.deepEqual([0, 1, 2].map((node) => tables.nodes.groups(node)), counts);
          assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `equal weights, yet ${counts}`);
          assert.equal(tables.counts.toObject().send_failed, 0);
          tables.close();
        });

        await t.step("a port that is not the array's is not answered, ICMP echo is", async () => {
          assert.equal((await client.run(["curl", "-s", "-m", "1", `http://${VIP}:22/`])).code, 28);
        });

        await t.step("frames too short for their headers and frames of other protocols are counted", async () => {
          // A filter that looked into a frame beyond its end let the kernel drop it, uncounted.
          const tables = openTables(array.runDir)!;
          const counts = () => tables.counts.toObject();
          const before = counts();
          const script = new URL("bent_frames.ts", import.meta.url).pathname;
          const args = [scheduler.mac, client.mac, VIP, "20"];
          assert.equal(Number(await client.must([Deno.execPath(), "run", "-A", "--no-check", script, ...args])), 140);
          await delay(300);
          const after = counts();
          const grown = (name: string) => after[name]! - before[name]!;
          // A frame that ends within its VLAN tag does not pass the switch.
          assert.equal(grown("truncated"), 60);
          assert.equal(grown("vlan"), 20);
          assert.equal(grown("not_ip"), 40);
          tables.close();
        });

        await t.step("a second scheduler is refused while the first answers", async () => {
          const { code, stderr } = await lab.host("b").run(array.command("scheduler", "b"), array.env("b"));
          assert.equal(code, 2);
          assert.match(
            stderr,
            /02:db:1a:00:00:02 on eth0 answers for the VIP 10\.79\.0\.100, 2001:db8:79::100 already/,
          );
        });

        await t.step("under a flood it counts every frame, and hears SIGTERM in the midst of it", async () => {
          const tables = openTables(array.runDir)!;
          const total = () => Object.values(tables.counts.toObject()).reduce((sum, count) => sum + count, 0);
          const flood = (seconds: number) => {
            const script = new URL("flood.ts", import.meta.url).pathname;
            const args = [scheduler.mac, client.mac, VIP, String(seconds)];
            return client.must([Deno.execPath(), "run", "-A", "--no-check", script, ...args]);
          };
          const before = total();
          const lostBefore = await lostByLink(lab, "a");
          const sent = Number(await flood(1));
          await delay(300);
          // A few others come meanwhile: ARP, resets of connections that no node knows.
          const counted = total() - before;
          // A busy machine lets a veth's ring overflow, before the scheduler's driver.
          const lost = await lostByLink(lab, "a") - lostBefore;
          assert.ok(
            counted + lost >= sent && counted < sent + 1000 && lost < sent / 2,
            `${sent} frames sent, ${lost} lost on the way, ${counted} counted`,
          );

          let isFlooded = true;
          const flooding = flood(5).finally(() => isFlooded = false);
          await delay(1500);
          process.kill("SIGTERM");
          // A moment, mostly; on a busy machine the threads that bring the signal wait too.
          assert.equal((await process.status).code, 0);
          assert.ok(isFlooded, "it was heard once the flood was over");
          await flooding;
          tables.close();
        });

        await t.step("setup-node --undo restores the machine", async () => {
          await array.must("setup-node", "b", "--undo");
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
}

/** Frames that the switch could not put on the link to a host. */
async function lostByLink(lab: Lab, host: string): Promise<number> {
  const [link] = JSON.parse(await lab.inSwitch(`ip -j -s link show dev ${host}`));
  return link.stats64.tx.dropped;
}
