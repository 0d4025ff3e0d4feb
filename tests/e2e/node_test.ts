/** One node in a namespace: what it needs, what it survives, what it costs. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import type { Host } from "../../core/lab/host.ts";
import { Lab } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { dlbaCommand } from "../../core/node/role.ts";

const ignore = whyNoNamespaces() !== undefined;
const VIP = "10.76.0.100";
const CLOCK_TICKS = 100;

interface TestNode {
  readonly lab: Lab;
  readonly host: Host;
  readonly env: Record<string, string>;
  readonly flags: readonly string[];
}

async function withNode(work: (node: TestNode) => Promise<void>, mac?: string): Promise<void> {
  const lab = await Lab.create([
    { name: "client", addresses: ["10.76.0.201/24"] },
    { name: "a", addresses: ["10.76.0.11/24"] },
    { name: "web", addresses: ["10.76.0.21/24"] },
  ]);
  try {
    const host = lab.host("a");
    const config = `${lab.dir}/dlba.yaml`;
    await Deno.writeTextFile(
      config,
      `array: { name: test, vip: ${VIP} }
proxy: { workers: 2 }
nodes: [{ id: 0, name: a, address: ${host.address}/24, mac: "${mac ?? host.mac}", interface: eth0 }]
pools: [{ name: web, back_ends: [{ key: 1, address: "10.76.0.21:8080" }] }]
`,
    );
    const env = { DLBA_RUN_DIR: `${lab.dir}/run`, DLBA_STATE_DIR: `${lab.dir}/state` };
    await work({ lab, host, env, flags: ["--config", config, "--node", "a"] });
  } finally {
    await lab.close();
  }
}

/** Starts web server and node; resolves once the node is ready. */
async function start({ lab, host, env, flags }: TestNode): Promise<Deno.ChildProcess> {
  lab.host("web").start(dlbaCommand(["lab-web", "web", "10.76.0.21:8080"])).unref();
  await host.must(dlbaCommand(["setup-node", "--apply", ...flags]), env);
  const child = host.start(dlbaCommand(["node", ...flags]), env);
  for (let i = 0; i < 200 && !/^ready$/m.test(host.log()); i++) await delay(50);
  assert.match(host.log(), /^ready$/m, host.log());
  return child;
}

/** CPU seconds of a process so far. */
function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

Deno.test({
  name: "dlba node: roles that are killed come back, and the node serves on",
  ignore,
  async fn() {
    await withNode(async (node) => {
      const child = await start(node);
      const { host, lab } = node;
      const ask = () => lab.host("client").run(["curl", "-s", "-m", "5", `http://${VIP}/`]);
      assert.match((await ask()).stdout, /"web":"web"/);
      for (const role of ["serve", "scheduler", "statusd"]) {
        const before = await host.pids(role);
        assert.equal(before.length, role === "serve" ? 2 : 1);
        Deno.kill(before[0]!, "SIGKILL");
        for (let i = 0; i < 100 && (await host.pids(role)).includes(before[0]!); i++) await delay(20);
        await delay(1200);
        const after = await host.pids(role);
        assert.equal(after.length, before.length, `${role} is back`);
        assert.match((await ask()).stdout, /"web":"web"/, `served after the death of ${role}`);
      }
      // A slip in the file while the node runs kept a role that had died from starting again.
      const config = node.flags[1]!;
      await Deno.writeTextFile(config, (await Deno.readTextFile(config)).replace("nodes:", "noodes:"));
      for (const pid of await host.pids("serve")) Deno.kill(pid, "SIGKILL");
      await delay(2000);
      assert.equal((await host.pids("serve")).length, 2);
      assert.match((await ask()).stdout, /"web":"web"/);
      child.kill("SIGTERM");
      assert.equal((await child.status).code, 0);
      assert.deepEqual(await host.pids(), [], "a process is left");
    });
  },
});

Deno.test({
  name: "dlba node: killed, it leaves no role behind",
  ignore,
  async fn() {
    await withNode(async (node) => {
      const child = await start(node);
      child.kill("SIGKILL");
      await child.status;
      for (let i = 0; i < 100 && (await node.host.pids()).length > 0; i++) await delay(50);
      assert.deepEqual(await node.host.pids(), []);
    });
  },
});

Deno.test({
  name: "dlba node: an idle scheduler uses under 1 % of a core",
  ignore,
  async fn() {
    await withNode(async (node) => {
      await start(node);
      const [pid] = await node.host.pids("scheduler");
      await delay(1500);
      const before = cpuSeconds(pid!);
      await delay(5000);
      const share = (cpuSeconds(pid!) - before) / 5;
      assert.ok(share < 0.01, `${(share * 100).toFixed(2)} % of a core`);
    });
  },
});

