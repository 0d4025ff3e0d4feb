/** Two at random, by weight, and the less loaded of them: nearly as even as least connections, and no two nodes pick the same one at once. */
import { queueFor } from "./least.ts";
import { type Candidate, type Candidates, type Policy } from "./policy.ts";

export class RandomOfTwo implements Policy {
  readonly hashes = false;
  #of: Candidates = [];
  /** Sums of the shares up to each of them. */
  #sums = new Float64Array(0);

  /** @param random from 0, below 1 */
  constructor(readonly random: () => number) {}

  choose<C extends Candidate>(among: Candidates<C>): C | undefined {
    if (among.length === 0) return undefined;
    if (this.#of !== among) this.#sumUp(among);
    const one = among[this.#pick()]!;
    const other = among[this.#pick()]!;
    if (!one.hasRoom || !other.hasRoom) return one.hasRoom ? one : other.hasRoom ? other : this.#anyWithRoom(among);
    return queueFor(one) <= queueFor(other) ? one : other;
  }

  #sumUp(among: Candidates): void {
    this.#of = among;
    this.#sums = new Float64Array(among.length);
    let sum = 0;
    among.forEach((candidate, i) => this.#sums[i] = sum += candidate.share);
  }

  /** The first whose sum is above a random part of all. */
  #pick(): number {
    const sums = this.#sums;
    const wanted = this.random() * sums[sums.length - 1]!;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #anyWithRoom<C extends Candidate>(among: Candidates<C>): C | undefined {
    const start = Math.floor(this.random() * among.length);
    return among.find(({ hasRoom }, i) => hasRoom && i >= start) ?? among.find(({ hasRoom }) => hasRoom);
  }
}
