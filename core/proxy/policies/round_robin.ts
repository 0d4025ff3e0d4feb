/** Smooth weighted round robin: in turn, by weight, and a heavy one not several times in a row. */
import { type Candidate, type Candidates, type Policy } from "./policy.ts";

export class RoundRobin implements Policy {
  readonly hashes = false;

  choose<C extends Candidate>(among: Candidates<C>): C | undefined {
    let best: C | undefined;
    let total = 0;
    for (const candidate of among) {
      if (!candidate.hasRoom) continue;
      const share = candidate.share;
      candidate.credit += share;
      total += share;
      if (best === undefined || candidate.credit > best.credit) best = candidate;
    }
    if (best !== undefined) best.credit -= total;
    return best;
  }
}
