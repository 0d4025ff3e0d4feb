/** Pushes to three nodes with all their roles, in network namespaces, while a client asks. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { Lab } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import type { TablesReport } from "../../core/status/tables.ts";
import { eventually } from "../proxy/eventually.ts";

const ignore = whyNoNamespaces() !== undefined;
const VIP = "10.77.0.100";
const NAMES = ["a", "b", "c"];

interface Wish {
  readonly nodes: readonly string[];
  readonly weights?: Readonly<Record<string, number>>;
  readonly draining?: string;
}

for (const [engine, coordination] of [["pcap", "none"], ["auto", "none"], ["auto", "builtin"]] as const) {
  Deno.test({
    name:
      `engine ${engine}, coordination ${coordination}: pushes change weights, drain a node and bring one in and out, and no request is lost`,
    ignore,
    async fn() {
      const lab = await Lab.create([
        { name: "client", addresses: ["10.77.0.201/24"] },
        ...NAMES.map((name, i) => ({ name, addresses: [`10.77.0.${11 + i}/24`] })),
      ]);
      try {
        const text = ({ nodes, weights = {}, draining }: Wish) => {
          const lines = nodes.map((name) => {
            const { address, mac } = lab.host(name), id = NAMES.indexOf(name);
            return `  - { id: ${id}, name: ${name}, address: ${address}/24, mac: "${mac}", interface: eth0, ` +
              `weight: ${weights[name] ?? 1}, draining: ${name === draining} }`;
          });
          return `array: { name: test, vip: ${VIP}, mode: direct }
scheduler: { engine: ${engine}, table_size: 1024, bucket_timeout: 2s }
failover: { coordination: ${coordination}, sweep_delay: 200ms }
proxy: { tunnel_timeout: 2s }
nodes:
${lines.join("\n")}
`;
        };
        const fileOf = (name: string) => `${lab.dir}/${name}/dlba.yaml`;
        const env = (name: string) => ({ DLBA_RUN_DIR: `${lab.dir}/run`, DLBA_STATE_DIR: `${lab.dir}/${name}/state` });
        const dlba = (name: string, command: string, ...flags: string[]) =>
          dlbaCommand([command, ...flags, "--config", fileOf(name), ...(command === "init" ? [] : ["--node", name])]);
        const pushFile = `${lab.dir}/a/push.yaml`;
        const push = async (wish: Wish) => {
          await Deno.writeTextFile(pushFile, text(wish));
          await lab.host("a").must(dlbaCommand(["push-config", pushFile]), env("a"));
        };
        const tables = async (name: string): Promise<TablesReport> =>
          JSON.parse(await lab.host(name).must(dlba(name, "tables", "--json"), env(name)));
        const handOver = () => lab.host("a").must(dlba("a", "handover", "--to", "c"), env("a"));
        const groups = async (name: string) =>
          (await tables("a")).server_status.find((row) => row.name === name)?.ip_groups;

        for (const name of NAMES) {
          await Deno.mkdir(`${lab.dir}/${name}`, { recursive: true });
          await Deno.writeTextFile(fileOf(name), text({ nodes: NAMES }));
        }
        await lab.host("a").must(dlba("a", "init"), env("a"));
        for (const name of ["b", "c"]) {
          await lab.host("a").must(["cp", "-r", `${lab.dir}/a/secrets`, `${lab.dir}/${name}/`]);
        }
        for (const name of NAMES) {
          await lab.host(name).must(dlba(name, "setup-node", "--apply"), env(name));
          lab.host(name).start(dlbaCommand(["lab-web", name, `${VIP}:80`])).unref();
        }
        for (const name of NAMES) lab.host(name).start(dlba(name, "node"), env(name)).unref();
        for (const name of NAMES) {
          await eventually(() => assert.equal(lab.host(name).log().match(/^ready$/mg)?.length, 2), 40_000);
        }

        const stop = new AbortController();
        const answers: string[] = [];
        const asking = (async () => {
          while (!stop.signal.aborted) {
            const urls = Array<string>(20).fill(`http://${VIP}/`);
            const { stdout } = await lab.host("client").run(
              ["curl", "-s", "-m", "5", "-w", "\\n%{http_code}\\n", "-H", "Connection: close", ...urls],
            );
            answers.push(...stdout.split("\n").filter((line) => /^[0-9]{3}$/.test(line)));
            await delay(20);
          }
        })();
        await eventually(() => assert.ok(answers.length > 0), 20_000);
        await push({ nodes: NAMES, weights: { b: 3 } });
        const rows = (await tables("a")).server_status;
        assert.deepEqual(rows.map(({ name, weight }) => [name, weight]), [["a", 1], ["b", 3], ["c", 1]]);
        await push({ nodes: NAMES, weights: { b: 3 }, draining: "c" });
        assert.equal((await tables("a")).server_status[2]!.state, "draining");
        await push({ nodes: NAMES });
        assert.notEqual((await tables("a")).server_status[2]!.state, "draining");
        for (const what of ["drain", "enable"]) {
          await lab.host("a").must([...dlbaCommand([what, "--config", fileOf("a"), "b"])], env("a"));
          const { state } = (await tables("a")).server_status[1]!;
          assert.equal(state === "draining", what === "drain", state);
        }
        await push({ nodes: ["a", "b"] });
        assert.equal(await groups("c"), undefined);
        await push({ nodes: NAMES });
        assert.notEqual(await groups("c"), undefined);
        if (coordination === "builtin") {
          // The one that came back votes, hears and can take the VIP.
          await eventually(() => handOver().then(() => {}), 20_000);
          await eventually(async () => assert.equal((await tables("c")).scheduler, "c"), 20_000);
        }
        stop.abort();
        await asking;
        assert.equal(answers.length % 20, 0);
        assert.deepEqual(answers.filter((status) => status !== "200"), []);
        // No role was restarted.
        for (const name of NAMES) assert.doesNotMatch(lab.host(name).log(), /ended with|stays, version/);
      } catch (error) {
        for (const name of NAMES) console.error(name, lab.host(name).log().slice(-3000));
        throw error;
      } finally {
        await lab.close();
      }
    },
  });
}
