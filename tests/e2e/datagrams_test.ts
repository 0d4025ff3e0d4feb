/** A UDP service on every node, `hash: keyed`, datagrams in fragments, through each engine. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { ipToBytes } from "../../core/scheduler/addresses.ts";
import { SipHash } from "../../core/scheduler/hash.ts";
import { openTables } from "../../core/scheduler/open_tables.ts";
import { ArraySecret } from "../../core/secrets/array_secret.ts";
import { DirectArray, ECHO_PORT, ENGINES, NODES, VIP, VIP6 } from "./direct_array.ts";
import { type EchoClient, payloadOf, sumOf } from "./echo_client.ts";

const ignore = whyNoNamespaces() !== undefined;
const SOCKETS = 30;
/** In one frame, in three fragments, in one frame again. */
const SIZES = [100, 4000, 1400];
const STRAYS = 25;

for (const engine of ENGINES) {
  Deno.test({
    name: `datagrams, whole and in fragments, reach one node a client (${engine.place}, hash: keyed)`,
    ignore,
    async fn(t) {
      const array = await DirectArray.create(engine, "keyed");
      const { client, lab } = array;
      const tablesDo = <T>(work: (tables: NonNullable<ReturnType<typeof openTables>>) => T): T => {
        const tables = openTables(array.runDir)!;
        try {
          return work(tables);
        } finally {
          tables.close();
        }
      };
      const fragmentsDropped = () => tablesDo(({ counts }) => counts.toObject().fragment!);
      try {
        await array.prepare();
        await array.startEcho();
        await array.startScheduler();

        for (const to of [VIP, VIP6]) {
          await t.step(`to ${to}`, async () => {
            const script = new URL("echo_client.ts", import.meta.url).pathname;
            const args = [to, String(ECHO_PORT), String(SOCKETS), ...SIZES.map(String)];
            const said = await client.must([Deno.execPath(), "run", "-A", "--no-check", script, ...args]);
            const clients = JSON.parse(said) as EchoClient[];
            for (const { port, answers } of clients) {
              const expected = SIZES.map((bytes) => ({ bytes, sum: sumOf(payloadOf(bytes)), name: answers[0]?.name }));
              assert.deepEqual(answers, expected, `the client of port ${port}`);
            }
            const served = clients.map(({ answers }) => answers[0]!.name);
            assert.deepEqual([...new Set(served)].sort(), NODES);
            assert.equal(fragmentsDropped(), 0);

            // The array's secret, and nothing that a client can know, says which bucket is his.
            const key = ArraySecret.load(`${lab.dir}/secrets/array.key`).derive("bucket hash", 16);
            const from = ipToBytes(to === VIP ? "10.79.0.201" : "2001:db8:79::c9").subarray(to === VIP ? 12 : 0);
            tablesDo(({ buckets }) => {
              const hash = new SipHash(key);
              clients.forEach(({ port }, i) => {
                const bucket = hash.client(from, 0, from.length, port, buckets.size);
                assert.equal(NODES[buckets.node(bucket)], served[i], `bucket ${bucket} of port ${port}`);
              });
            });
          });
        }

        await t.step("later fragments without their first are dropped and counted", async () => {
          const script = new URL("stray_fragments.ts", import.meta.url).pathname;
          const args = [lab.host("a").mac, client.mac, VIP, String(STRAYS)];
          await client.must([Deno.execPath(), "run", "-A", "--no-check", script, ...args]);
          for (let i = 0; i < 100 && fragmentsDropped() < STRAYS; i++) await delay(50);
          assert.equal(fragmentsDropped(), STRAYS);
        });

        await t.step("connections are spread by the keyed hash as well", async () => {
          const served = await array.ask(60);
          assert.equal(served.length, 60);
          assert.deepEqual([...new Set(served)].sort(), NODES);
        });
      } finally {
        await lab.close();
      }
    },
  });
}
