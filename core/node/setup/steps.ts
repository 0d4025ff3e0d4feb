/** What `dlba setup-node` does to a machine: each step a command, how to see whether it is so already, and how to undo it. */
import type { Config, NodeConfig } from "../../config/schema.ts";
import { GUARD_TABLE, guardScript } from "./guard.ts";

/** Runs a command to its end. */
export type Runner = (
  command: readonly string[],
) => { readonly ok: boolean; readonly stdout: string; readonly stderr: string };

export interface SetupStep {
  readonly name: string;
  /** Debian's package that brings the program. */
  readonly package: string;
  readonly apply: readonly string[];
  /** The command that restores what is there now; undefined when the step is done already. */
  plan(run: Runner): readonly string[] | undefined;
}

/** In the order of their application. The guard precedes the VIP: no frame must reach the stack unguarded. */
export function setupSteps(config: Config, node: NodeConfig): SetupStep[] {
  const { vip } = config.array;
  return [
    {
      name: "kernel guard",
      package: "nftables",
      apply: ["nft", guardScript(config, node)],
      // Applied each time, since the nodes may have changed; to undo it is to remove it.
      plan: () => ["nft", `delete table netdev ${GUARD_TABLE}`],
    },
    // The kernel answers ARP only for addresses of the interface asked, and never names the VIP as its own in a question.
    sysctl("net.ipv4.conf.all.arp_ignore", "1"),
    sysctl("net.ipv4.conf.all.arp_announce", "2"),
    // Frames that the scheduler hands to itself come in by lo. The stricter of `all` and `lo` holds, and 2 (loose) is above 1 (strict).
    sysctl("net.ipv4.conf.lo.rp_filter", "2"),
    offload(node.interface, "gro", "generic-receive-offload"),
    offload(node.interface, "lro", "large-receive-offload"),
    {
      name: "VIP on lo",
      package: "iproute2",
      apply: ["ip", "addr", "add", `${vip}/32`, "dev", "lo"],
      plan: (run) => hasVip(run, vip) ? undefined : ["ip", "addr", "del", `${vip}/32`, "dev", "lo"],
    },
  ];
}

function sysctl(key: string, value: string): SetupStep {
  return {
    name: key,
    package: "procps",
    apply: ["sysctl", "-qw", `${key}=${value}`],
    plan: (run) => {
      const before = run(["sysctl", "-n", key]).stdout.trim();
      return before === value ? undefined : ["sysctl", "-qw", `${key}=${before}`];
    },
  };
}

/** A joined frame exceeds the MTU and cannot be sent on. What the driver has fixed is left. */
function offload(interfaceName: string, flag: string, feature: string): SetupStep {
  return {
    name: `${flag} off`,
    package: "ethtool",
    apply: ["ethtool", "-K", interfaceName, flag, "off"],
    plan: (run) => {
      const state = new RegExp(`^${feature}: (.*)$`, "m").exec(run(["ethtool", "-k", interfaceName]).stdout)?.[1];
      return state === "on" ? ["ethtool", "-K", interfaceName, flag, "on"] : undefined;
    },
  };
}

/** Whether `lo` has the VIP. */
export function hasVip(run: Runner, vip: string): boolean {
  return run(["ip", "-4", "-o", "addr", "show", "dev", "lo"]).stdout.includes(` ${vip}/32 `);
}
