/** Watches a simulated array: one owner an epoch, never two owners or none for longer than docs/failover.md says. */
import { hasMajority } from "../../core/failover/membership.ts";
import type { SimulatedNode } from "./simulated_node.ts";
import type { Simulation } from "./simulator.ts";

/** docs/failover.md, "What it promises"; at the default intervals, ms. */
export const TWO_OWNERS_MS = 1000;
/** Where the process of one stands still or has ended, so that it hears nothing: the rest of its lease. */
export const STANDING_OWNER_MS = 5000;
export const NO_OWNER_MS = 6000;
/** But for one schedule in a thousand, ms. */
export const USUAL_NO_OWNER_MS = 2500;

export class Referee {
  /** How often it looks, ms. */
  static readonly LOOK_MS = 10;
  #simulation: Simulation;
  #claims = new Map<number, number>();
  /** Since when two owners could talk, by what is said of the pair. */
  #twoSince = new Map<string, number>();
  /** Since when a majority is connected and has no owner. */
  #noneSince: number | undefined;
  #cliques: { readonly key: string; readonly found: readonly (readonly SimulatedNode[])[] } | undefined;
  worstTwo = 0;
  worstNone = 0;
  failure: string | undefined;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** How often a node took the VIP. */
  get claims(): number {
    return this.#claims.size;
  }

  claimed(node: number, epoch: number): void {
    const other = this.#claims.get(epoch);
    if (other !== undefined) this.#fail(`epoch ${epoch} is claimed by node ${node}, and was by node ${other}`);
    this.#claims.set(epoch, node);
  }

  look(): void {
    this.#lookForTwo();
    this.#lookForNone();
  }

  #fail(what: string): void {
    this.failure ??= `${Math.round(this.#simulation.queue.now)}: ${what}`;
  }

  #lookForTwo(): void {
    const { nodes, network, queue: { now } } = this.#simulation;
    const owners = nodes.filter((node) => node.hasVip);
    const pairs = owners.flatMap((one, i) => owners.slice(i + 1).map((other) => [one, other] as const))
      .filter(([one, other]) => network.isClean(one.id, other.id));
    const found = new Map<string, boolean>();
    for (const [one, other] of pairs) {
      const areRunning = one.isRunning && other.isRunning;
      found.set(`${one.id} and ${other.id}${areRunning ? "" : ", of which one stands still,"}`, areRunning);
    }
    for (const pair of this.#twoSince.keys()) if (!found.has(pair)) this.#twoSince.delete(pair);
    for (const [pair, areRunning] of found) {
      const since = this.#twoSince.get(pair) ?? now;
      this.#twoSince.set(pair, since);
      if (areRunning) this.worstTwo = Math.max(this.worstTwo, now - since);
      if (now - since <= (areRunning ? TWO_OWNERS_MS : STANDING_OWNER_MS)) continue;
      this.#fail(`nodes ${pair} both have the VIP for ${now - since} ms`);
    }
  }

  #lookForNone(): void {
    const { nodes, network, queue: { now } } = this.#simulation;
    const owners = nodes.filter((node) => node.hasVip);
    const orphan = this.#majorities().find((clique) =>
      !owners.some((owner) => clique.some((node) => node === owner || network.isOpen(node.id, owner.id)))
    );
    if (!orphan) return void (this.#noneSince = undefined);
    this.#noneSince ??= now;
    this.worstNone = Math.max(this.worstNone, now - this.#noneSince);
    if (now - this.#noneSince <= NO_OWNER_MS) return;
    this.#fail(`nodes ${orphan.map(({ id }) => id)} are a majority and have no owner for ${now - this.#noneSince} ms`);
  }

  /** Sets of running nodes that can all talk to one another and are more than half of the members that each of them knows. */
  #majorities(): readonly (readonly SimulatedNode[])[] {
    const { nodes, network } = this.#simulation;
    const key = [
      network.generation,
      ...nodes.map(({ isRunning, disk: { membership: { epoch, sequence } } }) => `${isRunning} ${epoch} ${sequence}`),
    ].join();
    if (this.#cliques?.key === key) return this.#cliques.found;
    const found: SimulatedNode[][] = [];
    for (let set = 1; set < 1 << nodes.length; set++) {
      const group = nodes.filter(({ id, isRunning }) => set >> id & 1 && isRunning);
      if (group.length < 2 || !isWhole(set, group)) continue;
      if (!group.every((one, i) => group.slice(i + 1).every((other) => network.isClean(one.id, other.id)))) continue;
      const ids = new Set(group.map(({ id }) => id));
      if (group.every(({ members }) => hasMajority(members, ids))) found.push(group);
    }
    this.#cliques = { key, found };
    return found;
  }
}

function isWhole(set: number, group: readonly SimulatedNode[]): boolean {
  return group.reduce((sum, { id }) => sum | 1 << id, 0) === set;
}
