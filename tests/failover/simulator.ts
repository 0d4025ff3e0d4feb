/**
 * An array of election state machines on a simulated wire, with faults by a seed, and a referee that says when what docs/failover.md
 * promises does not hold.
 */
import type { ElectionPlan, Timing } from "../../core/failover/machine.ts";
import { EventQueue } from "./event_queue.ts";
import { Network } from "./network.ts";
import { Random } from "./random.ts";
import { Referee } from "./referee.ts";
import { SimulatedNode, type World } from "./simulated_node.ts";

/** The config's defaults, ms. */
export const TIMING: Timing = {
  pingInterval: 100,
  pingMisses: 3,
  processTimeout: 5000,
  aloneTimeout: 3000,
  preemptDelay: undefined,
};

export class Simulation implements World {
  readonly queue = new EventQueue();
  readonly random: Random;
  readonly network: Network;
  readonly nodes: SimulatedNode[] = [];
  readonly referee: Referee;
  /** What was done to the array, for people. */
  readonly story: string[] = [];

  constructor(seed: number, count: number, timing: Timing = TIMING, hasWitness = false) {
    this.random = new Random(seed);
    this.network = new Network(count, this.random);
    const ids = Array.from({ length: count }, (_, id) => id);
    const durable = { promised: 0, membership: { epoch: 0, sequence: 0, members: ids } };
    for (const self of ids) {
      const plan: ElectionPlan = {
        self,
        ranking: ids,
        eligible: new Set(ids),
        first: 0,
        hasWitness,
        arbiter: undefined,
        timing,
      };
      this.nodes.push(new SimulatedNode(this, plan, durable));
    }
    this.referee = new Referee(this);
  }

  claimed(node: number, epoch: number): void {
    this.referee.claimed(node, epoch);
    this.story.push(`${Math.round(this.queue.now)}: node ${node} takes the VIP, epoch ${epoch}`);
  }

  note(text: string): void {
    this.story.push(`${Math.round(this.queue.now)}: ${text}`);
  }

  /** Runs on for so long. */
  run(ms: number): void {
    const end = this.queue.now + ms;
    while (this.queue.now < end) {
      this.queue.runUntil(Math.min(end, this.queue.now + Referee.LOOK_MS));
      this.referee.look();
    }
  }

  /** Ids of the nodes that answer for the VIP. */
  get owners(): number[] {
    return this.nodes.filter((node) => node.hasVip).map(({ id }) => id);
  }
}
