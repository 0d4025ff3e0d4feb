/**
 * The demo's array in the laboratory: a client, three nodes that all run `dlba node`, three web servers.
 * Everything is done as an operator would: a dlba.yaml, `dlba init`, `dlba setup-node`, `dlba node`.
 */
import { delay } from "../../delay.ts";
import type { Config } from "../../config/schema.ts";
import { dlbaCommand } from "../../node/role.ts";
import type { TablesReport } from "../../status/tables.ts";
import { Lab } from "../lab.ts";

export const VIP = "10.77.0.100";
export const SITE = "shop.test";
export const CLIENT_ADDRESSES = ["10.77.0.201", "10.77.0.202"] as const;
export const NODES = ["a", "b", "c"] as const;
/** The node that schedules first: the one of the lowest id. */
export const SCHEDULER = "a";
const WEBS = ["web1", "web2", "web3"] as const;
const WEB_PORT = 8080;

/** Longest wait for a state of the array, ms. */
const WAIT_MS = 15_000;
const WAIT_STEP_MS = 100;

export type SchedulerEngine = Config["scheduler"]["engine"];

export class DemoArray {
  readonly lab = new Lab([
    { name: "client", addresses: CLIENT_ADDRESSES.map((address) => `${address}/24`) },
    ...NODES.map((name, index) => ({ name, addresses: [`10.77.0.${11 + index}/24`] })),
    ...WEBS.map((name, index) => ({ name, addresses: [`10.77.0.${21 + index}/24`] })),
  ]);
  #webs = new Map<string, Deno.ChildProcess>();
  #processes: Deno.ChildProcess[] = [];
  #killed = new Set<string>();

  constructor(readonly engine: SchedulerEngine) {}

  get configFile(): string {
    return `${this.lab.dir}/dlba.yaml`;
  }

  get caFile(): string {
    return `${this.lab.dir}/tls/${SITE}.crt`;
  }

  /** Environment of a node's processes: its run and state folders are the lab's own. */
  env(name: string): Record<string, string> {
    return { DLBA_RUN_DIR: `${this.lab.dir}/run`, DLBA_STATE_DIR: `${this.lab.dir}/state/${name}` };
  }

  /** Writes the config and the secrets. */
  async configure(): Promise<void> {
    await Deno.writeTextFile(this.configFile, this.#config());
    await this.lab.host(SCHEDULER).must(dlbaCommand(["init", "--config", this.configFile, "--self-signed", SITE]));
  }

  #config(): string {
    const nodes = NODES.map((name, index) => {
      const { address, mac } = this.lab.host(name);
      return `  - { id: ${index}, name: ${name}, address: ${address}/24, mac: "${mac}", interface: eth0 }`;
    });
    const backEnds = WEBS.map((name, index) =>
      `      - { key: ${index + 1}, address: "${this.lab.host(name).address}:${WEB_PORT}" }`
    );
    return `array: { name: demo, vip: ${VIP} }
scheduler: { engine: ${this.engine} }
proxy: { workers: 1 }
nodes:
${nodes.join("\n")}
pools:
  - name: shop
    persistence: { session_cookies: [JSESSIONID] }
    back_ends:
${backEnds.join("\n")}
tls:
  certificates:
    - { cert: tls/${SITE}.crt, key: tls/${SITE}.key }
`;
  }

  /** Starts web servers and nodes, and resolves when each node answers on its status port. */
  async start(): Promise<void> {
    for (const name of WEBS) this.#startWeb(name);
    // The one that schedules first is ready first; it has the VIP once another votes for it.
    await this.#setUp(SCHEDULER);
    await Promise.all(NODES.filter((name) => name !== SCHEDULER).map((name) => this.#setUp(name)));
    await waitFor(`node ${SCHEDULER} to have the VIP`, async () => (await this.tables()).epoch > 0);
  }

  async #setUp(name: string): Promise<void> {
    await this.lab.host(name).must(dlbaCommand(["setup-node", "--apply", ...this.#nodeFlags(name)]), this.env(name));
    await this.#startNode(name);
  }

  #startWeb(name: string): void {
    const host = this.lab.host(name);
    const child = host.start(dlbaCommand(["lab-web", name, `${host.address}:${WEB_PORT}`]));
    this.#webs.set(name, child);
    this.#processes.push(child);
  }

  /** Resolves when the node is ready. */
  async #startNode(name: string): Promise<void> {
    const host = this.lab.host(name);
    const before = host.log().length;
    const child = host.start(dlbaCommand(["node", ...this.#nodeFlags(name)]), this.env(name));
    this.#processes.push(child);
    let ended: Deno.CommandStatus | undefined;
    child.status.then((status) => ended = status);
    await waitFor(`node ${name} to be ready`, () => {
      const log = host.log().slice(before);
      if (ended) throw new Error(`node ${name} ended with ${ended.code}: ${log.trim()}`);
      return Promise.resolve(/^ready$/m.test(log));
    });
  }

  #nodeFlags(name: string): string[] {
    return ["--config", this.configFile, "--node", name];
  }

  /** The tables of a node, by `dlba tables --json` run on it. */
  async tables(name: string = SCHEDULER): Promise<TablesReport> {
    const command = dlbaCommand(["tables", "--json", ...this.#nodeFlags(name)]);
    return JSON.parse(await this.lab.host(name).must(command, this.env(name)));
  }

  /** Which node the bucket of this client address and port belongs to now. */
  nodeOf(tables: TablesReport, address: string, port: number): string | undefined {
    const bucket = bucketOf(tables, address, port);
    const row = tables.client_ip_hash_table!.assigned.find((row) => row.bucket === bucket);
    return tables.server_status.find((server) => server.number === row?.node)?.name;
  }

  /** The node of that physical address. */
  nodeAt(address: string): string | undefined {
    return NODES.find((name) => this.lab.host(name).address === address);
  }

  killWeb(name: string): void {
    this.#killed.add(name);
    this.#webs.get(name)!.kill("SIGKILL");
  }

  /** As a machine dies: its link goes down and every process ends. */
  async killNode(name: string): Promise<void> {
    this.#killed.add(name);
    await this.lab.host(name).die();
  }

  /** Starts again what was killed, and resolves when the array counts on it; returns the names. */
  async bringBack(): Promise<string[]> {
    const names = [...this.#killed];
    this.#killed.clear();
    for (const name of names) {
      if (this.#webs.has(name)) this.#startWeb(name);
      else {
        await this.lab.host(name).must(["ip", "link", "set", "eth0", "up"]);
        await this.#startNode(name);
        await waitFor(`node ${name} to be back in the tables`, async () => {
          const { server_status } = await this.tables();
          return !server_status.find((row) => row.name === name)!.failed;
        });
      }
    }
    return names;
  }

  /** Lets go of the processes, so that they outlive this one. */
  release(): void {
    for (const child of this.#processes) child.unref();
  }
}

/** The seed's formula: (32 bit client IP address + 16 bit client port) % size. */
export function bucketOf(tables: TablesReport, address: string, port: number): number {
  const ip = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return (ip + port) % tables.client_ip_hash_table!.size;
}

/** Asks until the state holds. Throws, naming `what`, when it does not within {@linkcode WAIT_MS}. */
export async function waitFor(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`waited ${WAIT_MS / 1000} s for ${what}`);
    await delay(WAIT_STEP_MS);
  }
}
