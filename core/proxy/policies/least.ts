/** The least loaded back end: by requests under way, or by how long those would take. What other processes send there is not known. */
import { type Candidate, type Candidates, type Policy } from "./policy.ts";

/** One of which nothing is known yet comes first; 1 us is finer than the loop's clock. */
const UNKNOWN_MS = 0.001;

export class Least implements Policy {
  readonly hashes = false;
  /** Where the next search begins: of equals not always the first is taken. */
  #start = 0;

  /**
   * @param of connections: one more request there, for its share; response_time: times what a request there took lately. No function
   * that says so: a call for each candidate takes as long as all the rest.
   */
  constructor(readonly of: "connections" | "response_time") {}

  choose<C extends Candidate>(among: Candidates<C>): C | undefined {
    const isTimed = this.of === "response_time";
    let best: C | undefined;
    let least = Infinity;
    let leastShare = 1;
    const { length } = among;
    if (++this.#start >= length) this.#start = 0;
    for (let i = 0, at = this.#start; i < length; i++) {
      const candidate = among[at]!;
      if (++at === length) at = 0;
      if (!candidate.hasRoom) continue;
      const cost = (isTimed ? candidate.responseMs + UNKNOWN_MS : 1) * (candidate.inUse + 1);
      const { share } = candidate;
      // Compares cost / share without a division for each.
      if (cost * leastShare >= least * share) continue;
      least = cost;
      leastShare = share;
      best = candidate;
    }
    return best;
  }
}

/** Requests under way there with one more, for its share. */
export function queueFor(candidate: Candidate): number {
  return (candidate.inUse + 1) / candidate.share;
}
