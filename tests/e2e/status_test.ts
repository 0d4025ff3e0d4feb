/** The status daemon in an array of three nodes: its tables, and whom its sweep finds failed by what happens to the nodes and to the scheduler. */
import assert from "node:assert/strict";
import { loadConfig } from "../../core/config/load.ts";
import { delay } from "../../core/delay.ts";
import { Lab } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import { BackEndControl, backEndControlFile } from "../../core/proxy/back_end_control.ts";
import { openTables } from "../../core/scheduler/open_tables.ts";
import type { SchedulerTables } from "../../core/scheduler/tables.ts";
import type { TablesReport } from "../../core/status/tables.ts";
import { until } from "./direct_array.ts";

const ignore = whyNoNamespaces() !== undefined;
const VIP = "10.73.0.100";
const NODES = ["a", "b", "c"] as const;
type NodeName = typeof NODES[number];
const WEBS = ["10.73.0.21:8080", "10.73.0.21:8081"];
const ALONE_MS = 3000;

class StatusArray {
  #tables: SchedulerTables | undefined;

  private constructor(readonly lab: Lab) {}

  static async create(): Promise<StatusArray> {
    const lab = await Lab.create([
      { name: "client", addresses: ["10.73.0.201/24"] },
      ...NODES.map((name, i) => ({ name, addresses: [`10.73.0.${11 + i}/24`] })),
      { name: "web", addresses: ["10.73.0.21/24"] },
    ]);
    const array = new StatusArray(lab);
    await Deno.writeTextFile(`${lab.dir}/dlba.yaml`, array.#config());
    return array;
  }

  #config(): string {
    const nodes = NODES.map((name, id) => {
      const { address, mac } = this.lab.host(name);
      return { id, name, address: `${address}/24`, mac, interface: "eth0" };
    });
    return JSON.stringify({
      array: { name: "test", vip: VIP },
      scheduler: { table_size: 1024 },
      failover: { coordination: "none", sweep_delay: "200ms", status_timeout: "500ms" },
      proxy: { workers: 1 },
      nodes,
      pools: [{
        name: "shop",
        persistence: { session_cookies: ["JSESSIONID"] },
        // A limit that is never met: nodes share it all the same.
        back_ends: WEBS.map((address, i) => ({ key: i + 1, address, max_connections: 60_000 })),
      }],
    });
  }

