/** The election in a real array: what happens to the scheduler, and what clients see of it. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { ElectedArray, VIP } from "./elected_array.ts";
import type { HeldReport } from "./held_connections.ts";

const ignore = whyNoNamespaces() !== undefined;
const NODES = ["a", "b", "c", "d"];
const HELD = 40;
const GRACE_S = 6;

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

for (const engine of ["pcap", "xdp"]) {
  Deno.test({
    name: `failover (${engine}): hand-over, killed process, one-way loss, stopped machine, dead machine`,
    ignore,
    async fn(t) {
      const array = await ElectedArray.start(NODES, engine, { failover: `, grace_time: ${GRACE_S}s` });
      // On a busy machine another than the best may be first.
      const owner = () => array.owner()!;
      const others = () => NODES.filter((name) => name !== owner());
      const taken = (from: string) => array.until(`another than ${from} to take the VIP`, () => owner() !== from);
      const follows = (name: string) =>
        array.until(
          `${name} to follow`,
          async () => (await array.tables(name)).scheduler === owner() && owner() !== name,
        );
      try {
        await array.until("all to be ready", async () => (await array.ask(20)).length === 20);

        await t.step("a planned hand-over loses nothing and refuses nothing", async () => {
          const former = owner(), heir = others().at(-1)!;
          const report = await holding(array, async () => {
            await array.must("handover", former, "--to", heir);
            await array.until(`${heir} to take the VIP`, () => owner() === heir);
          });
          assertNothingLost(report);
          assert.equal(await array.answering(), heir);
          await follows(former);
          const refused = await array.run("handover", former);
          assert.equal(refused.code, 1);
          assert.match(refused.stderr, /^Not handed over: this node is not the scheduler: [abcd] is\n$/);
        });

        await t.step(
          "who has lost the VIP forwards for the grace time what still comes, then drops and counts it",
          async () => {
            const former = owner(), heir = others()[0]!, { mac } = array.lab.host(former);
            const dropped = async () => (await array.tables(former)).client_ip_hash_table!.frames.not_active!;
            const before = await dropped();
            // A client whose ARP entry is stale.
            await array.client.must(["ip", "neigh", "replace", VIP, "lladdr", mac, "dev", "eth0", "nud", "permanent"]);
            await array.must("handover", former, "--to", heir);
            const began = performance.now();
            assert.equal((await array.ask(5)).length, 5);
            await array.until("the grace time to end", async () => (await array.ask(1)).length === 0);
            // It is counted in whole seconds.
            assert.ok(performance.now() - began > (GRACE_S - 1) * 1000 - 500, `after ${performance.now() - began} ms`);
            assert.ok(await dropped() > before);
            assert.equal(owner(), heir);
            await array.client.must(["ip", "neigh", "del", VIP, "dev", "eth0"]);
            assert.equal((await array.ask(5)).length, 5);
          },
        );

        for (const role of ["scheduler", "failover"]) {
          await t.step(`a ${role} process that is killed comes back, and nothing is lost`, async () => {
            const name = owner(), [before] = await array.lab.host(name).pids(role);
            const report = await holding(array, async () => {
              Deno.kill(before!, "SIGKILL");
              await array.until(`a new ${role}`, async () => {
                const [after] = await array.lab.host(name).pids(role);
                return after !== undefined && after !== before;
              });
              await delay(1500);
            });
            assertNothingLost(report);
            assert.equal(await array.answering(), owner());
          });
        }

        await t.step("a scheduler that sends and does not hear is replaced, and yields once it hears", async () => {
          const deaf = owner();
          const report = await holding(array, async () => {
            await array.lab.inSwitch(dropTo(deaf));
            await taken(deaf);
            await array.lab.inSwitch("nft delete table bridge faults");
            await follows(deaf);
          });
          // What it held went to others: nothing could reach it.
          assertNothingLost(report, deaf);
          assert.equal(await array.answering(), owner());
        });

        await t.step("a split that heals: the loser's clients are told whose the VIP is, without asking", async () => {
          const loser = owner();
          assert.equal(await array.answering(), loser);
          await array.lab.inSwitch(splitOff([loser, "client"], others()));
          await taken(loser);
          await array.lab.inSwitch("nft delete table bridge faults");
          await array.until("the client's ARP entry to change", async () => {
            const { stdout } = await array.client.run(["ip", "neigh", "show", VIP]);
            return stdout.includes(array.lab.host(owner()).mac);
          });
          await follows(loser);
          assert.equal((await array.ask(5)).length, 5);
        });

        await t.step("a machine whose processes are stopped loses the VIP, and follows when they go on", async () => {
          const stopped = owner();
          const report = await holding(array, async () => {
            // Of its own connections the others know what their last fetch of the table brought: a stopped machine cannot be asked.
            await delay(1500);
            for (const pid of await array.lab.host(stopped).pids()) Deno.kill(pid, "SIGSTOP");
            await taken(stopped);
            for (const pid of await array.lab.host(stopped).pids()) Deno.kill(pid, "SIGCONT");
            await follows(stopped);
          });
          assertNothingLost(report);
          assert.equal(await array.answering(), owner());
        });

        await t.step("a dead machine's VIP is taken; its own connections alone are lost", async () => {
          const dead = owner();
          const report = await holding(array, async () => {
            await array.lab.host(dead).die();
            await taken(dead);
            await array.until("new connections", async () => (await array.ask(10)).length === 10);
          });
          assertNothingLost(report, dead);
          assert.equal(await array.answering(), owner());
        });
      } finally {
        await array.lab.close();
      }
    },
  });
}

/** An nftables table of the switch that lets nothing through between two groups of hosts. */
function splitOff(some: readonly string[], others: readonly string[]): string {
  const [these, those] = [some, others].map((hosts) => `{ ${hosts.map((host) => `"${host}"`).join(", ")} }`);
  return `nft 'add table bridge faults; add chain bridge faults forward { type filter hook forward priority 0; };
    add rule bridge faults forward iifname ${these} oifname ${those} drop;
    add rule bridge faults forward iifname ${those} oifname ${these} drop'`;
}

/** An nftables table of the switch that lets nothing through to a host. */
function dropTo(host: string): string {
  return `nft 'add table bridge faults; add chain bridge faults forward { type filter hook forward priority 0; };
    add rule bridge faults forward oifname "${host}" drop'`;
}
