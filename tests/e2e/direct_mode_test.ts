/** Direct mode: `dlba node` on the scheduler alone; the other nodes run nothing of dlba. */
import assert from "node:assert/strict";
import type { TablesReport } from "../../core/status/tables.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { DirectArray, ENGINES, NODES, until } from "./direct_array.ts";

const ignore = whyNoNamespaces() !== undefined;

for (const engine of ENGINES) {
  Deno.test({
    name: `direct mode (${engine.place}): a web server that takes no connection through the real path has failed`,
    ignore,
    async fn() {
      const array = await DirectArray.create(engine);
      try {
        await array.prepare();
        const host = array.lab.host("a");
        host.start(array.command("node", "a"), array.env("a")).unref();
        await until(() => /^ready$[^]*^ready$/m.test(host.log()), `the node, which said: ${host.log()}`);
        const states = async () => {
          const { server_status } = JSON.parse(await array.must("tables", "a", "--json")) as TablesReport;
          return server_status.map(({ state, ip_groups }) => ({ state, ip_groups }));
        };
        assert.deepEqual([...new Set(await array.ask(30))].sort(), NODES);
        assert.ok((await states()).every(({ state }) => state === "active"));

        await kill(array, "b");
        await until(() => host.log().includes("node b failed"), "the check of b");
        assert.deepEqual([...new Set(await array.ask(30))].sort(), ["a", "c"]);
        assert.deepEqual((await states())[1], { state: "failed", ip_groups: 0 });

        array.startWeb("b");
        await until(() => host.log().includes("node b answers again"), "b to come back");
        assert.equal((await states())[1]!.state, "filling");
        await array.ask(60);
        assert.ok((await states())[1]!.ip_groups > 0, "new buckets come to it");

        await kill(array, "a");
        await until(() => host.log().includes("node a failed"), "the check of the scheduler's own web server");
        assert.deepEqual([...new Set(await array.ask(30))].sort(), ["b", "c"]);
      } finally {
        await array.lab.close();
      }
    },
  });
}

/** Ends the web server of the node. */
async function kill(array: DirectArray, name: string): Promise<void> {
  for (const pid of await array.lab.host(name).pids("lab-web")) Deno.kill(pid, "SIGKILL");
}
