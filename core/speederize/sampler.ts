/** Looks at a share of the responses and keeps what the advisor needs of them, in constant memory. */
import { HeavyHitters } from "./heavy_hitters.ts";
import { HASH_START, hashByte } from "./placement.ts";

/** What is known of the responses of one path. */
class Notes {
  bytes = 0;
  latencyMs = 0;
  /** Responses that a shared cache may keep, and how long in all, s. */
  cacheable = 0;
  lifetimes = 0;
  counted = 0;
  /** A bit for each of 32 groups of clients: how many differ, by linear counting. */
  clients = 0;
}

/** A path as it was seen in one window; sums are over the responses that were looked at. */
export interface SampledPath {
  readonly path: string;
  readonly hits: number;
  readonly error: number;
  /** Of the hits those whose response passed here: the means are of them. The others are of pages that refer to the CDN's copy. */
  readonly counted: number;
  /** Mean length, bytes. */
  readonly bytes: number;
  /** Mean time of the back end, ms. */
  readonly latency_ms: number;
  /** Share of the responses that a shared cache may keep, and their mean lifetime, s. */
  readonly cacheable: number;
  readonly lifetime_s: number;
  /** Distinct clients, about; 32 groups at most are told apart. */
  readonly clients: number;
}

export interface Seen {
  readonly path: string;
  readonly bytes: number;
  readonly latencyMs: number;
  /** How long a shared cache may keep it, s; 0 where it may not. */
  readonly lifetimeS: number;
  readonly client: string;
}

const GROUPS = 32;

export class Sampler {
  #hitters: HeavyHitters<Notes>;
  /** All responses that passed, looked at or not. */
  responses = 0;

  /** @param share of the responses that are looked at, 0 to 1 @param random from 0 to below 1 */
  constructor(readonly capacity: number, readonly share: number, readonly random: () => number = Math.random) {
    this.#hitters = new HeavyHitters(capacity, () => new Notes());
  }

  /** Counts a response; true when it is to be looked at. */
  takes(): boolean {
    this.responses++;
    return this.share >= 1 || this.random() < this.share;
  }

  saw({ path, bytes, latencyMs, lifetimeS, client }: Seen): void {
    const notes = this.#hitters.hit(path);
    notes.counted++;
    notes.bytes += bytes;
    notes.latencyMs += latencyMs;
    if (lifetimeS > 0) {
      notes.cacheable++;
      notes.lifetimes += lifetimeS;
    }
    let hash = HASH_START;
    for (let i = 0; i < client.length; i++) hash = hashByte(hash, client.charCodeAt(i));
    notes.clients |= 1 << ((hash >>> 8) & (GROUPS - 1));
  }

  /** A page that was looked at refers to the path on the CDN: the hit itself is not seen here. */
  referred(path: string): void {
    this.#hitters.hit(path);
  }

  /** What was seen since the last time. */
  takeWindow(): { readonly responses: number; readonly paths: SampledPath[] } {
    const paths = this.#hitters.all().map(({ key, hits, error, notes }) => ({
      path: key,
      hits,
      error,
      counted: notes.counted,
      bytes: notes.bytes / Math.max(1, notes.counted),
      latency_ms: notes.latencyMs / Math.max(1, notes.counted),
      cacheable: notes.cacheable / Math.max(1, notes.counted),
      lifetime_s: notes.cacheable === 0 ? 0 : notes.lifetimes / notes.cacheable,
      clients: distinct(notes.clients),
    }));
    const { responses } = this;
    this.responses = 0;
    this.#hitters = new HeavyHitters(this.capacity, () => new Notes());
    return { responses, paths };
  }
}

/** Linear counting (Whang, Vander-Zanden, Taylor 1990). */
function distinct(bits: number): number {
  let empty = 0;
  for (let i = 0; i < GROUPS; i++) if ((bits & (1 << i)) === 0) empty++;
  return empty === 0 ? GROUPS * Math.log(GROUPS) : GROUPS * Math.log(GROUPS / empty);
}
