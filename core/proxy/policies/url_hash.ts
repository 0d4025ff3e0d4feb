/**
 * URL hash: what is asked for decides, so that each back end's cache holds its own part of the content. Consistent: one that leaves has
 * its part spread over the others, and nothing else moves.
 */
import { type Entry, maglevTable, TABLE_SIZE } from "./maglev.ts";
import { type Candidate, type Candidates, type Policy } from "./policy.ts";
import { mix } from "./text_hash.ts";

/** Further places that a hash is looked up at, before all candidates are looked through. */
const PROBES = 64;
/** Added to a hash from place to place: 2^32 divided by the golden ratio. */
const STEP = 0x9e3779b9;
/** A candidate of part of its weight takes the hashes whose bits, as a fraction, are below that part. */
const FRACTION_SEED = 0x51ed270b;

export class UrlHash implements Policy {
  readonly hashes = true;
  #table: Uint16Array;
  #of: Candidates = [];
  /** By their index in the pool. */
  #candidates: (Candidate | undefined)[] = [];
  #shares = 0;

  /**
   * @param entries all back ends of the pool, by their index
   * @param bound how many times its share of the requests under way a back end takes at most; undefined takes all (Mirrokni and
   * others, "Consistent Hashing with Bounded Loads", 2016)
   */
  constructor(entries: readonly Entry[], readonly bound?: number) {
    this.#table = maglevTable(entries);
  }

  choose<C extends Candidate>(among: Candidates<C>, hash: number): C | undefined {
    if (this.#of !== among) this.#takeUp(among);
    const perShare = this.bound === undefined ? Infinity : this.#boundPerShare(among, this.bound);
    for (let probe = 0, at = hash; probe < PROBES; probe++, at = mix((at + STEP) | 0)) {
      const candidate = this.#candidates[this.#table[at % TABLE_SIZE]!];
      if (candidate === undefined || !candidate.hasRoom || candidate.inUse >= perShare * candidate.share) continue;
      if (candidate.fraction < 1 && mix(at ^ FRACTION_SEED) >= candidate.fraction * 0x1_0000_0000) continue;
      return candidate as C;
    }
    return lastResort(among, hash);
  }

  #takeUp(among: Candidates): void {
    this.#of = among;
    this.#candidates = [];
    for (const candidate of among) this.#candidates[candidate.index] = candidate;
    this.#shares = among.reduce((sum, candidate) => sum + candidate.share, 0);
  }

  /** Requests that one may have for each unit of its share: the average with the request that comes, times the bound. */
  #boundPerShare(among: Candidates, bound: number): number {
    let inUse = 1;
    for (const candidate of among) inUse += candidate.inUse;
    return inUse / this.#shares * bound;
  }
}

/** The highest of a hash of each with room: found wherever the others are. */
function lastResort<C extends Candidate>(among: Candidates<C>, hash: number): C | undefined {
  let best: C | undefined;
  let highest = -1;
  for (const candidate of among) {
    const height = mix(hash ^ Math.imul(candidate.index + 1, STEP));
    if (!candidate.hasRoom || height <= highest) continue;
    highest = height;
    best = candidate;
  }
  return best;
}
