/** What an array wants of a machine: each setting, how to see it, how to make it so. */
import type { Config, NodeConfig } from "../../config/schema.ts";
import { guard, guardValue } from "./guard.ts";
import type { Setting, Wanted } from "./setting.ts";

/** In the order of their application. The guard precedes the VIP: no frame must reach the stack unguarded. */
export function wantedSettings(config: Config, node: NodeConfig): Wanted[] {
  return [
    { setting: guard, value: guardValue(config, node) },
    // The kernel answers ARP only for addresses of the interface asked, and never names the VIP as its own in a question.
    { setting: sysctl("net.ipv4.conf.all.arp_ignore"), value: "1" },
    { setting: sysctl("net.ipv4.conf.all.arp_announce"), value: "2" },
    // Frames that the scheduler hands to itself come in by lo. The stricter of `all` and `lo` holds, and 2 (loose) is above 1 (strict).
    { setting: sysctl("net.ipv4.conf.lo.rp_filter"), value: "2" },
    // A joined frame exceeds the MTU and cannot be sent on.
    { setting: offload(`${node.interface} gro`), value: "off" },
    { setting: offload(`${node.interface} lro`), value: "off" },
    { setting: vip(config.array.vip), value: "present" },
  ];
}

/** The setting of that identity. */
export function settingOf({ kind, of }: Pick<Setting, "kind" | "of">): Setting {
  return { guard: () => guard, sysctl, offload, vip }[kind](of);
}

function sysctl(key: string): Setting {
  return {
    kind: "sysctl",
    of: key,
    name: key,
    tool: { program: "sysctl", package: "procps" },
    read: (machine) => machine.run(["sysctl", "-n", key]).stdout.trim(),
    command: (value) => ["sysctl", "-qw", `${key}=${value}`],
    finding: (value) => `${key} is ${value}`,
  };
}

const FEATURES: Record<string, string> = { gro: "generic-receive-offload", lro: "large-receive-offload" };

/** @param of interface and flag, as "eth0 gro" */
function offload(of: string): Setting {
  const [device, flag] = of.split(" ") as [string, string];
  return {
    kind: "offload",
    of,
    name: `${flag} of ${device}`,
    tool: { program: "ethtool", package: "ethtool" },
    read(machine) {
      const { stdout, stderr } = machine.run(["ethtool", "-k", device]);
      if (/no such device|no device matches/i.test(stderr)) return "gone";
      // A driver that cannot say has none.
      return new RegExp(`^${FEATURES[flag]}: (on|off)`, "m").exec(stdout)?.[1] ?? "off";
    },
    command: (value) => ["ethtool", "-K", device, flag, value],
    finding: (value) => `${flag} is ${value} for ${device}`,
  };
}

function vip(address: string): Setting {
  return {
    kind: "vip",
    of: address,
    name: `VIP ${address} on lo`,
    tool: { program: "ip", package: "iproute2" },
    read: (machine) =>
      machine.run(["ip", "-4", "-o", "addr", "show", "dev", "lo"]).stdout.includes(` ${address}/32 `)
        ? "present"
        : "absent",
    command: (value) => ["ip", "addr", value === "present" ? "add" : "del", `${address}/32`, "dev", "lo"],
    finding: () => `the VIP ${address} is not on lo`,
  };
}
