/** A push while a node is cut off, in network namespaces. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { Lab } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import { eventually } from "../proxy/eventually.ts";

const ignore = whyNoNamespaces() !== undefined;
const WORKER = new URL("../push/node_worker.ts", import.meta.url).pathname;
const NAMES = ["a", "b", "c"] as const;

Deno.test({
  name: "a node that is cut off during a push runs the same version within 2 s of its return",
  ignore,
  async fn() {
    const lab = await Lab.create(NAMES.map((name, i) => ({ name, addresses: [`10.76.0.1${i}/24`] })));
    try {
      const file = `${lab.dir}/dlba.yaml`, hosts = NAMES.map((name) => lab.host(name));
      const text = `array: { name: test, vip: 10.76.0.100 }
nodes:
${
        hosts.map(({ address, mac }, i) =>
          `  - { id: ${i}, name: ${NAMES[i]}, address: ${address}/24, mac: "${mac}", interface: eth0 }\n`
        ).join("")
      }pools: [{ name: web, back_ends: [{ key: 1, address: "10.76.0.21:8080" }] }]
`;
      await Deno.writeTextFile(file, text);
      const [a, , c] = hosts;
      await a!.must(dlbaCommand(["init", "--config", file]));
      for (const [i, host] of hosts.entries()) {
        host.start([Deno.execPath(), "run", "-A", "--no-check", WORKER, file, NAMES[i]!]).unref();
      }
      for (const host of hosts) await eventually(() => assert.match(host.log(), /^ready$/m), 20_000);
      const number = () => {
        const { number } = JSON.parse(Deno.readTextFileSync(`${lab.dir}/c/current`)) as { number: number };
        return number;
      };
      await Deno.writeTextFile(file, `${text}proxy: { workers: 2 }\n`);
      await a!.must(dlbaCommand(["push-config", file]));
      assert.equal(number(), 1);
      await c!.must(["ip", "link", "set", "eth0", "down"]);
      await Deno.writeTextFile(file, `${text}proxy: { workers: 3 }\n`);
      await a!.must(dlbaCommand(["push-config", "--quorum", "2", file]));
      // Long enough for its connections to be given up.
      await delay(2_500);
      assert.equal(number(), 1);
      await c!.must(["ip", "link", "set", "eth0", "up"]);
      const begun = performance.now();
      await eventually(() => assert.equal(number(), 2), 10_000);
      const took = performance.now() - begun;
      assert.ok(took < 2_000, `${took} ms`);
    } finally {
      await lab.close();
    }
  },
});