  #env(name: NodeName): Record<string, string> {
    return { DLBA_RUN_DIR: `${this.lab.dir}/run`, DLBA_STATE_DIR: `${this.lab.dir}/state/${name}` };
  }

  #command(subcommand: string, name: NodeName, ...flags: string[]): string[] {
    return dlbaCommand([subcommand, ...flags, "--config", `${this.lab.dir}/dlba.yaml`, "--node", name]);
  }

  async start(): Promise<void> {
    for (const address of WEBS) this.lab.host("web").start(dlbaCommand(["lab-web", address, address])).unref();
    // The scheduler last, so that it finds the others.
    for (const name of [...NODES].reverse()) {
      const host = this.lab.host(name);
      await host.must(this.#command("setup-node", name, "--apply"), this.#env(name));
      host.start(this.#command("node", name), this.#env(name)).unref();
    }
    for (const name of NODES) {
      await until(() => /^ready$/m.test(this.log(name)), `node ${name}, which said: ${this.log(name)}`);
    }
  }

  log(name: NodeName): string {
    return this.lab.host(name).log();
  }

  async tables(name: NodeName): Promise<TablesReport> {
    return JSON.parse(await this.lab.host(name).must(this.#command("tables", name, "--json"), this.#env(name)));
  }

  /** One request a connection; every second begins a session. */
  async ask(count: number): Promise<void> {
    const urls = Array.from({ length: count }, (_, i) => `http://${VIP}/${i % 2 ? "login" : ""}`);
    const { stdout } = await this.lab.host("client").run(["curl", "-s", "-m", "5", "-H", "Connection: close", ...urls]);
    assert.equal(stdout.trim().split("\n").length, count);
  }

  /** Asks until each node has buckets: one that came back gets those that are new. */
  async fill(): Promise<void> {
    for (let i = 0; i < 50 && !NODES.every((name) => this.count(name) > 0); i++) await this.ask(20);
    assert.ok(NODES.every((name) => this.count(name) > 0));
  }

  /** Owner of each bucket, by the table that the engine uses. */
  owners(): number[] {
    this.#tables ??= openTables(`${this.lab.dir}/run/test/a`)!;
    return Array.from({ length: 1024 }, (_, bucket) => this.#tables!.buckets.node(bucket));
  }

  /** Who has failed, as the proxy processes of the node have it. */
  failedFor(name: NodeName): number[] {
    const config = loadConfig(`${this.lab.dir}/dlba.yaml`);
    const bytes = Deno.readFileSync(`${this.lab.dir}/run/test/${name}/${backEndControlFile(config)}`);
    const control = new BackEndControl(bytes.buffer, config);
    return config.nodes.map(({ id }) => id).filter((id) => control.hasFailed(id));
  }

  count(name: NodeName): number {
    const id = NODES.indexOf(name);
    return this.owners().filter((owner) => owner === id).length;
  }

  /** Resolves once the scheduler says so anew, to the ms that this took. */
  async says(text: RegExp, action: () => Promise<unknown>): Promise<number> {
    const before = this.log("a").length, began = performance.now();
    await action();
    await until(() => text.test(this.log("a").slice(before)), `${text}; a said: ${this.log("a").slice(before)}`);
    return performance.now() - began;
  }

  async link(name: NodeName, state: "up" | "down"): Promise<void> {
    await this.lab.host(name).must(["ip", "link", "set", "eth0", state]);
  }

  async close(): Promise<void> {
    this.#tables?.close();
    await this.lab.close();
  }
}

Deno.test({
  name: "dlba statusd: tables of one form, and a sweep that fails the nodes that failed and no others",
  ignore,
  async fn(t) {
    const array = await StatusArray.create();
    const { lab } = array;
    try {
      await array.start();

      await t.step("a scheduler and a server answer with the same tables; the scheduler adds up", async () => {
        await array.ask(60);
        await until(() => array.owners().filter((owner) => owner >= 0).length >= 60, "60 buckets");
        let scheduler = await array.tables("a");
        for (let i = 0; i < 20 && scheduler.web_server_summary!.reduce((sum, row) => sum + row.hits, 0) < 60; i++) {
          await delay(100);
          scheduler = await array.tables("a");
        }
        const server = await array.tables("b");
        assert.deepEqual(Object.keys(server), Object.keys(scheduler));
        assert.deepEqual([scheduler.scheduler, server.scheduler], ["a", "a"]);
        const summary = scheduler.web_server_summary!;
        assert.deepEqual(
          summary.map(({ key, address }) => ({ key, address })),
          WEBS.map((address, i) => ({ key: i + 1, address })),
        );
        assert.equal(summary.reduce((sum, row) => sum + row.hits, 0), 60);
        assert.equal(summary.reduce((sum, row) => sum + row.cookie_groups, 0), 30);
        // Fig. 7 of the nodes makes fig. 8.
        const all = [scheduler, server, await array.tables("c")];
        summary.forEach((row, i) => {
          assert.equal(row.hits, all.reduce((sum, report) => sum + report.back_ends[i]!.hits, 0));
          assert.equal(row.cookie_groups, all.reduce((sum, report) => sum + report.back_ends[i]!.cookie_groups, 0));
        });
        assert.equal(scheduler.server_status.reduce((sum, row) => sum + row.hits, 0), 60);
        assert.ok(scheduler.server_status.every(({ stale_s }) => stale_s !== null && stale_s < 10));
        const { last_sweep: sweep } = scheduler;
        assert.deepEqual([sweep!.asked, sweep!.answered, sweep!.held], [3, 3, []]);
        assert.ok(Math.abs(Date.now() - Date.parse(sweep!.ended)) < 10_000);
        assert.deepEqual([server.last_sweep, server.web_server_summary], [null, null]);
        assert.ok(scheduler.client_ip_hash_table!.version > 0);
      });

      await t.step("the status port answers what it must, and closes", async () => {
        const get = async (path: string, ...flags: string[]) =>
          (await lab.host("client").run([
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{size_download}",
            ...flags,
            `http://${lab.host("a").address}:7600${path}`,
          ])).stdout;
        assert.equal(await get("/live"), "200 128");
        assert.match(await get("/changes"), /^200 (?!0$)/);
        assert.match(await get("/nothing"), /^404 /);
        assert.match(await get("/tables", "-X", "POST"), /^405 /);
        const server = `http://${lab.host("b").address}:7600/changes`;
        assert.match((await lab.host("client").run(["curl", "-s", server])).stdout, /this node does not schedule/);
      });

      await t.step("a node whose stack does not take the VIP's frames has failed, although it answers", async () => {
        await array.fill();
        const host = lab.host("b");
        await array.says(
          /node b failed: frames for the VIP vanish there/,
          () => host.must(["ip", "addr", "del", `${VIP}/32`, "dev", "lo"]),
        );
        await until(() => array.count("b") === 0, "b's buckets to be unassigned");
        await array.says(/node b answers again/, () => host.must(["ip", "addr", "add", `${VIP}/32`, "dev", "lo"]));
      });

      await t.step("a dead machine has no bucket within a second", async () => {
        await array.fill();
        const ms = await array.says(/node b failed: it does not answer/, () => array.link("b", "down"));
        await until(() => array.count("b") === 0, "b's buckets to be unassigned");
        // Loaded machines are slow; what a quiet one does is measured by the bench.
        assert.ok(ms < 5000, `${ms} ms`);

        await array.says(/node b answers again/, () => array.link("b", "up"));
      });

      await t.step("a status daemon that stands still: after the retries", async () => {
        const [pid] = await array.lab.host("c").pids("statusd");
        const ms = await array.says(
          /node c failed: it does not answer/,
          () => Promise.resolve(Deno.kill(pid!, "SIGSTOP")),
        );
        assert.ok(ms > 1000, `asked three times, 500 ms each, yet failed after ${ms} ms`);
        // Every node divides the limits of back ends among those that serve.
        await until(() => array.failedFor("a").join() === "2", "the scheduler's proxies to know that c failed");
        await until(() => array.failedFor("b").join() === "2", "b's proxies to know that c failed");
        await array.says(/node c answers again/, () => Promise.resolve(Deno.kill(pid!, "SIGCONT")));
        await until(() => array.failedFor("b").length === 0, "b's proxies to know that c is back");
      });

      await t.step(
        "more than half silent: no bucket is changed, until the scheduler is alone for alone_timeout",
        async () => {
          await array.fill();
          const before = array.owners();
          const log = array.log("a").length;
          const began = performance.now();
          await lab.inSwitch("ip link set dev b down; ip link set dev c down");
          await until(() => {
            const owners = array.owners(), said = array.log("a").slice(log);
            if (/failed/.test(said)) return true;
            assert.deepEqual(owners, before);
            return false;
          }, "b and c to be failed");
          const ms = performance.now() - began;
          // They were heard last up to a ping interval before.
          assert.ok(ms > ALONE_MS - 500, `alone after ${ms} ms: ${array.log("a").slice(log)}`);
          assert.match(array.log("a").slice(log), /(b, c|b|c) do not answer; .*no bucket is changed[^]*failed/);
          await until(() => array.count("b") + array.count("c") === 0, "the buckets to be unassigned");
          await array.ask(20);
          await array.says(
            /node [bc] answers again[^]*node [bc] answers again/,
            () => lab.inSwitch("ip link set dev b up; ip link set dev c up"),
          );
        },
      );

      await t.step("the scheduler's own link down: no bucket is changed", async () => {
        await array.fill();
        const before = array.owners();
        const log = array.log("a").length;
        await lab.inSwitch("ip link set dev a down");
        await delay(ALONE_MS + 2000);
        assert.deepEqual(array.owners(), before);
        await lab.inSwitch("ip link set dev a up");
        // The next sweeps find all of them.
        let report = await array.tables("a");
        for (let i = 0; i < 50 && report.last_sweep!.held.length > 0; i++) {
          await delay(100);
          report = await array.tables("a");
        }
        assert.deepEqual(
          array.owners().filter((owner, bucket) => before[bucket]! >= 0 && owner !== before[bucket]),
          [],
        );
        assert.doesNotMatch(array.log("a").slice(log), /failed/);
        await array.ask(20);
      });
    } finally {
      await array.close();
    }
  },
});
