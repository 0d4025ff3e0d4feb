/** What a scheduling policy of a pool is: from the back ends that may take a request it picks one. Pure but for a source of chance. */

/** A back end as a policy sees it. */
export interface Candidate {
  /** Its place in the pool, from 0: the same on every node. */
  readonly index: number;
  /** What it bears beside the others at its best. */
  readonly weight: number;
  /** The part of its weight that it bears now, above 0 and at most 1: a slow start, a loaded machine. */
  readonly fraction: number;
  /** What it bears now: that part of its weight. */
  readonly share: number;
  /** Requests on their way to it from this process. */
  readonly inUse: number;
  /** It may take one more. */
  readonly hasRoom: boolean;
  /** Time to the head of a response, ms: recent ones count more; 0 when nothing is known. */
  readonly responseMs: number;
  /** Smooth weighted round robin: what it is owed. */
  credit: number;
}

/** Those that may take a request now. A list and its fractions stay as they are: what changes comes in another list. */
export type Candidates<C extends Candidate = Candidate> = readonly C[];

export interface Policy {
  /** @param hash of the request, where {@linkcode hashes} says so; undefined when none of the candidates has room */
  choose<C extends Candidate>(among: Candidates<C>, hash: number): C | undefined;
  /** It goes by what is asked for. */
  readonly hashes: boolean;
}
