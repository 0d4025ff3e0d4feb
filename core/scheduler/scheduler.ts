/**
 * The scheduler's decision for one frame: which node gets it (seed, "DLBA Scheduler Architecture"). Pure: bytes and a clock
 * in, a verdict and rewritten MACs out.
 */
import type { Config, NodeConfig } from "../config/schema.ts";
import { ipToU32, macToBytes } from "./addresses.ts";
import { fewestGroups, type Weights } from "./assignment.ts";
import { type BucketTable, UNASSIGNED } from "./bucket_table.ts";
import { FrameReader } from "./frame.ts";
import type { NodeCounts, NodeState } from "./node_table.ts";
import { Verdict, type VerdictCounts } from "./verdicts.ts";

export interface SchedulerTables {
  readonly buckets: BucketTable;
  readonly nodeCounts: NodeCounts;
  readonly nodeState: NodeState;
  readonly verdicts: VerdictCounts;
}

export class Scheduler {
  #reader: FrameReader;
  #tables: SchedulerTables;
  #self: number;
  #bucketTimeoutS: number;
  #nodes: readonly NodeConfig[];
  /** Six bytes a node, by server number. */
  #macs: Uint8Array;
  #weights: Weights;
  #generation = -1;

  constructor(config: Config, self: NodeConfig, tables: SchedulerTables) {
    this.#reader = new FrameReader(ipToU32(config.array.vip), [config.array.ports.http, config.array.ports.https]);
    this.#tables = tables;
    this.#self = self.id;
    this.#bucketTimeoutS = Math.ceil(config.scheduler.bucket_timeout / 1000);
    this.#nodes = config.nodes;
    const highest = Math.max(...config.nodes.map((node) => node.id));
    this.#macs = new Uint8Array((highest + 1) * 6);
    for (const node of config.nodes) this.#macs.set(macToBytes(node.mac), node.id * 6);
    this.#weights = new Float64Array(highest + 1);
    this.#recount();
    this.refresh();
  }

  /**
   * Decides on a frame of `length` bytes and counts the verdict. With {@linkcode Verdict.FORWARDED} the frame's MACs are those
   * to send it with; with SELF and PING they are left.
   * @param now seconds of the boot clock
   */
  schedule(frame: Uint8Array, length: number, now: number): Verdict {
    const verdict = this.#decide(frame, length, now);
    this.#tables.verdicts.counts[verdict]!++;
    return verdict;
  }

  #decide(frame: Uint8Array, length: number, now: number): Verdict {
    const reader = this.#reader;
    const verdict = reader.read(frame, length);
    if (verdict !== Verdict.FORWARDED && verdict !== Verdict.PING) return verdict;
    // One hop: bounced between two schedulers a frame would live for ever, since no TTL is counted down.
    if (this.#sentByMember(frame)) return Verdict.ALREADY_SCHEDULED;
    if (verdict === Verdict.PING) return verdict;
    const { buckets, nodeCounts } = this.#tables;
    const bucket = buckets.bucketOf(reader.clientIp, reader.clientPort);
    let node = buckets.node(bucket);
    // Only a SYN moves an idle bucket: another frame may belong to a connection that was silent for long.
    const idle = reader.opens && buckets.age(bucket, now) > this.#bucketTimeoutS;
    if (node === UNASSIGNED || idle) {
      if (node !== UNASSIGNED) nodeCounts.ipGroups[node]!--;
      node = fewestGroups(this.#weights, nodeCounts);
      buckets.setNode(bucket, node);
      if (node === UNASSIGNED) return Verdict.NO_NODE;
      nodeCounts.ipGroups[node]!++;
    }
    buckets.touch(bucket, now);
    nodeCounts.frames[node]!++;
    if (node === this.#self) return Verdict.SELF;
    this.#readdress(frame, node);
    return Verdict.FORWARDED;
  }

  #sentByMember(frame: Uint8Array): boolean {
    const macs = this.#macs;
    for (let i = 0; i < this.#nodes.length; i++) {
      const at = this.#nodes[i]!.id * 6;
      // From the last octet: MACs of one array tend to share the first ones.
      let octet = 5;
      while (octet >= 0 && frame[6 + octet] === macs[at + octet]) octet--;
      if (octet < 0) return true;
    }
    return false;
  }

  /** Destination: the node. Source: the scheduler, or a learning switch would look for the client at the scheduler's port. */
  #readdress(frame: Uint8Array, node: number): void {
    const macs = this.#macs;
    const to = node * 6, from = this.#self * 6;
    for (let octet = 0; octet < 6; octet++) {
      frame[octet] = macs[to + octet]!;
      frame[6 + octet] = macs[from + octet]!;
    }
  }

  /**
   * Takes over what the control process says of the nodes, if that changed: a node that failed gets no more buckets, and those
   * it has become unassigned at once. To be called often; costs one load when nothing changed.
   */
  refresh(): void {
    const { generation, failed } = this.#tables.nodeState;
    if (generation === this.#generation) return;
    this.#generation = generation;
    for (const { id, enabled, weight } of this.#nodes) {
      this.#weights[id] = enabled && failed[id] === 0 ? weight : 0;
    }
    this.#releaseFailed();
  }

  #releaseFailed(): void {
    const { buckets, nodeCounts, nodeState } = this.#tables;
    for (let bucket = 0; bucket < buckets.size; bucket++) {
      const node = buckets.node(bucket);
      if (node === UNASSIGNED || nodeState.failed[node] === 0) continue;
      buckets.setNode(bucket, UNASSIGNED);
      nodeCounts.ipGroups[node]!--;
    }
  }

  /** Counts the IP groups anew: an adopted table may hold nodes that the config no longer has. */
  #recount(): void {
    const { buckets, nodeCounts } = this.#tables;
    const known = new Set(this.#nodes.map((node) => node.id));
    nodeCounts.ipGroups.fill(0);
    for (let bucket = 0; bucket < buckets.size; bucket++) {
      const node = buckets.node(bucket);
      if (node === UNASSIGNED) continue;
      if (known.has(node)) nodeCounts.ipGroups[node]!++;
      else buckets.setNode(bucket, UNASSIGNED);
    }
  }
}
