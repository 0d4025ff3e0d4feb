/** Chooses what a CDN would serve better, from what the samplers saw (seed, "Speederizing Content"). Pure: a clock is its windows. */
import type { SampledPath } from "./sampler.ts";

export interface AdvisorLimits {
  /** Most paths that move. */
  readonly maxUrls: number;
  /** Share of the responses that were looked at, 0 to 1. */
  readonly share: number;
}

export interface Advice {
  readonly path: string;
  /** What a window's responses would no longer cost the web servers, bytes, smoothed over windows. */
  readonly score: number;
  readonly isChosen: boolean;
  /** Why, or why not. */
  readonly reason:
    | "saves most"
    | "stays"
    | "saves less"
    | "not cacheable"
    | "asked for too seldom"
    | "not seen here"
    | "withdrawn";
  readonly hits: number;
  readonly bytes: number;
  readonly latency_ms: number;
  readonly clients: number;
}

/** What a new window counts beside all before it. */
const NEW_SHARE = 0.5;
/** A path that moves stays until its score is below that part of the last one's that is chosen, so that pages do not flap. */
const STAYS_ABOVE = 0.5;
/** Back ends' time counts as if so many bytes took a millisecond: a 10 Mbit/s client's share of a link. */
const BYTES_A_MS = 1_250;
/** A path that saves fewer bytes in a window is not worth a change of pages. */
const LEAST_SAVING = 10_000;
/** Paths that are kept in mind beyond those that may move. */
const REMEMBERED = 4;

interface Known {
  readonly last: SampledPath;
  readonly score: number;
  readonly isCacheable: boolean;
}

export class Advisor {
  #known = new Map<string, Known>();
  #chosen: ReadonlySet<string> = new Set();
  #advice: readonly Advice[] = [];

  constructor(readonly limits: AdvisorLimits) {}

  get chosen(): ReadonlySet<string> {
    return this.#chosen;
  }

  /** Best first. */
  get advice(): readonly Advice[] {
    return this.#advice;
  }

  /** Bytes that moved away from the web servers in a window, about. */
  get saved(): number {
    return this.#advice.reduce((sum, { score, isChosen }) => isChosen ? sum + score : sum, 0);
  }

  /** Takes the paths of one window and chooses anew. @param seconds how long the window was */
  step(paths: readonly SampledPath[], seconds: number, withdrawn: ReadonlySet<string>): void {
    const known = new Map<string, Known>();
    for (const [path, { last, score, isCacheable }] of this.#known) {
      known.set(path, { last: { ...last, hits: 0 }, score: score * (1 - NEW_SHARE), isCacheable });
    }
    for (const seen of paths) {
      const before = known.get(seen.path)?.score;
      const path = described(seen, known.get(seen.path)?.last);
      const now = saving(path, seconds, this.limits.share);
      // The first window counts whole: there is nothing before it.
      const score = before === undefined ? now : before + NEW_SHARE * now;
      known.set(path.path, { last: path, score, isCacheable: path.cacheable > 0.5 });
    }
    const ranked = [...known].sort(([, a], [, b]) => b.score - a.score);
    this.#choose(ranked, withdrawn);
    this.#known = new Map(ranked.slice(0, REMEMBERED * this.limits.maxUrls));
  }

  #choose(ranked: readonly (readonly [string, Known])[], withdrawn: ReadonlySet<string>): void {
    const { maxUrls } = this.limits;
    const fit = ranked.filter(([path, { score, isCacheable }]) =>
      score >= LEAST_SAVING && isCacheable && !withdrawn.has(path)
    );
    const best = new Set(fit.slice(0, maxUrls).map(([path]) => path));
    const cutoff = fit[Math.min(maxUrls, fit.length) - 1]?.[1].score ?? 0;
    // Those that move already give way only to what is clearly better.
    const staying = fit.filter(([path, { score }]) => this.#chosen.has(path) && score >= STAYS_ABOVE * cutoff);
    const chosen = new Set(staying.slice(0, maxUrls).map(([path]) => path));
    for (const path of best) {
      if (chosen.size >= maxUrls) break;
      chosen.add(path);
    }
    this.#advice = ranked.slice(0, REMEMBERED * maxUrls).map(([path, { last, score, isCacheable }]) => {
      const isChosen = chosen.has(path);
      const reason = withdrawn.has(path)
        ? "withdrawn"
        : isChosen
        ? best.has(path) ? "saves most" : "stays"
        : last.counted === 0
        ? "not seen here"
        : !isCacheable
        ? "not cacheable"
        : score < LEAST_SAVING
        ? "asked for too seldom"
        : "saves less";
      const { hits, bytes, latency_ms, clients } = last;
      return { path, score, isChosen, reason, hits, bytes, latency_ms, clients };
    });
    this.#chosen = chosen;
  }
}

/**
 * What the web servers would no longer send in the window, bytes: the CDN fetches a path once a lifetime, and at least once; every other
 * hit is its own. Of the hits the error may be another path's.
 */
export function saving(
  { hits, error, bytes, latency_ms, cacheable, lifetime_s }: SampledPath,
  seconds: number,
  share: number,
): number {
  const real = (hits - error / 2) / share;
  const fetches = lifetime_s > 0 ? Math.max(1, seconds / lifetime_s) : real;
  return Math.max(0, cacheable * (real - fetches)) * (bytes + latency_ms * BYTES_A_MS);
}

/** What moved is not seen any more but by the pages that refer to it: what it is like is known from before. */
function described(seen: SampledPath, last: SampledPath | undefined): SampledPath {
  return seen.counted > 0 || last === undefined ? seen : { ...last, hits: seen.hits, error: seen.error };
}

/** The same path of several processes as one. */
export function merged(windows: readonly (readonly SampledPath[])[]): SampledPath[] {
  const paths = new Map<string, SampledPath>();
  for (const path of windows.flat()) {
    const other = paths.get(path.path);
    if (other === undefined) {
      paths.set(path.path, path);
      continue;
    }
    const counted = other.counted + path.counted;
    const mean = (a: number, b: number) => (a * other.counted + b * path.counted) / Math.max(1, counted);
    paths.set(path.path, {
      path: path.path,
      hits: other.hits + path.hits,
      error: other.error + path.error,
      counted,
      bytes: mean(other.bytes, path.bytes),
      latency_ms: mean(other.latency_ms, path.latency_ms),
      cacheable: mean(other.cacheable, path.cacheable),
      lifetime_s: mean(other.lifetime_s, path.lifetime_s),
      clients: Math.max(other.clients, path.clients),
    });
  }
  return [...paths.values()];
}
