/** The simulated wire: what one node sends another, lost, late, twice, or not at all. Times in ms. */
import type { Random } from "./random.ts";

interface Way {
  /** Faults that block it now. */
  blocks: number;
  /** Probability that what is sent is lost. */
  loss: number;
  /** Longest delay beside that of the wire. */
  slowness: number;
}

/** Delay of a wire without faults, at most. */
const WIRE_MS = 3;
const DUPLICATES = 0.05;

export class Network {
  #ways: Way[];
  /** Nodes without a carrier. */
  readonly down = new Set<number>();
  /** Grows with each change. */
  generation = 0;

  constructor(readonly nodes: number, readonly random: Random) {
    this.#ways = Array.from({ length: nodes * nodes }, () => ({ blocks: 0, loss: 0, slowness: 0 }));
  }

  /** Delays after which copies of what is sent now arrive; none when it is lost. */
  deliveries(from: number, to: number): number[] {
    const { blocks, loss, slowness } = this.#way(from, to);
    if (blocks > 0 || this.down.has(from) || this.down.has(to)) return [];
    if (loss > 0 && this.random.chance(loss)) return [];
    const delay = () => this.random.next() * (WIRE_MS + slowness);
    return this.random.chance(DUPLICATES) ? [delay(), delay()] : [delay()];
  }

  /** Whether an echo comes back within the time that is given to it. */
  echoes(from: number, to: number, withinMs: number): boolean {
    const there = this.deliveries(from, to)[0], back = this.deliveries(to, from)[0];
    return there !== undefined && back !== undefined && there + back <= withinMs;
  }

  /** Whether the two can exchange frames, without any fault between them. */
  isClean(one: number, other: number): boolean {
    const isGood = ({ blocks, loss, slowness }: Way) => blocks === 0 && loss === 0 && slowness === 0;
    return !this.down.has(one) && !this.down.has(other) && isGood(this.#way(one, other)) &&
      isGood(this.#way(other, one));
  }

  /** Whether some of what the two send one another arrives. */
  isOpen(one: number, other: number): boolean {
    return !this.down.has(one) && !this.down.has(other) && this.#way(one, other).blocks === 0 &&
      this.#way(other, one).blocks === 0;
  }

  /** Whether anything of the others can reach the node. */
  isDeaf(node: number): boolean {
    for (let other = 0; other < this.nodes; other++) {
      if (other !== node && this.#way(other, node).blocks === 0) return false;
    }
    return true;
  }

  block(from: number, to: number, blocked: boolean): void {
    this.#way(from, to).blocks += blocked ? 1 : -1;
    this.generation++;
  }

  disturb(from: number, to: number, { loss, slowness }: { loss: number; slowness: number }): void {
    Object.assign(this.#way(from, to), { loss, slowness });
    this.generation++;
  }

  setDown(node: number, isDown: boolean): void {
    if (isDown) this.down.add(node);
    else this.down.delete(node);
    this.generation++;
  }

  #way(from: number, to: number): Way {
    return this.#ways[from * this.nodes + to]!;
  }
}
