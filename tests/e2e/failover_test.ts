/** The election in a real array: what happens to the scheduler, and what clients see of it. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { ElectedArray, VIP } from "./elected_array.ts";
import type { HeldReport } from "./held_connections.ts";

const ignore = whyNoNamespaces() !== undefined;
const NODES = ["a", "b", "c", "d"];
const HELD = 40;

/** Holds connections while something happens. */
async function holding(array: ElectedArray, happen: () => Promise<void>): Promise<HeldReport> {
  const { client } = array, before = client.log().length;
  const said = () => client.log().slice(before);
  const script = new URL("held_connections.ts", import.meta.url).pathname;
  const child = client.start([Deno.execPath(), "run", "-A", "--no-check", script, VIP, String(HELD)]);
  await array.until("the connections", () => said().includes("holding"));
  await happen();
  child.kill("SIGTERM");
  await child.status;
  const line = /report (.*)/.exec(said())?.[1];
  assert.ok(line, said());
  return JSON.parse(line);
}

function assertNothingLost({ held, lost, made, refused }: HeldReport, dead?: string): void {
  for (const [node, count] of Object.entries(lost)) {
    assert.equal(node, dead, `${count} of ${held[node]} connections of ${node}, which lives, are lost`);
  }
  assert.ok(made > 0 && Object.keys(held).length > 1, JSON.stringify({ held, made }));
  if (dead === undefined) assert.equal(refused, 0, "new connections were refused");
}

/** Ends or stops processes of a node. */
async function signal(array: ElectedArray, name: string, which: Deno.Signal, role?: string): Promise<void> {
  for (const pid of role ? await array.pids(name, role) : await array.lab.host(name).pids()) Deno.kill(pid, which);
}

for (const engine of ["pcap", "xdp"]) {
  Deno.test({
    name: `failover (${engine}): hand-over, killed process, one-way loss, stopped machine, dead machine`,
    ignore,
    async fn(t) {
      const array = await ElectedArray.start(NODES, engine);
      const claimed = async (name: string, happen: () => Promise<unknown>) => {
        const before = array.claims(name);
        await happen();
        await array.until(`${name} to take the VIP`, () => array.claims(name) > before);
      };
      try {
        await array.until("all to be ready", async () => (await array.ask(20)).length === 20);

        await t.step("a planned hand-over loses nothing and refuses nothing", async () => {
          const report = await holding(array, () => claimed("c", () => array.must("handover", "a", "--to", "c")));
          assertNothingLost(report);
          assert.equal(await array.answering(), "c");
          assert.equal((await array.tables("b")).scheduler, "c");
          const refused = await array.run("handover", "a");
          assert.deepEqual([refused.code, refused.stderr], [
            1,
            "Not handed over: this node is not the scheduler: c is\n",
          ]);
        });

        await t.step("a scheduler's process that is killed comes back, and the VIP stays", async () => {
          const epoch = (await array.tables("c")).epoch;
          const report = await holding(array, async () => {
            await claimed("c", () => signal(array, "c", "SIGKILL", "scheduler"));
          });
          assertNothingLost(report);
          assert.equal((await array.tables("c")).epoch, epoch);
        });

        await t.step("a failover process that is killed comes back, and the VIP stays", async () => {
          const report = await holding(array, () => claimed("c", () => signal(array, "c", "SIGKILL", "failover")));
          assertNothingLost(report);
          assert.equal(await array.answering(), "c");
        });

        await t.step("a scheduler that sends and does not hear is replaced, and yields once it hears", async () => {
          const report = await holding(array, async () => {
            await claimed("a", () => array.lab.inSwitch(dropTo("c")));
            await array.lab.inSwitch("nft delete table bridge faults");
            await delay(1000);
          });
          // Its own were cut off meanwhile, and go on.
          assertNothingLost(report);
          assert.equal(await array.answering(), "a");
          await array.until("c to follow", async () => (await array.tables("c")).scheduler === "a");
        });

        await t.step("a machine whose processes are stopped loses the VIP, and follows when they go on", async () => {
          const report = await holding(array, async () => {
            await claimed("b", () => signal(array, "a", "SIGSTOP"));
            await signal(array, "a", "SIGCONT");
            await array.until("a to follow", async () => (await array.tables("a")).scheduler === "b");
          });
          assertNothingLost(report);
          assert.equal(await array.answering(), "b");
        });

        await t.step("a dead machine's VIP is taken; its own connections alone are lost", async () => {
          const begun = performance.now();
          const report = await holding(array, async () => {
            await claimed("a", () => array.lab.host("b").die());
            await array.until("new connections", async () => (await array.ask(10)).length === 10);
          });
          assertNothingLost(report, "b");
          assert.ok(performance.now() - begun < 30_000);
          assert.equal(await array.answering(), "a");
          assert.ok((await array.tables("a")).epoch % 256 === 0, "the epoch is a's");
        });
      } finally {
        await array.lab.close();
      }
    },
  });
}

/** An nftables table of the switch that lets nothing through to a host. */
function dropTo(host: string): string {
  return `nft 'add table bridge faults; add chain bridge faults forward { type filter hook forward priority 0; };
    add rule bridge faults forward oifname "${host}" drop'`;
}
