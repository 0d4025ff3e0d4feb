/** The array with a real etcd in place of the members' votes. */
import assert from "node:assert/strict";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { ElectedArray } from "./elected_array.ts";

const ignore = whyNoNamespaces() !== undefined;
const NODES = ["a", "b", "c"];
/** The client's machine has the etcd too. */
const URL_OF_ETCD = "http://10.72.0.201:2379";

function startEtcd(array: ElectedArray): Deno.ChildProcess {
  return array.client.start([
    "etcd",
    "--data-dir",
    `${array.lab.dir}/etcd`,
    "--listen-client-urls",
    URL_OF_ETCD,
    "--advertise-client-urls",
    URL_OF_ETCD,
    "--listen-peer-urls",
    "http://127.0.0.1:2380",
    "--initial-advertise-peer-urls",
    "http://127.0.0.1:2380",
    "--initial-cluster",
    "default=http://127.0.0.1:2380",
  ]);
}

async function untilEtcd(array: ElectedArray): Promise<void> {
  await array.until(
    "etcd",
    async () => (await array.client.run(["curl", "-s", "-m", "1", `${URL_OF_ETCD}/health`])).stdout.includes("true"),
  );
}

Deno.test({
  name: "coordination: etcd: one scheduler by lease and epoch; hand-over, a dead machine, an etcd that is away",
  ignore,
  async fn(t) {
    let etcd: Deno.ChildProcess;
    const array = await ElectedArray.start(NODES, "pcap", {
      failover: `, coordination: etcd, etcd: { endpoints: ["http://10.72.0.250:2379", "${URL_OF_ETCD}"], lease: 2s }`,
      prepare: async (array) => {
        etcd = startEtcd(array);
        await untilEtcd(array);
      },
    });
    const owner = () => array.owner()!;
    const taken = (from: string) => array.until(`another than ${from} to take the VIP`, () => owner() !== from);
    const isServed = () => array.until("answers", async () => (await array.ask(5)).length === 5);
    try {
      await isServed();

      await t.step("a hand-over passes the key on", async () => {
        const former = owner();
        await array.until("the others to be ready", async () => (await array.run("handover", former)).code === 0);
        await taken(former);
        assert.equal(await array.answering(), owner());
      });

      await t.step("the VIP of a dead machine is taken once its lease is over, by a higher epoch", async () => {
        const dead = owner(), { epoch } = await array.tables(dead);
        await array.lab.host(dead).die();
        await taken(dead);
        await isServed();
        assert.ok((await array.tables(owner())).epoch > epoch);
      });

      await t.step("without etcd nobody has the VIP when the lease is over; with it again one does", async () => {
        const former = owner(), before = array.lab.host(former).log().length;
        etcd!.kill("SIGKILL");
        await etcd!.status;
        await array.until(
          "the lease to end",
          () => array.lab.host(former).log().slice(before).includes("answers no longer"),
        );
        assert.equal(await array.answering(), undefined);
        etcd = startEtcd(array);
        await untilEtcd(array);
        await isServed();
        assert.equal(await array.answering(), owner());
      });
    } finally {
      await array.lab.close();
      await etcd!.status;
    }
  },
});
