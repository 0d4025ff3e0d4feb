import type { Config, NodeConfig } from "../config/schema.ts";
import { nodeNamed } from "../config/load.ts";
import { UsageError } from "../errors.ts";

/** The node that this machine is: the named one, else the one whose address an interface here has. */
export function thisNode(config: Config, name: string | undefined): NodeConfig {
  if (name !== undefined) return nodeNamed(config, name);
  const addresses = new Set(Deno.networkInterfaces().map(({ address }) => address));
  const node = config.nodes.find((node) => addresses.has(node.address.address));
  if (node) return node;
  const known = config.nodes.map((node) => node.address.address).join(", ");
  throw new UsageError(`No interface here has the address of a node (${known}): name the node with --node`);
}

/** Throws UsageError unless the node's interface here has the node's address and MAC. */
export function checkInterface(node: NodeConfig): void {
  const { address } = node.address;
  const found = Deno.networkInterfaces().find((entry) => entry.address === address);
  if (!found) {
    throw new UsageError(
      `Node ${node.name}: no interface here has its address ${address} (ip addr shows what is there)`,
    );
  }
  if (found.name !== node.interface) {
    throw new UsageError(`Node ${node.name}: ${address} is on ${found.name}, the config says ${node.interface}`);
  }
  if (found.mac !== node.mac) {
    throw new UsageError(`Node ${node.name}: ${found.name} has the MAC ${found.mac}, the config says ${node.mac}`);
  }
}
