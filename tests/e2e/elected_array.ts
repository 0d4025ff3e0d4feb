/** An array in the laboratory whose nodes elect their scheduler; web servers stand on the VIP (direct mode). */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import type { Host, Output } from "../../core/lab/host.ts";
import { Lab } from "../../core/lab/lab.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import type { TablesReport } from "../../core/status/tables.ts";

export const VIP = "10.72.0.100";
const WAIT_MS = 30_000;

export interface Preparation {
  /** Further keys of the config's `failover`, each after a comma. */
  readonly failover?: string;
  /** Before the nodes start. */
  readonly prepare?: (array: ElectedArray) => Promise<void>;
}

export class ElectedArray {
  private constructor(
    readonly lab: Lab,
    readonly nodes: readonly string[],
    readonly engine: string,
    readonly failover: string,
  ) {}

  /** Makes the lab, prepares the nodes, and starts web servers and nodes; resolves once the first has the VIP. */
  static async start(
    nodes: readonly string[],
    engine: string,
    { failover = "", prepare = () => Promise.resolve() }: Preparation = {},
  ): Promise<ElectedArray> {
    const lab = await Lab.create([
      { name: "client", addresses: ["10.72.0.201/24"] },
      ...nodes.map((name, i) => ({ name, addresses: [`10.72.0.${11 + i}/24`] })),
    ]);
    const array = new ElectedArray(lab, nodes, engine, failover);
    try {
      await prepare(array);
      await Deno.writeTextFile(`${lab.dir}/dlba.yaml`, array.#config());
      await array.must("init", nodes[0]!);
      await Promise.all(nodes.map((name) => array.must("setup-node", name, "--apply")));
      for (const name of nodes) lab.host(name).start(dlbaCommand(["lab-web", name, `${VIP}:80`])).unref();
      for (const name of nodes) array.startNode(name);
      await array.until("a node to have the VIP", () => array.owner() !== undefined);
      return array;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  #config(): string {
    const nodes = this.nodes.map((name, id) => {
      const { address, mac } = this.lab.host(name);
      return `  - { id: ${id}, name: ${name}, address: ${address}/24, mac: "${mac}", interface: eth0 }`;
    });
    return `array: { name: test, vip: ${VIP}, mode: direct }
scheduler: { engine: ${this.engine} }
failover: { sweep_delay: 200ms${this.failover} }
nodes:
${nodes.join("\n")}
`;
  }

  get client(): Host {
    return this.lab.host("client");
  }

  startNode(name: string): Deno.ChildProcess {
    const child = this.lab.host(name).start(this.#command("node", name), this.#env(name));
    child.unref();
    return child;
  }

  #env(name: string): Record<string, string> {
    return { DLBA_RUN_DIR: `${this.lab.dir}/run`, DLBA_STATE_DIR: `${this.lab.dir}/state/${name}` };
  }

  #command(subcommand: string, name: string, ...flags: string[]): string[] {
    const node = subcommand === "init" ? [] : ["--node", name];
    return dlbaCommand([subcommand, ...flags, "--config", `${this.lab.dir}/dlba.yaml`, ...node]);
  }

  run(subcommand: string, name: string, ...flags: string[]): Promise<Output> {
    return this.lab.host(name).run(this.#command(subcommand, name, ...flags), this.#env(name));
  }

  async must(subcommand: string, name: string, ...flags: string[]): Promise<string> {
    return await this.lab.host(name).must(this.#command(subcommand, name, ...flags), this.#env(name));
  }

  async tables(name: string): Promise<TablesReport> {
    return JSON.parse(await this.must("tables", name, "--json"));
  }

  /** Node that took the VIP last, by the highest epoch of the engines' logs; undefined before the first. */
  owner(): string | undefined {
    const epochs = this.nodes.map((name) => {
      const said = [...this.lab.host(name).log().matchAll(/answers ARP for the VIP: epoch (\d+)/g)];
      return Math.max(0, ...said.map((match) => Number(match[1])));
    });
    const highest = Math.max(...epochs);
    return highest > 0 ? this.nodes[epochs.indexOf(highest)] : undefined;
  }

  /** Node that answers for the VIP now, by the client's own ARP; undefined when none does. */
  async answering(): Promise<string | undefined> {
    const { stdout } = await this.client.run([
      "sh",
      "-c",
      `ip neigh flush dev eth0; curl -s -m 2 http://${VIP}/ >/dev/null; ip neigh show ${VIP}`,
    ]);
    return this.nodes.find((name) => stdout.includes(this.lab.host(name).mac));
  }

  /** Names of the nodes that answered, a connection each. */
  async ask(count: number): Promise<string[]> {
    const urls = Array<string>(count).fill(`http://${VIP}/`);
    const { stdout } = await this.client.run(["curl", "-s", "-m", "5", "-H", "Connection: close", ...urls]);
    return stdout.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line).web);
  }

  /** Throws, with what the nodes said, when it does not hold in time. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!await holds()) {
      const logs = () => this.nodes.map((name) => `${name}:\n${this.lab.host(name).log()}`).join("\n");
      assert.ok(
        performance.now() < deadline,
        `waited ${WAIT_MS / 1000} s for ${what}\n${performance.now() < deadline ? "" : logs()}`,
      );
      await delay(50);
    }
  }
}
