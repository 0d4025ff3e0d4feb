/**
 * The kernel guard: on every node, VIP frames that no array node sent are kept from the node's own stack, which holds the VIP
 * on `lo` and would answer RST to the connections of other nodes. AF_PACKET taps run before this hook, so the engine sees
 * every frame. It stays as long as the machine is in the array, whether a process lives or not.
 */
import type { Config, NodeConfig } from "../../config/schema.ts";
import { vipsOf } from "../../scheduler/services.ts";
import type { Setting } from "./setting.ts";

const TABLE = "netdev dlba";
const NONE = "none";

/** The guard that a node needs, as a value of {@linkcode guard}: `INTERFACE VIP,... MAC...`. */
export function guardValue(config: Config, node: NodeConfig): string {
  return [node.interface, vipsOf(config).join(","), ...config.nodes.map((member) => member.mac).sort()].join(" ");
}

/** All of the table is ours, whatever it holds: the original is that there is none. */
export const guard: Setting = {
  kind: "guard",
  of: "",
  name: "kernel guard",
  tool: { program: "nft", package: "nftables" },
  original: NONE,
  read(machine) {
    const { ok, stdout, stderr } = machine.run(["nft", "list", "table", "netdev", "dlba"]);
    if (ok) return value(stdout);
    return stderr.includes("No such file or directory") ? NONE : undefined;
  },
  command: (value) => ["nft", value === NONE ? `delete table ${TABLE}` : script(value)],
  finding: (value) =>
    value === NONE
      ? "the kernel guard is missing"
      : "the kernel guard is for another interface, VIP or set of nodes than the config's",
};

/** An nft(8) script that replaces in one transaction what is there. */
function script(value: string): string {
  return [`table ${TABLE}`, `delete table ${TABLE}`, value.startsWith("table ") ? value : rules(value)].join("; ");
}

function rules(value: string): string {
  const [device, vips, ...macs] = value.split(" ") as [string, string, ...string[]];
  const drops = vips.split(",").map((vip) =>
    `${family(vip)} daddr ${vip} ether saddr != { ${macs.join(", ")} } counter name kept_from_stack drop; `
  );
  return `table ${TABLE} { counter kept_from_stack { }; chain ingress { ` +
    `type filter hook ingress device "${device}" priority -500; policy accept; ${drops.join("")}}; }`;
}

function family(vip: string): string {
  return vip.includes(":") ? "ip6" : "ip";
}

const DROP = 'ip6? daddr (\\S+) ether saddr != (\\{[^}]*\\}|\\S+) counter name "kept_from_stack" drop ';
const LISTING = new RegExp(
  '^table netdev dlba \\{ counter kept_from_stack \\{ [^}]*\\} chain ingress \\{ type filter hook ingress device "([^"]+)" ' +
    `priority -500; policy accept; ((?:${DROP})+)\\} \\}$`,
);

/** The value that nft lists, by its text: nft 1.0 leaves the device out of its JSON. Other rules are their own text. */
function value(listing: string): string {
  const [, device, drops] = LISTING.exec(listing.trim().replaceAll(/\s+/g, " ")) ?? [];
  const found = [...drops?.matchAll(new RegExp(DROP, "g")) ?? []].map(([, vip, macs]) => ({
    vip,
    macs: (macs!.match(/[\da-f:]{17}/g) ?? []).sort().join(" "),
  }));
  const macs = new Set(found.map((drop) => drop.macs));
  if (macs.size !== 1) return listing.trim();
  return [device, found.map(({ vip }) => vip).join(","), ...macs].join(" ");
}