Deno.test({
  name: "dlba node: a second node on the same machine is refused whole",
  ignore,
  async fn() {
    await withNode(async (node) => {
      await start(node);
      const { code, stderr } = await node.host.run(dlbaCommand(["node", ...node.flags]), node.env);
      assert.equal(code, 2);
      assert.match(stderr, /Port 7600 of 10\.76\.0\.11 is in use by another program/);
      assert.equal((await node.host.pids("serve")).length, 2, "nothing half-started");
    });
  },
});

Deno.test({
  name: "dlba scheduler: each missing precondition is one line and exit code 2",
  ignore,
  async fn(t) {
    await withNode(async ({ host, env, flags }) => {
      const scheduler = (...wrapper: string[]) => host.run([...wrapper, ...dlbaCommand(["scheduler", ...flags])], env);
      const refused = async (says: RegExp, ...wrapper: string[]) => {
        const { code, stdout, stderr } = await scheduler(...wrapper);
        assert.equal(code, 2, stderr);
        assert.match(stderr.trim(), says);
        assert.equal(stderr.trim().split("\n").length, 1);
        assert.equal(stdout, "");
      };
      await t.step("not prepared", () => refused(/^This machine is not prepared: .*Run: dlba setup-node --apply$/));
      await host.must(dlbaCommand(["setup-node", "--apply", ...flags]), env);
      await t.step("GRO is on", async () => {
        await host.must(["ethtool", "-K", "eth0", "gro", "on"]);
        await refused(/^This machine is not prepared: gro is on for eth0/);
        await host.must(["ethtool", "-K", "eth0", "gro", "off"]);
      });
      await t.step("ARP settings are lost", async () => {
        await host.must(["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=0"]);
        await refused(
          /^This machine is not prepared: net\.ipv4\.conf\.all\.arp_ignore is 0\. Run: dlba setup-node --apply$/,
        );
        await host.must(["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"]);
      });
      await t.step("no right to look at the guard, whether or not it is there", async () => {
        for (const kept of ["-all", "-all,+net_raw"]) {
          await refused(
            /^No right to look at the kernel guard: run as root or with the capabilities CAP_NET_RAW and CAP_NET_ADMIN$/,
            "setpriv",
            `--bounding-set=${kept}`,
            `--inh-caps=${kept}`,
          );
        }
      });
      await t.step("CAP_NET_RAW and CAP_NET_ADMIN are enough, as --help says", async () => {
        const capabilities = "-all,+net_raw,+net_admin";
        const wrapper = ["setpriv", `--bounding-set=${capabilities}`, `--inh-caps=${capabilities}`];
        const child = host.start([...wrapper, ...dlbaCommand(["scheduler", ...flags])], env);
        for (let i = 0; i < 100 && !host.log().includes("answers ARP"); i++) await delay(50);
        child.kill("SIGTERM");
        assert.equal((await child.status).code, 0, host.log());
        assert.match(host.log(), /answers ARP/);
      });
      await t.step(
        "no right to capture",
        () =>
          refused(
            /^No right to capture on eth0: run as root or with the capability CAP_NET_RAW$/,
            "setpriv",
            "--bounding-set=-net_raw",
            "--inh-caps=-net_raw",
          ),
      );
      await t.step("no libpcap", async () => {
        const hide =
          'for f in /usr/lib/*/libpcap.so.0.8; do mount --bind /dev/null "$(readlink -f "$f")"; done; exec "$@"';
        await refused(
          /^Cannot load libpcap\.so\.0\.8\. As root run: apt-get install -y libpcap0\.8$/,
          "unshare",
          "-m",
          "sh",
          "-c",
          hide,
          "sh",
        );
      });
      await t.step("the interface is missing", async () => {
        await host.must(["ip", "addr", "del", `${host.address}/24`, "dev", "eth0"]);
        await refused(/^Node a: no interface here has its address 10\.76\.0\.11/);
      });
    });
    await withNode(async ({ host, env, flags }) => {
      const { code, stderr } = await host.run(dlbaCommand(["scheduler", ...flags]), env);
      assert.equal(code, 2);
      assert.match(stderr, /^Node a: eth0 has the MAC 02:db:1a:00:00:02, the config says 02:00:00:00:00:99$/m);
    }, "02:00:00:00:00:99");
  },
});
