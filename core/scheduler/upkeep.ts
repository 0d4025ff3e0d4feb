/**
 * What user space does to the tables: brings the config in, and what the control process says of the nodes. The engine decides by
 * them at the same time, maybe in the kernel, so each change leaves them sound.
 */
import type { Config, NodeConfig } from "../config/schema.ts";
import { macToBytes } from "./addresses.ts";
import { fewestGroups } from "./assignment.ts";
import { UNASSIGNED } from "./bucket_table.ts";
import { recountGroups } from "./group_counts.ts";
import { MAX_NODES, type NodeState } from "./node_table.ts";
import { effectiveWeights } from "./policy.ts";
import { servicesOf, vipsOf } from "./services.ts";
import type { SchedulerTables } from "./tables.ts";

export class Upkeep {
  #config: Config;
  #tables: SchedulerTables;
  #state: NodeState;
  #generation = -1;

  /**
   * Brings the config into the tables. Buckets of nodes that are gone become unassigned; groups are counted anew.
   * @param hashKey 16 bytes, where the config says `hash: keyed`
   */
  constructor(config: Config, self: NodeConfig, tables: SchedulerTables, state: NodeState, hashKey?: Uint8Array) {
    this.#config = config;
    this.#tables = tables;
    this.#state = state;
    tables.settings.self = self.id;
    tables.settings.hashKey = hashKey;
    this.take(config);
    tables.settings.setVips(vipsOf(config));
    recountGroups(tables);
  }

  /**
   * Brings another config of the same VIPs in, between two frames or under them. Buckets of nodes that are gone become unassigned; those of
   * nodes that are drained stay until they are idle.
   */
  take(config: Config): void {
    this.#config = config;
    const { settings, nodes, services, members } = this.#tables;
    const macs = config.nodes.map(({ id, mac }) => ({ node: id, mac: macToBytes(mac) }));
    for (const { node, mac } of macs) nodes.setMac(node, mac);
    settings.memberSeed = members.set(macs);
    settings.nodes = Math.max(...macs.map(({ node }) => node)) + 1;
    settings.bucketTimeout = Math.ceil(config.scheduler.bucket_timeout / 1000);
    vipsOf(config).forEach((vip, i) => {
      for (const protocol of ["tcp", "udp"] as const) {
        const served = servicesOf(config).filter((service) => service.vip === vip && service.protocol === protocol);
        services.set(i, protocol === "udp", served.flatMap(({ ports }) => ports));
      }
    });
    this.#generation = -1;
    this.refresh();
  }

  /**
   * Takes over what the control process says of the nodes, if that changed: a node that failed holds no bucket from then on.
   * To be called often; costs one load when nothing changed.
   */
  refresh(): void {
    const { generation, failed } = this.#state;
    if (generation === this.#generation) return;
    this.#generation = generation;
    const holders = new Set(
      this.#config.nodes.filter(({ id, enabled }) => enabled && failed[id] === 0).map(({ id }) => id),
    );
    // First out, then swept: the engine takes a bucket of a node that is out for unassigned meanwhile.
    for (let node = 0; node < MAX_NODES; node++) this.#tables.nodes.setOut(node, !holders.has(node));
    this.balance();
    this.#sweep();
  }

  /** Sets the nodes' weights by the policy. To be called each second where the policy goes by load. */
  balance(): void {
    const { nodes } = this.#tables;
    effectiveWeights(this.#config, this.#state).forEach((weight, i) =>
      nodes.setWeight(this.#config.nodes[i]!.id, weight)
    );
  }

  /**
   * Gives every bucket that has no node one, and makes none idle: until nodes change no frame changes the table, and a copy of it is as good.
   * @param now second of the boot clock
   */
  fill(now: number): void {
    const { buckets, nodes, settings } = this.#tables;
    buckets.touchAll(now);
    for (let bucket = 0; bucket < buckets.size; bucket++) {
      if (buckets.node(bucket) !== UNASSIGNED) continue;
      const node = fewestGroups(nodes, settings.nodes);
      if (node === UNASSIGNED) return;
      if (buckets.assign(bucket, node)) nodes.addGroups(node, 1);
    }
  }

  #sweep(): void {
    const { buckets, nodes } = this.#tables;
    for (let bucket = 0; bucket < buckets.size; bucket++) {
      const node = buckets.node(bucket);
      if (node === UNASSIGNED || (isNode(node) && !nodes.isOut(node))) continue;
      if (buckets.release(bucket, node) && isNode(node)) nodes.addGroups(node, -1);
    }
  }
}

/** An adopted table may hold anything. */
function isNode(node: number): boolean {
  return node >= 0 && node < MAX_NODES;
}
