/**
 * The laboratory: hosts in network namespaces behind one learning switch (a Linux bridge in a namespace of its own).
 *
 *     client ─┐            ┌─ node a
 *             ├── switch ──┼─ node b ...
 *     web 1 ──┘            └─ ...
 *
 * Every namespace is named `dlba-<id>-<host>`. All of it goes when this process ends, however it ends: see {@linkcode Janitor}.
 */
import { existsSync } from "node:fs";
import { Host } from "./host.ts";
import { hasJanitor, Janitor, removeLab } from "./janitor.ts";

/** Holds each lab's folder; only root can write there, and only root can make a lab. */
const LABS = "/run/dlba-lab";
/** As `ip netns` keeps them. */
const NAMESPACES = "/run/netns";

/** A host to be made. */
export interface HostPlan {
  readonly name: string;
  /** Addresses with prefix length; the first is the host's own. */
  readonly addresses: readonly string[];
}

export class Lab {
  /** Prefix of the namespaces: `dlba-<id>-`. */
  readonly prefix = freePrefix();
  /** The lab's own folder: configs, logs, run and state folders of the nodes. */
  readonly dir = `${LABS}/${this.prefix}`;
  readonly hosts: ReadonlyMap<string, Host>;
  #janitor: Janitor;
  #plans: readonly HostPlan[];

  /** Nothing is made yet, apart from the janitor. */
  constructor(plans: readonly HostPlan[]) {
    Deno.mkdirSync(LABS, { recursive: true, mode: 0o700 });
    this.#plans = plans;
    this.#janitor = new Janitor(this.prefix, this.dir);
    this.hosts = new Map(plans.map(({ name, addresses }, index) => {
      const mac = `02:db:1a:00:00:${(index + 1).toString(16).padStart(2, "0")}`;
      return [name, this.#host(name, addresses[0]!.split("/")[0]!, mac)];
    }));
  }

  /** A lab that is built. Needs root. */
  static async create(plans: readonly HostPlan[]): Promise<Lab> {
    const lab = new Lab(plans);
    try {
      await lab.build();
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  #host(name: string, address: string, mac: string): Host {
    return new Host(name, this.prefix + name, address, mac, `${this.dir}/${name}.log`, this.#janitor);
  }

  /** Makes the namespaces, the switch and the links. */
  async build(): Promise<void> {
    await this.#janitor.open();
    const hosts = [...this.hosts.values()];
    const sw = this.switchNamespace;
    await this.#ipBatch([
      `netns add ${sw}`,
      `link add br0 netns ${sw} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      ...hosts.flatMap((host) => [
        `netns add ${host.namespace}`,
        `link add eth0 netns ${host.namespace} address ${host.mac} type veth peer name ${host.name} netns ${sw}`,
      ]),
    ]);
    await this.inSwitch(
      "sysctl -qw net.ipv6.conf.all.disable_ipv6=1; " +
        // A switch does not look into packets: where br_netfilter is loaded it would drop malformed ones.
        "sysctl -qwe net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0; ip link set br0 up; " +
        hosts.map((host) =>
          // A tag stays in the frame, as on a wire: beside it an XDP program would not see it.
          `ethtool -K ${host.name} txvlan off tx-vlan-stag-hw-insert off >/dev/null; ip link set dev ${host.name} master br0 up`
        ).join("; "),
    );
    await Promise.all(this.#plans.map((plan, index) =>
      hosts[index]!.must([
        "sh",
        "-ec",
        // veth leaves checksums to the receiver, which a forwarding scheduler is not: senders compute them.
        `sysctl -qw net.ipv6.conf.all.disable_ipv6=${plan.addresses.some(isIpv6) ? 0 : 1}
        ethtool -K eth0 tx off >/dev/null; ip link set lo up
        ${
          plan.addresses.map((address) => `ip addr add ${address} dev eth0${isIpv6(address) ? " nodad" : ""};`).join(
            " ",
          )
        }
        ip link set eth0 up`,
      ])
    ));
  }

  get switchNamespace(): string {
    return `${this.prefix}switch`;
  }

  /** The host of that name. Throws RangeError when the lab has none. */
  host(name: string): Host {
    const host = this.hosts.get(name);
    if (!host) throw new RangeError(`No host ${name} in the lab`);
    return host;
  }

  /** Runs a shell script in the switch's namespace, where each port bears its host's name. */
  async inSwitch(script: string): Promise<string> {
    return await this.#host("switch", "", "").must(["sh", "-ec", script]);
  }

  /** Lets an XDP program that the host's driver runs send frames: the switch's end of its link runs one too. */
  async acceptNativeXdp(name: string): Promise<void> {
    const object = new URL("./pass.bpf.o", import.meta.url).pathname;
    await this.inSwitch(`ip link set dev ${name} xdp obj ${object} sec xdp`);
  }

  /** Removes everything; a second call does nothing. */
  async close(): Promise<void> {
    await this.#janitor.remove();
  }

  /** Leaves everything up. */
  async keep(): Promise<void> {
    await this.#janitor.keep();
  }

  /** Runs many `ip` commands in one process, stopping at the first that fails. */
  async #ipBatch(lines: readonly string[]): Promise<void> {
    const args = ["-batch", "-"];
    const { env } = this.#janitor;
    const child = new Deno.Command("ip", { args, env, stdin: "piped", stdout: "null", stderr: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(lines.join("\n") + "\n"));
    await writer.close();
    const { success, stderr } = await child.output();
    if (!success) throw new Error(`ip -batch failed: ${new TextDecoder().decode(stderr).trim()}`);
  }
}

/** This process has made so many labs. */
let labs = 0;

/** Passes over labs that a process of the same number kept. */
function freePrefix(): string {
  const taken = labsOnThisMachine();
  while (true) {
    const prefix = `dlba-${Deno.pid}${labs++ === 0 ? "" : `x${labs}`}-`;
    if (!taken.includes(prefix)) return prefix;
  }
}

function isIpv6(address: string): boolean {
  return address.includes(":");
}

/** Prefixes of the labs on this machine, those left by `--keep` included. */
export function labsOnThisMachine(): string[] {
  const names = [NAMESPACES, LABS].filter((folder) => existsSync(folder))
    .flatMap((folder) => [...Deno.readDirSync(folder)].map(({ name }) => name));
  return [...new Set(names.flatMap((name) => /^dlba-\w+-/.exec(name)?.[0] ?? []))];
}

/** Removes the labs whose process is gone: those that were kept. Returns how many were removed, and how many are in use. */
export async function removeKeptLabs(): Promise<{ removed: number; running: number }> {
  const outcome = { removed: 0, running: 0 };
  for (const prefix of labsOnThisMachine()) {
    if (await hasJanitor(prefix)) outcome.running++;
    else {
      await removeLab(prefix, `${LABS}/${prefix}`);
      outcome.removed++;
    }
  }
  return outcome;
}
