/** Real traffic of every kind through each engine: many connections, much data, a narrower path, IPv6, UDP, tags, fragments. */
import assert from "node:assert/strict";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { delay } from "../../core/delay.ts";
import { openTables } from "../../core/scheduler/open_tables.ts";
import { BULK_BYTES } from "./bulk_server.ts";
import { BULK_PORT, DirectArray, ENGINES, NODES, VIP, VIP6 } from "./direct_array.ts";

const ignore = whyNoNamespaces() !== undefined;
const CONNECTIONS = 10_000;
const TAGGED = 50;
const ROUTER = "10.79.0.1", FAR = "10.80.0.2";

for (const engine of ENGINES) {
  Deno.test({
    name: `every kind of traffic passes the scheduler (${engine.place})`,
    ignore,
    async fn(t) {
      const array = await DirectArray.create(engine);
      try {
        await array.prepare();
        await array.startBulk();
        await array.startScheduler();
        const { client, lab } = array;
        const counts = () => {
          const tables = openTables(array.runDir)!;
          const found = tables.counts.toObject();
          tables.close();
          return found;
        };

        await t.step(`${CONNECTIONS} connections, each answered`, async () => {
          const { stdout } = await client.run([
            ...["curl", "--silent", "--output", "/dev/null", "--max-time", "10", "--parallel", "--parallel-max", "20"],
            ...["--header", "Connection: close", "--write-out", "%{http_code}\\n", `http://${VIP}/?[1-${CONNECTIONS}]`],
          ]);
          const answers = stdout.trim().split("\n");
          assert.deepEqual([answers.length, answers.filter((status) => status !== "200")], [CONNECTIONS, []]);
        });

        for (const [family, origin] of [["IPv4", VIP], ["IPv6", `[${VIP6}]`]]) {
          await t.step(`50 MB down and up by ${family}, from other nodes too`, async () => {
            const url = `http://${origin}:${BULK_PORT}`;
            const served = new Set<string>();
            for (let i = 0; i < 12; i++) {
              served.add(JSON.parse(await client.must(["curl", "-gsS", "-m", "5", url])).name);
            }
            assert.deepEqual([...served].sort(), NODES);
            const down = await client.must(["sh", "-c", `curl -gsS -m 60 ${url}/bulk | wc -c`]);
            assert.equal(Number(down), BULK_BYTES);
            const script = `head -c ${BULK_BYTES} /dev/zero | curl -gsS -m 60 -T - ${url}/up`;
            assert.equal(JSON.parse(await client.must(["sh", "-c", script])).bytes, BULK_BYTES);
          });
        }

        await t.step("a path that becomes narrower: the router's ICMP reaches the node that sends", async () => {
          await putFarClientBehindRouter(array);
          const url = `http://${VIP}:${BULK_PORT}/bulk`;
          const script = `curl -sS -m 30 --limit-rate 25M ${url} | wc -c`;
          const download = lab.host("far").must(["sh", "-c", script]);
          await delay(700);
          await lab.host("router").must(["ip", "link", "set", "eth1", "mtu", "1200"]);
          assert.equal(Number(await download), BULK_BYTES);
          const routes = await Promise.all(NODES.map((name) => lab.host(name).must(["ip", "route", "get", FAR])));
          assert.equal(routes.filter((route) => /mtu 1200/.test(route)).length, 1, routes.join("\n"));
        });

        await t.step("frames behind one tag and two are passed on", async () => {
          const before = counts();
          const script = new URL("tagged_frames.ts", import.meta.url).pathname;
          const args = [lab.host("a").mac, client.mac, VIP, String(TAGGED)];
          await client.must([Deno.execPath(), "run", "-A", "--no-check", script, ...args]);
          await delay(200);
          const after = counts();
          const scheduled = (verdict: string) => after[verdict]! - before[verdict]!;
          const all = scheduled("forwarded") + scheduled("self");
          assert.ok(all >= 2 * TAGGED && all < 2 * TAGGED + 20, `${all} of ${2 * TAGGED}`);
          assert.equal(scheduled("vlan"), 0);
        });

        await t.step("dlba trace says where a client goes, and writes frames with their verdicts", async () => {
          const from = (await client.must([
            ...["curl", "-s", "-o", "/dev/null", "-w", "%{local_ip} %{local_port}"],
            `http://${VIP}/`,
          ])).split(" ");
          const found = JSON.parse(await array.must("trace", "a", "--json", from[0]!, from[1]!));
          assert.equal(found.why, "the bucket is in use");
          // A stamp is renewed when it is a 64th of the timeout old, and an age may be 4 s too great.
          assert.ok(NODES.includes(found.node) && found.age_s <= 11, `node ${found.node}, ${found.age_s} s`);
          const file = `${lab.dir}/frames.pcapng`;
          const tracing = array.must("trace", "a", "--capture", file, "--seconds", "2");
          await delay(1200);
          await array.ask(3);
          assert.match(await tracing, /frames\.pcapng: \d+ frames, 0 missed/);
          const listing = await client.must(["sh", "-c", `tcpdump -nn -r ${file} tcp port 80 2>/dev/null`]);
          assert.ok(listing.split("\n").filter((line) => line.includes("Flags [S]")).length >= 3, listing);
          assert.match(new TextDecoder().decode(Deno.readFileSync(file)), /forwarded|self/);
          for (
            const [flags, says] of [[[lab.dir], /^Cannot write \S+: /], [
              [file, "--seconds", "no"],
              /above 0 and up to/,
            ]] as const
          ) {
            const refused = await lab.host("a").run(array.command("trace", "a", "--capture", ...flags), array.env("a"));
            assert.equal(refused.code, 2);
            assert.match(refused.stderr, says);
          }
        });

        await t.step("nothing was refused or read wrong on the way", () => {
          const { send_failed, buffer_full, no_node, not_active, bad_ip, truncated } = counts();
          assert.deepEqual({ send_failed, buffer_full, no_node, not_active, bad_ip, truncated }, {
            send_failed: 0,
            buffer_full: 0,
            no_node: 0,
            not_active: 0,
            bad_ip: 0,
            truncated: 0,
          });
        });
      } finally {
        await array.lab.close();
      }
    },
  });
}

/** far ── router ── switch: the array's nodes reach `far` by the router. */
async function putFarClientBehindRouter({ lab }: DirectArray): Promise<void> {
  const router = lab.host("router"), far = lab.host("far");
  const link = "ip link add eth1 type veth peer name eth1 netns " + far.namespace;
  const noOffloads = "ethtool -K eth1 tx off >/dev/null";
  await router.must([
    "sh",
    "-ec",
    `${link}; ${noOffloads}; ip addr add 10.80.0.1/24 dev eth1; ip link set eth1 up; sysctl -qw net.ipv4.ip_forward=1`,
  ]);
  await far.must([
    "sh",
    "-ec",
    `${noOffloads}; ip addr add ${FAR}/24 dev eth1; ip link set eth1 up; ip route add 10.79.0.0/24 via 10.80.0.1`,
  ]);
  for (const name of NODES) await lab.host(name).must(["ip", "route", "add", "10.80.0.0/24", "via", ROUTER]);
}
