/** The xdp engine outlives its process: killed, upgraded, detached. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { openTables } from "../../core/scheduler/open_tables.ts";
import { DirectArray, ENGINES, NODES, VIP } from "./direct_array.ts";

const ignore = whyNoNamespaces() !== undefined;
const CONNECTIONS = 3000;
const RATE = 500;

for (const engine of ENGINES.filter(({ place }) => place.startsWith("xdp"))) {
  Deno.test({
    name: `a scheduler (${engine.place}) killed with -9 and started again under load loses no connection`,
    ignore,
    async fn(t) {
      const array = await DirectArray.create(engine);
      try {
        await array.prepare();
        const first = await array.startScheduler();
        assert.deepEqual([...new Set(await array.ask(30))].sort(), NODES);

        await t.step("no connection is lost", async () => {
          // Shorter than the second after which a lost SYN is sent again: a lost frame is a lost connection.
          const load = array.client.run([
            ...["curl", "--silent", "--fail", "--output", "/dev/null", "--connect-timeout", "0.9", "--max-time", "2"],
            ...["--rate", `${RATE}/s`, "--header", "Connection: close", "--write-out", "%{http_code}\\n"],
            `http://${VIP}/?[1-${CONNECTIONS}]`,
          ]);
          await delay(1000);
          first.kill("SIGKILL");
          await first.status;
          await delay(1500);
          const frames = frameCount(array);
          await delay(300);
          assert.ok(frameCount(array) > frames, "frames are scheduled while no process runs");
          const second = await array.startScheduler();
          await delay(500);
          second.kill("SIGTERM");
          assert.equal((await second.status).code, 0);
          await array.startScheduler();
          const answers = (await load).stdout.trim().split("\n");
          const lost = answers.filter((status) => status !== "200");
          assert.deepEqual([answers.length, lost], [CONNECTIONS, []]);
        });

        await t.step("a reader sees the same table throughout", () => {
          const tables = openTables(array.runDir)!;
          const { pairs } = tables.changesSince(undefined);
          const groups = [0, 0, 0];
          for (let i = 1; i < pairs.length; i += 2) groups[pairs[i]!]!++;
          assert.deepEqual(groups, [0, 1, 2].map((node) => tables.nodes.groups(node)));
          assert.ok(pairs.length / 2 > CONNECTIONS / 2);
          tables.close();
        });

        await t.step("neither a second process nor --detach gets at the tables of one that runs", async () => {
          const { lab } = array;
          for (const flags of [[], ["--detach"]]) {
            const { code, stderr } = await lab.host("a").run(array.command("scheduler", "a", ...flags), array.env("a"));
            assert.equal(code, 2);
            assert.match(stderr, /^A scheduler of node a runs on this machine already: end that one first$/m);
          }
          assert.equal((await array.ask(5)).length, 5);
        });

        await t.step("--detach ends it and leaves nothing", async () => {
          for (const pid of await array.lab.host("a").pids("scheduler")) Deno.kill(pid, "SIGTERM");
          await delay(500);
          assert.match(await array.must("scheduler", "a", "--detach"), /^Detached: a, eth0$/m);
          assert.doesNotMatch(await array.lab.host("a").must(["ip", "link", "show", "eth0"]), /xdp/);
          await assert.rejects(Deno.stat(`${array.runDir}/bpf`), Deno.errors.NotFound);
          assert.match(await array.must("scheduler", "a", "--detach"), /^Nothing is attached: a, eth0$/m);
        });
      } finally {
        await array.lab.close();
      }
    },
  });
}

function frameCount(array: DirectArray): number {
  const tables = openTables(array.runDir)!;
  const { forwarded } = tables.counts.toObject();
  tables.close();
  return forwarded!;
}
