/**
 * The kernel guard: on every node, VIP frames that no array node sent are kept from the node's own stack, which holds the VIP
 * on `lo` and would answer RST to the connections of other nodes. AF_PACKET taps run before this hook, so the engine sees
 * every frame. It stays as long as the machine is in the array, whether a process lives or not.
 */
import type { Config, NodeConfig } from "../../config/schema.ts";

export const GUARD_TABLE = "dlba";

/** The rules as an nft(8) script of one line; applying it again replaces them. */
export function guardScript(config: Config, node: NodeConfig): string {
  const members = config.nodes.map((member) => member.mac).join(", ");
  const table = `netdev ${GUARD_TABLE}`;
  return [
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} { counter kept_from_stack { }; chain ingress { ` +
    `type filter hook ingress device "${node.interface}" priority -500; policy accept; ` +
    `ip daddr ${config.array.vip} ether saddr != { ${members} } counter name kept_from_stack drop; }; }`,
  ].join("; ");
}
