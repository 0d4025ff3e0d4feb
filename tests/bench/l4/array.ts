/** The bench's array: a client with the generator, a scheduler, two nodes that drop what they get. */
import { delay } from "../../../core/delay.ts";
import type { Host } from "../../../core/lab/host.ts";
import { Lab } from "../../../core/lab/lab.ts";
import { openTables } from "../../../core/scheduler/open_tables.ts";
import { dlbaCommand } from "../../../core/node/role.ts";
import { cpuNanoseconds, pidOf, stop } from "../process.ts";
import type { Programs } from "./build.ts";

export const VIP = "10.79.0.100";
export const RECEIVERS = ["b", "c"] as const;
const LOAD_CORE = 0;
export const ENGINE_CORE = 1;
/** Frames under way when the generator ends, ms. */
const SETTLE_MS = 200;
const WAIT_MS = 15_000;

export interface Load {
  /** Frames that the generator sent. */
  readonly sent: number;
  readonly seconds: number;
  /** Of the generator's core, without what others had of it: seconds for generator, switch and all that is in the kernel. */
  readonly busySeconds: number;
  /** Frames that arrived at the receivers and at the client. */
  readonly arrived: number;
}

export class BenchArray {
  readonly env: Record<string, string>;
  #scheduler: Deno.ChildProcess | undefined;
  #softirqs = [pidOf(`ksoftirqd/${LOAD_CORE}`)];

  private constructor(readonly lab: Lab, readonly programs: Programs) {
    this.env = { DLBA_RUN_DIR: `${lab.dir}/run`, DLBA_STATE_DIR: `${lab.dir}/state` };
  }

  static async create(programs: Programs): Promise<BenchArray> {
    const lab = await Lab.create([
      { name: "client", addresses: ["10.79.0.201/24"] },
      ...["a", ...RECEIVERS].map((name, index) => ({ name, addresses: [`10.79.0.${11 + index}/24`] })),
    ]);
    const array = new BenchArray(lab, programs);
    for (const name of ["a", "client", ...RECEIVERS]) await lab.acceptNativeXdp(name);
    // The switch learns where each is: what it does not know it sends everywhere.
    for (const name of RECEIVERS) await lab.host(name).run(["curl", "-s", "-m", "1", lab.host("a").address]);
    for (const name of ["client", ...RECEIVERS]) await array.attach(name, "drop");
    return array;
  }

  get scheduler(): Host {
    return this.lab.host("a");
  }

  /** A program of the reflector's object at the driver of a host. */
  async attach(name: string, program: string): Promise<void> {
    const { reflector } = this.programs;
    await this.lab.host(name).must([
      "ip",
      "link",
      "set",
      "dev",
      "eth0",
      "xdpdrv",
      "obj",
      reflector,
      "program",
      program,
    ]);
  }

  async detach(name: string): Promise<void> {
    await this.lab.host(name).must(["ip", "link", "set", "dev", "eth0", "xdp", "off"]);
  }

  /** Starts `dlba scheduler` on the second core, with these keys of its section; returns its process id. */
  async startScheduler(settings: string): Promise<number> {
    await Deno.writeTextFile(`${this.lab.dir}/dlba.yaml`, this.#configText(settings));
    await this.must("setup-node", "--apply");
    const begin = this.scheduler.log().length;
    const command = ["taskset", "-c", String(ENGINE_CORE), ...this.#command("scheduler")];
    this.#scheduler = this.scheduler.start(command, this.env);
    await this.untilSaid(begin, "answers ARP");
    return this.#scheduler.pid;
  }

  /** Waits for the words in what the scheduler's host logs from `begin` on. */
  async untilSaid(begin: number, words: string): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!this.scheduler.log().slice(begin).includes(words)) {
      if (performance.now() > deadline) throw new Error(`waited for "${words}": ${this.scheduler.log().slice(begin)}`);
      await delay(50);
    }
  }

  async stopScheduler(): Promise<void> {
    if (this.#scheduler) await stop(this.#scheduler);
    this.#scheduler = undefined;
    await this.must("scheduler", "--detach");
  }

  async must(subcommand: string, ...flags: string[]): Promise<string> {
    return await this.scheduler.must(this.#command(subcommand, ...flags), this.env);
  }

  #command(subcommand: string, ...flags: string[]): string[] {
    return dlbaCommand([subcommand, ...flags, "--config", `${this.lab.dir}/dlba.yaml`, "--node", "a"]);
  }

  /** The scheduler takes no bucket itself: every frame goes on. */
  #configText(settings: string): string {
    const nodes = ["a", ...RECEIVERS].map((name, id) => {
      const { address, mac } = this.lab.host(name);
      const weight = name === "a" ? 0 : 1;
      return `  - { id: ${id}, name: ${name}, address: ${address}/24, mac: "${mac}", interface: eth0, weight: ${weight} }`;
    });
    return `array: { name: bench, vip: ${VIP} }
scheduler: { ${settings} }
failover: { coordination: none }
nodes:
${nodes.join("\n")}
pools: [{ name: none, back_ends: [{ key: 1, address: "10.79.0.99:80" }] }]
`;
  }

  /** Sends to the scheduler for so long, as fast as it can or at a rate, and counts what arrives. */
  async load(seconds: number, rate = 0): Promise<Load> {
    const before = await this.#arrived(), softirqsBefore = cpuNanoseconds(this.#softirqs);
    const command = [this.programs.generator, "eth0", this.scheduler.mac, VIP, String(seconds), String(rate)];
    const said = await this.lab.host("client").must(["taskset", "-c", String(LOAD_CORE), ...command]);
    await delay(SETTLE_MS);
    const { sent, seconds: took, waited } = JSON.parse(said) as Record<"sent" | "seconds" | "waited", number>;
    // While the kernel's own thread works off frames the generator waits.
    const softirqs = (cpuNanoseconds(this.#softirqs) - softirqsBefore) / 1e9;
    return { sent, seconds: took, busySeconds: took - waited + softirqs, arrived: await this.#arrived() - before };
  }

  /** Frames that the scheduler sent on so far, by its own count. */
  forwarded(): number {
    const tables = openTables(`${this.lab.dir}/run/bench/a`)!;
    const { forwarded, send_failed } = tables.counts.toObject();
    tables.close();
    return forwarded! - send_failed!;
  }

  /** Frames that the switch sent to the receivers and the client. */
  async #arrived(): Promise<number> {
    const links = JSON.parse(await this.lab.inSwitch("ip -j -s link show type veth")) as {
      ifname: string;
      stats64: { tx: { packets: number } };
    }[];
    const ports: readonly string[] = ["client", ...RECEIVERS];
    return links.filter(({ ifname }) => ports.includes(ifname)).reduce((sum, link) => sum + link.stats64.tx.packets, 0);
  }

  async close(): Promise<void> {
    if (this.#scheduler) await stop(this.#scheduler);
    await this.lab.close();
  }
}
