/** An array in the laboratory whose nodes run plain web servers on the VIP (the seed's "Prototype"); a schedules. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import type { Host } from "../../core/lab/host.ts";
import { Lab } from "../../core/lab/lab.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import { ArraySecret } from "../../core/secrets/array_secret.ts";

export const VIP = "10.79.0.100";
export const VIP6 = "2001:db8:79::100";
/** Of the server that {@linkcode DirectArray.startBulk} starts. */
export const BULK_PORT = 81;
/** Of the UDP server that {@linkcode DirectArray.startEcho} starts. */
export const ECHO_PORT = 5300;
export const NODES = ["a", "b", "c"];

/** The engines of the config, and where each says it runs. */
export const ENGINES = [
  { config: "engine: pcap", place: "pcap" },
  { config: "engine: auto", place: "xdp, generic" },
  { config: "engine: xdp, xdp_mode: native", place: "xdp, native" },
] as const;

export type EngineConfig = typeof ENGINES[number];

export class DirectArray {
  private constructor(readonly lab: Lab, readonly engine: EngineConfig, readonly hash: "modulo" | "keyed") {}

  /** Of a node's processes. */
  env(name: string): Record<string, string> {
    return { DLBA_RUN_DIR: `${this.lab.dir}/run`, DLBA_STATE_DIR: `${this.lab.dir}/state/${name}` };
  }

  /** Makes the hosts and the config; nothing is prepared and nothing runs. */
  static async create(engine: EngineConfig, hash: "modulo" | "keyed" = "modulo"): Promise<DirectArray> {
    const lab = await Lab.create([
      { name: "client", addresses: ["10.79.0.201/24", "2001:db8:79::c9/64"] },
      ...NODES.map((name, i) => ({ name, addresses: [`10.79.0.${11 + i}/24`, `2001:db8:79::${11 + i}/64`] })),
      { name: "router", addresses: ["10.79.0.1/24"] },
      { name: "far", addresses: ["10.81.0.1/24"] },
    ]);
    const array = new DirectArray(lab, engine, hash);
    await Deno.mkdir(`${lab.dir}/secrets`);
    await Deno.writeTextFile(`${lab.dir}/secrets/array.key`, ArraySecret.newFile(), { mode: 0o600 });
    await Deno.writeTextFile(`${lab.dir}/dlba.yaml`, array.#configText());
    if (engine.place === "xdp, native") await lab.acceptNativeXdp("a");
    return array;
  }

  #configText(): string {
    const nodes = NODES.map((name, id) => {
      const { address, mac } = this.lab.host(name);
      return `  - { id: ${id}, name: ${name}, address: ${address}/24, mac: "${mac}", interface: eth0 }`;
    });
    return `array: { name: test, vip: ${VIP}, mode: direct }
scheduler: { ${this.engine.config}, hash: ${this.hash} }
failover: { coordination: none, sweep_delay: 200ms, status_timeout: 500ms }
services:
  - { vip: ${VIP}, ports: [${BULK_PORT}] }
  - { vip: "${VIP6}", ports: [${BULK_PORT}] }
  - { vip: ${VIP}, protocol: udp, ports: [${ECHO_PORT}] }
  - { vip: "${VIP6}", protocol: udp, ports: [${ECHO_PORT}] }
nodes:
${nodes.join("\n")}
`;
  }

  get client(): Host {
    return this.lab.host("client");
  }

  /** The command line of a subcommand on a node. */
  command(subcommand: string, name: string, ...flags: string[]): string[] {
    return dlbaCommand([subcommand, ...flags, "--config", `${this.lab.dir}/dlba.yaml`, "--node", name]);
  }

  /** Runs a subcommand on a node to its end; an exit code other than 0 throws. */
  async must(subcommand: string, name: string, ...flags: string[]): Promise<string> {
    return await this.lab.host(name).must(this.command(subcommand, name, ...flags), this.env(name));
  }

  /** Prepares the nodes and starts a web server on the VIP of each. */
  async prepare(): Promise<void> {
    for (const name of NODES) {
      await this.must("setup-node", name, "--apply");
      this.startWeb(name);
    }
    await until(() => NODES.every((name) => /^ready$/m.test(this.lab.host(name).log())), "the web servers");
  }

  /** Starts a server for much data on every node. */
  async startBulk(): Promise<void> {
    const script = new URL("bulk_server.ts", import.meta.url).pathname;
    for (const name of NODES) {
      const command = [Deno.execPath(), "run", "-A", "--no-check", script, name, String(BULK_PORT)];
      this.lab.host(name).start(command).unref();
    }
    await until(() => NODES.every((name) => /^bulk ready$/m.test(this.lab.host(name).log())), "the bulk servers");
  }

  /** Starts a UDP server on the VIPs of every node. */
  async startEcho(): Promise<void> {
    const script = new URL("echo_server.ts", import.meta.url).pathname;
    for (const name of NODES) {
      const command = [Deno.execPath(), "run", "-A", "--no-check", script, name, String(ECHO_PORT), VIP, VIP6];
      this.lab.host(name).start(command).unref();
    }
    await until(() => NODES.every((name) => /^echo ready$/m.test(this.lab.host(name).log())), "the echo servers");
  }

  startWeb(name: string): Deno.ChildProcess {
    const child = this.lab.host(name).start(dlbaCommand(["lab-web", name, `${VIP}:80`]));
    child.unref();
    return child;
  }

  /** Starts the scheduler; resolves once it answers for the VIP. */
  async startScheduler(): Promise<Deno.ChildProcess> {
    const host = this.lab.host("a"), begin = host.log().length;
    const child = host.start(this.command("scheduler", "a"), this.env("a"));
    const says = `answers ARP for ${VIP}, ${VIP6} on eth0, engine ${this.engine.place}\n`;
    await until(() => host.log().slice(begin).includes(says), `the scheduler, which said: ${host.log()}`);
    return child;
  }

  /** The scheduler's run folder. */
  get runDir(): string {
    return `${this.lab.dir}/run/test/a`;
  }

  /** Names of the nodes that answered, a connection each. */
  async ask(count: number): Promise<string[]> {
    const urls = Array<string>(count).fill(`http://${VIP}/`);
    const { stdout } = await this.client.run(["curl", "-s", "-m", "5", "-H", "Connection: close", ...urls]);
    return stdout.trim().split("\n").map((line) => JSON.parse(line).web);
  }
}

export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `waited 10 s for ${what}`);
    await delay(50);
  }
}
