import type { Command, Machine, Result } from "../../core/node/setup/machine.ts";

/** A machine made of a few settings, that understands the commands of setup-node. */
export class FakeMachine implements Machine {
  readonly sysctls = new Map([
    ["net.ipv4.conf.all.arp_ignore", "0"],
    ["net.ipv4.conf.all.arp_announce", "1"],
    ["net.ipv4.conf.lo.rp_filter", "0"],
  ]);
  readonly offloads = new Map([["generic-receive-offload", "on"], ["large-receive-offload", "off [fixed]"], [
    "rx-vlan-offload",
    "on [fixed]",
  ]]);
  readonly lo = new Set<string>();
  /** Interface's own groups, as MACs. */
  readonly groups = new Set<string>();
  guard = "";
  /** Those that change something. */
  readonly changes: string[] = [];
  /** A command that begins so fails. */
  failing: string | undefined;
  readonly missing = new Set<string>();
  /** Whether this process may look at the kernel's rules. */
  mayLook = true;
  interface = "eth0";

  has(program: string): boolean {
    return !this.missing.has(program);
  }

  run(command: Command): Result {
    const text = command.join(" ");
    if (!this.has(command[0]!)) throw new Error(`${command[0]} is run, and is not there`);
    if (this.failing && text.startsWith(this.failing)) return failed("no such thing\n");
    const seen = this.#look(text);
    if (seen !== undefined) return typeof seen === "string" ? { ok: true, stdout: seen, stderr: "" } : seen;
    this.changes.push(text);
    return this.#change(text, command);
  }

  state(): unknown {
    return [[...this.sysctls], [...this.offloads], [...this.lo], [...this.groups], this.guard];
  }

  /** What a reboot leaves: nothing that setup-node does. */
  reboot(): void {
    this.guard = "";
    this.lo.clear();
    this.groups.clear();
    this.sysctls.set("net.ipv4.conf.all.arp_ignore", "0").set("net.ipv4.conf.all.arp_announce", "1")
      .set("net.ipv4.conf.lo.rp_filter", "0");
    this.offloads.set("generic-receive-offload", "on");
  }

  #look(text: string): string | Result | undefined {
    const key = /^sysctl -n (\S+)$/.exec(text)?.[1];
    if (key) return this.sysctls.get(key)! + "\n";
    if (text.startsWith("ip -o addr show dev lo")) {
      return [...this.lo].map((ip) => `1: lo    inet${ip.includes(":") ? 6 : ""} ${ip} scope global lo\n`).join("");
    }
    if (text.startsWith("ip maddr show dev ")) {
      return [...this.groups].map((group) => `\tlink  ${group} static\n`).join("");
    }
    if (text.startsWith("ethtool -k ")) {
      if (text !== `ethtool -k ${this.interface}`) return failed("netlink error: No such device\n");
      return [...this.offloads].map(([name, value]) => `${name}: ${value}\n`).join("");
    }
    if (text !== "nft list table netdev dlba") return undefined;
    if (!this.mayLook) return failed("Operation not permitted (you must be root)\n");
    return this.guard || failed("Error: No such file or directory\n");
  }

  #change(text: string, command: Command): Result {
    const setting = /^sysctl -qw (\S+)=(.*)$/.exec(text);
    if (setting) this.sysctls.set(setting[1]!, setting[2]!);
    const offload = /^ethtool -K (\S+) gro (on|off)$/.exec(text);
    if (offload && offload[1] !== this.interface) return failed("netlink error: No such device\n");
    if (offload) this.offloads.set("generic-receive-offload", offload[2]!);
    if (text.startsWith("ip addr ")) {
      const address = command[3]!;
      if (command[2] === "add") this.lo.add(address);
      else if (!this.lo.delete(address)) return failed("Error: ipv4: Address not found.\n");
    }
    if (text.startsWith("ip maddr add ")) this.groups.add(command[3]!);
    if (text.startsWith("ip maddr del ")) this.groups.delete(command[3]!);
    if (command[0] === "nft") {
      if (command[1]!.startsWith("delete") && !this.guard) return failed("Error: No such file or directory\n");
      this.guard = command[1]!.startsWith("delete") ? "" : listing(command[1]!);
    }
    return { ok: true, stdout: "", stderr: "" };
  }
}

function failed(stderr: string): Result {
  return { ok: false, stdout: "", stderr };
}

/** The script's table as nft(8) lists it. */
function listing(script: string): string {
  const table =
    /^table netdev dlba; delete table netdev dlba; table netdev dlba \{ counter kept_from_stack \{ \}; chain ingress \{ (type .*; policy accept;) (.*)\}; \}$/
      .exec(script);
  if (!table) return /table netdev dlba \{.*$/s.exec(script)![0];
  const rules = [
    ...table[2]!.matchAll(/(ip6? daddr \S+ ether saddr != )\{ ([^}]*) \} counter name kept_from_stack drop; /g),
  ];
  const lines = rules.map(([, match, macs]) =>
    `\t\t${match}${macs!.includes(",") ? `{ ${macs} }` : macs} counter name "kept_from_stack" drop\n`
  );
  return `table netdev dlba {
	counter kept_from_stack {
		packets 0 bytes 0
	}

	chain ingress {
		${table[1]}
${lines.join("")}	}
}
`;
}
