/**
 * A simulation for docs/many_schedulers.md: several active schedulers under one VIP, among which a router spreads flows by ECMP, with the real
 * tables and the real change log between them. `deno run tests/scheduler/many_schedulers.ts` prints the page's table.
 */
import { BucketTable, UNASSIGNED } from "../../core/scheduler/bucket_table.ts";
import { ChangeLog, type Cursor, decodeChanges, encodeChanges } from "../../core/scheduler/changes.ts";
import { mix } from "../../core/scheduler/hash.ts";
import { tablesInMemory } from "./array.ts";

export interface Plan {
  readonly schedulers: number;
  readonly nodes: number;
  readonly size: number;
  /** New flows a sync interval. */
  readonly arrivals: number;
  /** How a scheduler picks the node of an unassigned bucket: by its own counts, or by a hash that all compute alike. */
  readonly assignment: "fewest groups" | "rendezvous";
  /** Sync intervals. */
  readonly intervals: number;
  /** Intervals that a flow lives, one frame in each. */
  readonly life: number;
}

export interface Outcome {
  readonly flows: number;
  /** Flows of which a frame went to another node than the first, although that node lived: parts in a million. */
  readonly disruptedPpm: number;
  /** Bytes that one scheduler sends to each other one, a sync interval: the mean. */
  readonly syncBytes: number;
  /** Buckets of the fullest node over the mean. */
  readonly fullest: number;
}

interface Flow {
  readonly bucket: number;
  readonly node: number;
  readonly until: number;
}

class Peer {
  readonly table: BucketTable;
  readonly log: ChangeLog;
  readonly groups: Int32Array;
  cursor: Cursor | undefined;

  constructor(readonly plan: Plan, number: number) {
    this.table = tablesInMemory(plan.size).buckets;
    this.log = new ChangeLog(this.table, 1, number);
    this.groups = new Int32Array(plan.nodes);
  }

  set(bucket: number, node: number): void {
    const before = this.table.node(bucket);
    if (before !== UNASSIGNED) this.groups[before]!--;
    if (node !== UNASSIGNED) this.groups[node]!++;
    this.table.setNode(bucket, node);
  }

  /** The node of a frame in this bucket. */
  node(bucket: number, isUp: (node: number) => boolean): number {
    const owner = this.table.node(bucket);
    if (owner !== UNASSIGNED && isUp(owner)) return owner;
    const node = this.plan.assignment === "rendezvous" ? this.#rendezvous(bucket, isUp) : this.#fewest(isUp);
    this.set(bucket, node);
    return node;
  }

  #fewest(isUp: (node: number) => boolean): number {
    let best = UNASSIGNED;
    for (let node = 0; node < this.groups.length; node++) {
      if (isUp(node) && (best === UNASSIGNED || this.groups[node]! < this.groups[best]!)) best = node;
    }
    return best;
  }

  #rendezvous(bucket: number, isUp: (node: number) => boolean): number {
    let best = UNASSIGNED, highest = -1;
    for (let node = 0; node < this.groups.length; node++) {
      const score = mix(mix(bucket + 1, node + 1, 0x9e3779b1), 0x51ed270b, 0x85ebca6b);
      if (score > highest && isUp(node)) {
        best = node;
        highest = score;
      }
    }
    return best;
  }
}

export function simulate(plan: Plan, seed = 1): Outcome {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  const peers = Array.from({ length: plan.schedulers }, (_, number) => new Peer(plan, number));
  const failsAt = Math.floor(plan.intervals / 2), failing = plan.nodes - 1;
  let flows: Flow[] = [], total = 0, disrupted = 0, bytes = 0;
  for (let now = 0; now < plan.intervals; now++) {
    // All learn of a failure at their own time within the interval: half of them before its frames, half after.
    const isUp = (peer: number) => (node: number) =>
      node !== failing || now < failsAt || (now === failsAt && peer % 2 === 1);
    flows = flows.filter(({ until }) => until > now);
    // The router's spread changes all the time: each frame may enter anywhere.
    const kept: Flow[] = [];
    for (const flow of flows) {
      const peer = random(plan.schedulers);
      if (flow.node === failing && now >= failsAt) continue;
      if (peers[peer]!.node(flow.bucket, isUp(peer)) === flow.node) kept.push(flow);
      else disrupted++;
    }
    flows = kept;
    for (let i = 0; i < plan.arrivals; i++, total++) {
      const bucket = random(plan.size), peer = random(plan.schedulers);
      flows.push({ bucket, node: peers[peer]!.node(bucket, isUp(peer)), until: now + plan.life });
    }
    bytes += sync(peers);
  }
  const counts = peers[0]!.groups.filter((_, node) => node !== failing);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return {
    flows: total,
    disruptedPpm: Math.round(disrupted / total * 1e6),
    syncBytes: Math.round(bytes / plan.intervals / plan.schedulers),
    fullest: Math.max(...counts) / mean,
  };
}

/** Each takes over what the others changed; of two assignments that of the scheduler with the lower number holds. Returns the bytes of all. */
function sync(peers: readonly Peer[]): number {
  const messages = peers.map((peer) => {
    const changes = peer.log.changesSince(peer.cursor);
    peer.cursor = changes.cursor;
    return encodeChanges(changes);
  });
  // From the last to the first: the lower number's word comes later and holds, also over the own.
  for (let from = peers.length - 1; from >= 0; from--) {
    const { pairs } = decodeChanges(messages[from]!);
    for (const peer of peers) for (let i = 0; i < pairs.length; i += 2) peer.set(pairs[i]!, pairs[i + 1]!);
  }
  // What came from others is no change of one's own.
  for (const peer of peers) peer.cursor = peer.log.changesSince(peer.cursor).cursor;
  return messages.reduce((sum, message) => sum + message.length, 0);
}

if (import.meta.main) {
  console.log("| schedulers | nodes | buckets | assignment | disrupted, ppm | sync, bytes | fullest node |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const [nodes, size] of [[10, 65_536], [100, 65_536], [100, 1_048_576], [1000, 1_048_576]] as const) {
    for (const schedulers of [2, 8]) {
      for (const assignment of ["fewest groups", "rendezvous"] as const) {
        const found = simulate({ schedulers, nodes, size, assignment, arrivals: 2000, intervals: 40, life: 8 });
        const cells = [
          schedulers,
          nodes,
          size,
          assignment,
          found.disruptedPpm,
          found.syncBytes,
          found.fullest.toFixed(2),
        ];
        console.log(`| ${cells.join(" | ")} |`);
      }
    }
  }
}
