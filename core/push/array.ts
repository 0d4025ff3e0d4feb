/** The nodes of an array, as who changes something sees them. */
import * as v from "valibot";
import type { Config } from "../config/schema.ts";
import { Failure } from "../errors.ts";
import type { ControlAddress, ControlClient } from "./control_client.ts";
import { type NodeState, nodeStateSchema } from "./state.ts";
import { isNewer, type Version, type VersionHead, versionHeadSchema, versionSchema } from "./version.ts";

export interface Heard {
  readonly node: ControlAddress;
  readonly state: NodeState;
}

export interface Missing {
  readonly node: ControlAddress;
  readonly why: string;
}

export interface Look {
  readonly heard: readonly Heard[];
  readonly missing: readonly Missing[];
}

export function controlAddress(config: Config, { name, address }: Config["nodes"][number]): ControlAddress {
  return { name, address: address.address, port: config.control.push_port };
}

export function controlAddresses(config: Config): ControlAddress[] {
  return config.nodes.map((node) => controlAddress(config, node));
}

/** Asks all nodes at once what they run. */
export async function lookAt(client: ControlClient, nodes: readonly ControlAddress[], array: string): Promise<Look> {
  const heard: Heard[] = [], missing: Missing[] = [];
  await Promise.all(nodes.map(async (node) => {
    try {
      const state = await client.get(node, "/state", nodeStateSchema);
      if (state.array !== array || state.node !== node.name) {
        throw new Failure(`Node ${node.name}: node ${state.node} of the array ${state.array} answers there`);
      }
      heard.push({ node, state });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      missing.push({ node, why: error.message });
    }
  }));
  return { heard, missing };
}

/** The newest version in force on any of them. Throws Failure where none answers. */
export function newest({ heard, missing }: Look): Heard {
  const [first, ...others] = heard;
  if (!first) throw new Failure(`No node answers:\n${missing.map(({ why }) => `  ${why}`).join("\n")}`);
  return others.reduce((best, one) => isNewer(one.state.version, best.state.version) ? one : best, first);
}

export function fetchVersion(client: ControlClient, node: ControlAddress, number: number): Promise<Version> {
  return client.get(node, `/versions/${number}`, versionSchema);
}

export function fetchHistory(client: ControlClient, node: ControlAddress): Promise<VersionHead[]> {
  return client.get(node, "/versions", v.array(versionHeadSchema));
}
