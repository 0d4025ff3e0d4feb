import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { Lab, labsOnThisMachine } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { processesWith } from "./traces.ts";

const ignore = whyNoNamespaces() !== undefined;
const PLANS = [
  { name: "client", addresses: ["10.78.0.1/24", "10.78.0.2/24"] },
  { name: "a", addresses: ["10.78.0.11/24"] },
];

Deno.test({
  name: "Lab.create() joins hosts by a switch, and close() removes every trace",
  ignore,
  async fn() {
    const lab = await Lab.create(PLANS);
    try {
      lab.host("a").start(["sleep", "60"]).unref();
      const { address } = lab.host("a");
      const script = `curl -s -m 2 http://${address}:81/; ip neigh show ${address}`;
      const neighbours = await lab.host("client").must(["sh", "-c", script]);
      assert.match(neighbours, new RegExp(lab.host("a").mac), "the client resolved the node's MAC through the switch");
      assert.deepEqual(labsOnThisMachine().filter((prefix) => prefix === lab.prefix), [lab.prefix]);
    } finally {
      await lab.close();
    }
    await assertGone(lab.prefix, lab.dir);
  },
});

Deno.test({
  name: "Lab leaves nothing behind when its process is killed",
  ignore,
  async fn() {
    const script = `
      import { Lab } from ${JSON.stringify(import.meta.resolve("../../core/lab/lab.ts"))};
      const lab = await Lab.create(${JSON.stringify(PLANS)});
      lab.host("a").start(["sleep", "60"]);
      console.log(JSON.stringify([lab.prefix, lab.dir]));
      setInterval(() => {}, 1000);`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", script],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    const [prefix, dir] = JSON.parse(new TextDecoder().decode((await reader.read()).value)) as [string, string];
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    await assertGone(prefix, dir);
  },
});

Deno.test({
  name: "Lab.close() removes every trace even where its janitor was killed",
  ignore,
  async fn() {
    const lab = await Lab.create(PLANS);
    lab.host("a").start(["sleep", "60"]).unref();
    for (const pid of processesWith(`DLBA_JANITOR=${lab.prefix}`)) Deno.kill(pid, "SIGKILL");
    await lab.close();
    await assertGone(lab.prefix, lab.dir);
    await assert.rejects(lab.host("a").run(["true"]), /is closed$/, "nothing is started in a lab that is closed");
  },
});

/** Fails unless namespaces, processes and folder of the lab are gone within two seconds. */
async function assertGone(prefix: string, dir: string): Promise<void> {
  const deadline = performance.now() + 2000;
  while (labsOnThisMachine().includes(prefix) && performance.now() < deadline) await delay(50);
  assert.ok(!labsOnThisMachine().includes(prefix), "namespaces are left");
  await delay(50);
  await assert.rejects(Deno.stat(dir), Deno.errors.NotFound);
}
