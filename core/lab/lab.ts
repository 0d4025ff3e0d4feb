/**
 * The laboratory: hosts in network namespaces behind one learning switch (a Linux bridge in a namespace of its own).
 *
 *     client ─┐            ┌─ node a
 *             ├── switch ──┼─ node b ...
 *     web 1 ──┘            └─ ...
 *
 * Every namespace is named `dlba-<id>-<host>`. A janitor process removes them and the processes in them when
 * this process ends, however it ends: it waits for the end of a pipe.
 */
import { Host } from "./host.ts";

/** Ends each process of the lab's namespaces, then removes the namespaces and the lab's folder. */
const JANITOR = `
read -r order
[ "$order" = keep ] && exit 0
list() { ip netns list 2>/dev/null | sed -n "s/^\\($1[^ ]*\\).*/\\1/p"; }
for ns in $(list "$1"); do kill -9 $(ip netns pids "$ns") 2>/dev/null; done
for ns in $(list "$1"); do ip netns del "$ns"; done
rm -rf "${"$"}{2:?}/$1"
`;

/** Holds each lab's folder; only root can write there, and only root can make a lab. */
const LABS = "/run/dlba-lab";

/** A host to be made. */
export interface HostPlan {
  readonly name: string;
  /** Addresses with prefix length; the first is the host's own. */
  readonly addresses: readonly string[];
}

export class Lab {
  readonly hosts: ReadonlyMap<string, Host>;
  #janitor: Deno.ChildProcess;
  #order: WritableStreamDefaultWriter<Uint8Array>;
  #closed = false;

  private constructor(
    /** Prefix of the namespaces: `dlba-<id>-`. */
    readonly prefix: string,
    /** The lab's own folder: configs, logs, run and state folders of the nodes. */
    readonly dir: string,
    hosts: Map<string, Host>,
    janitor: Deno.ChildProcess,
  ) {
    this.hosts = hosts;
    this.#janitor = janitor;
    this.#order = janitor.stdin.getWriter();
  }

  /** Makes the namespaces, the switch and the links. Needs root. */
  static async create(plans: readonly HostPlan[]): Promise<Lab> {
    const prefix = `dlba-${Deno.pid}${labs++ === 0 ? "" : `x${labs}`}-`;
    const dir = `${LABS}/${prefix}`;
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    const hosts = new Map<string, Host>();
    plans.forEach(({ name, addresses }, index) => {
      const mac = `02:db:1a:00:00:${(index + 1).toString(16).padStart(2, "0")}`;
      hosts.set(name, new Host(name, prefix + name, addresses[0]!.split("/")[0]!, mac, `${dir}/${name}.log`));
    });
    const janitor = new Deno.Command("setsid", {
      args: ["sh", "-c", JANITOR, "sh", prefix, LABS],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    janitor.unref();
    const lab = new Lab(prefix, dir, hosts, janitor);
    try {
      await lab.#build(plans);
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  async #build(plans: readonly HostPlan[]): Promise<void> {
    const hosts = [...this.hosts.values()];
    const sw = this.switchNamespace;
    await ipBatch([
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
        hosts.map((host) => `ip link set dev ${host.name} master br0 up`).join("; "),
    );
    await Promise.all(plans.map((plan, index) =>
      hosts[index]!.must([
        "sh",
        "-ec",
        // veth leaves checksums to the receiver, which a forwarding scheduler is not: senders compute them.
        `sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ethtool -K eth0 tx off >/dev/null; ip link set lo up;
        ${plan.addresses.map((address) => `ip addr add ${address} dev eth0;`).join(" ")} ip link set eth0 up`,
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
    return await new Host("switch", this.switchNamespace, "", "", "/dev/null").must(["sh", "-ec", script]);
  }

  /** Removes everything; a second call does nothing. */
  async close(): Promise<void> {
    await this.#dismiss("remove\n");
  }

  /** Leaves everything up. */
  async keep(): Promise<void> {
    await this.#dismiss("keep\n");
  }

  async #dismiss(order: string): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#janitor.ref();
    await this.#order.write(new TextEncoder().encode(order));
    await this.#order.close();
    await this.#janitor.status;
  }
}

let labs = 0;

/** Prefixes of the labs on this machine, those left by `--keep` included. */
export async function labsOnThisMachine(): Promise<string[]> {
  const { stdout } = await new Deno.Command("ip", { args: ["netns", "list"] }).output();
  const names = new TextDecoder().decode(stdout).matchAll(/^(dlba-\w+-)\S+/gm);
  return [...new Set([...names].map((match) => match[1]!))];
}

/** Removes a lab that was kept: its processes, its namespaces. */
export async function removeLab(prefix: string): Promise<void> {
  const janitor = new Deno.Command("sh", { args: ["-c", JANITOR, "sh", prefix, LABS], stdin: "null" }).spawn();
  await janitor.status;
}

/** Runs many `ip` commands in one process, stopping at the first that fails. */
async function ipBatch(lines: readonly string[]): Promise<void> {
  const child = new Deno.Command("ip", { args: ["-batch", "-"], stdin: "piped", stdout: "null", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines.join("\n") + "\n"));
  await writer.close();
  const { success, stderr } = await child.output();
  if (!success) throw new Error(`ip -batch failed: ${new TextDecoder().decode(stderr).trim()}`);
}
