/** What an array wants of a machine: each setting, how to see it, how to make it so. */
import type { Config, NodeConfig } from "../../config/schema.ts";
import { bytesToMac, ipToBytes } from "../../scheduler/addresses.ts";
import { vipsOf } from "../../scheduler/services.ts";
import { guard, guardValue } from "./guard.ts";
import type { Setting, Wanted } from "./setting.ts";

/** In the order of their application. The guard precedes the VIP: no frame must reach the stack unguarded. */
export function wantedSettings(config: Config, node: NodeConfig): Wanted[] {
  const vips = vipsOf(config);
  const groups = new Set(vips.filter((vip) => vip.includes(":")).map(solicitedGroup));
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
    // A tag that the card takes off is lost to an XDP program, and so to the frame that it sends on.
    { setting: offload(`${node.interface} rxvlan`), value: "off" },
    ...vips.map((address) => ({ setting: vip(address), value: "present" })),
    ...[...groups].map((mac) => ({ setting: group(`${node.interface} ${mac}`), value: "present" })),
  ];
}

/** The setting of that identity. */
export function settingOf({ kind, of }: Pick<Setting, "kind" | "of">): Setting {
  return { guard: () => guard, sysctl, offload, vip, group }[kind](of);
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

/** What ethtool(8) calls them. A card that cannot but take tags off serves frames without. */
const FEATURES: Record<string, string> = {
  gro: "generic-receive-offload: (on|off)",
  lro: "large-receive-offload: (on|off)",
  rxvlan: "rx-vlan-offload: (on|off)$",
};

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
      return new RegExp(`^${FEATURES[flag]}`, "m").exec(stdout)?.[1] ?? "off";
    },
    command: (value) => ["ethtool", "-K", device, flag, value],
    finding: (value) => `${flag} is ${value} for ${device}`,
  };
}

function vip(address: string): Setting {
  const host = `${address}/${address.includes(":") ? 128 : 32}`;
  return {
    kind: "vip",
    of: address,
    name: `VIP ${address} on lo`,
    tool: { program: "ip", package: "iproute2" },
    read: (machine) =>
      machine.run(["ip", "-o", "addr", "show", "dev", "lo"]).stdout.includes(` ${host} `) ? "present" : "absent",
    command: (value) => ["ip", "addr", value === "present" ? "add" : "del", host, "dev", "lo"],
    finding: () => `the VIP ${address} is not on lo`,
  };
}

/** MAC of the group whose members are asked for the VIP (RFC 4291 section 2.7.1, RFC 2464 section 7). */
function solicitedGroup(vip: string): string {
  return bytesToMac(Uint8Array.of(0x33, 0x33, 0xff, ...ipToBytes(vip).subarray(13)));
}

/**
 * A card takes what is sent to a group when it is told so, as the kernel tells it for addresses of the card's own. @param of interface
 * and MAC, as "eth0 33:33:ff:00:00:10"
 */
function group(of: string): Setting {
  const [device, mac] = of.split(" ") as [string, string];
  return {
    kind: "group",
    of,
    name: `group ${mac} of ${device}`,
    tool: { program: "ip", package: "iproute2" },
    read: (machine) =>
      new RegExp(`${mac}.* static`).test(machine.run(["ip", "maddr", "show", "dev", device]).stdout)
        ? "present"
        : "absent",
    command: (value) => ["ip", "maddr", value === "present" ? "add" : "del", mac, "dev", device],
    finding: () => `${device} does not take the group ${mac} of an IPv6 VIP`,
  };
}
