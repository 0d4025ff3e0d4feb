/** The array under test: nodes that all run `dlba node`, two web servers, a client. Production defaults, but for one proxy process a node. */
import { delay } from "../../../core/delay.ts";
import type { Host } from "../../../core/lab/host.ts";
import { Lab } from "../../../core/lab/lab.ts";
import { dlbaCommand } from "../../../core/node/role.ts";
import { openTables } from "../../../core/scheduler/open_tables.ts";
import type { TablesReport } from "../../../core/status/tables.ts";

export const VIP = "10.71.0.100";
export const PORT = 80;
const STATUS_PORT = 7600;
const WEBS = ["10.71.0.201:8080", "10.71.0.201:8081"];
const WAIT_MS = 60_000;
const LOOK_MS = 50;

export class FailoverArray {
  private constructor(readonly lab: Lab, readonly nodes: readonly string[]) {}

  /** An array of so many nodes that is well. */
  static async create(count: number): Promise<FailoverArray> {
    const nodes = Array.from({ length: count }, (_, i) => `n${i}`);
    const lab = await Lab.create([
      { name: "client", addresses: ["10.71.0.210/24"] },
      { name: "web", addresses: ["10.71.0.201/24"] },
      ...nodes.map((name, i) => ({ name, addresses: [`10.71.0.${11 + i}/24`] })),
    ]);
    const array = new FailoverArray(lab, nodes);
    try {
      await Deno.writeTextFile(`${lab.dir}/dlba.yaml`, array.#config());
      await lab.host(nodes[0]!).must(array.command("init"), array.#env(nodes[0]!));
      for (const address of WEBS) lab.host("web").start(dlbaCommand(["lab-web", address, address])).unref();
      for (const name of nodes) {
        await lab.host(name).must(array.command("setup-node", name, "--apply"), array.#env(name));
      }
      for (const name of nodes) array.startNode(name);
      await array.untilWell();
    } catch (error) {
      await array.close();
      throw error;
    }
    return array;
  }

  #config(): string {
    const nodes = this.nodes.map((name, id) => {
      const { address, mac } = this.lab.host(name);
      return { id, name, address: `${address}/24`, mac, interface: "eth0" };
    });
    return JSON.stringify({
      array: { name: "bench", vip: VIP },
      proxy: { workers: 1 },
      nodes,
      pools: [{ name: "web", back_ends: WEBS.map((address, i) => ({ key: i + 1, address })) }],
    });
  }

  get client(): Host {
    return this.lab.host("client");
  }

  #env(name: string): Record<string, string> {
    return { DLBA_RUN_DIR: `${this.lab.dir}/run`, DLBA_STATE_DIR: `${this.lab.dir}/state/${name}` };
  }

  command(subcommand: string, name?: string, ...flags: string[]): string[] {
    const node = name === undefined ? [] : ["--node", name];
    return dlbaCommand([subcommand, ...flags, "--config", `${this.lab.dir}/dlba.yaml`, ...node]);
  }

  async must(subcommand: string, name: string, ...flags: string[]): Promise<string> {
    return await this.lab.host(name).must(this.command(subcommand, name, ...flags), this.#env(name));
  }

  startNode(name: string): void {
    this.lab.host(name).start(this.command("node", name), this.#env(name)).unref();
  }

  /** Undefined while it does not answer. */
  async tables(name: string): Promise<TablesReport | undefined> {
    const host = this.lab.host(name);
    const { stdout } = await host.run(["curl", "-s", "-m", "1", `http://${host.address}:${STATUS_PORT}/tables`]);
    return stdout ? JSON.parse(stdout) as TablesReport : undefined;
  }

  /** Resolves once all nodes agree on the scheduler, keep its table and have not failed; to the scheduler's name. */
  untilWell(): Promise<string> {
    return this.#until("the array to be well", () => this.#wellUnder());
  }

  /** Resolves once a scheduler counts the node as failed. */
  async untilFailed(name: string): Promise<void> {
    const others = this.nodes.filter((other) => other !== name);
    await this.#until(`${name} to be failed`, async () => {
      const reports = await Promise.all(others.map((other) => this.tables(other)));
      const own = reports.find((report) => report?.scheduler === report?.node);
      return own?.server_status.some((row) => row.name === name && row.failed);
    });
  }

  async #until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    const deadline = performance.now() + WAIT_MS;
    while (true) {
      const found = await look();
      if (found) return found;
      if (performance.now() > deadline) throw new Error(`waited ${WAIT_MS / 1000} s for ${what}${this.#logs()}`);
      await delay(LOOK_MS);
    }
  }

  async #wellUnder(): Promise<string | undefined> {
    const reports = await Promise.all(this.nodes.map((name) => this.tables(name)));
    const whole = reports.filter((report) => report !== undefined);
    const [first] = whole;
    if (!first?.scheduler || whole.length < this.nodes.length || first.epoch === 0) return undefined;
    const { scheduler, epoch } = first;
    const agree = whole.every((report) =>
      report.scheduler === scheduler && report.epoch === epoch && report.client_ip_hash_table
    );
    const own = whole.find((report) => report.node === scheduler);
    const isWell = own?.last_sweep && own.last_sweep.answered === this.nodes.length &&
      own.server_status.every(({ failed }) => !failed);
    return agree && isWell ? scheduler : undefined;
  }

  #logs(): string {
    return this.nodes.map((name) => `\n--- ${name}\n${this.lab.host(name).log().slice(-2000)}`).join("");
  }

  /** Buckets of these nodes in the table by which a scheduler works. */
  bucketsOf(scheduler: string, names: readonly string[]): () => number {
    const tables = openTables(`${this.lab.dir}/run/bench/${scheduler}`)!;
    const ids = names.map((name) => this.nodes.indexOf(name));
    return () => {
      let count = 0;
      for (let bucket = 0; bucket < tables.buckets.size; bucket++) {
        if (ids.includes(tables.buckets.node(bucket))) count++;
      }
      return count;
    };
  }

  /** Client ports of the VIP's connections that a node has. */
  async portsOf(name: string): Promise<Set<number>> {
    const { stdout } = await this.lab.host(name).run(["ss", "-Htn", "src", VIP]);
    return new Set([...stdout.matchAll(/:(\d+)\s*$/gm)].map((match) => Number(match[1])));
  }

  async close(): Promise<void> {
    await this.lab.close();
  }
}
