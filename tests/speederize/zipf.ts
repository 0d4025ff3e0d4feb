/** A trace as a shop's is: few URLs are asked for often, most seldom; sizes and headers differ. Made from a seed. */

export interface TraceUrl {
  readonly path: string;
  readonly bytes: number;
  readonly lifetimeS: number;
  /** Part of all requests. */
  readonly share: number;
}

export interface Trace {
  readonly urls: readonly TraceUrl[];
  /** The next request. */
  next(): TraceUrl;
  /** From 0 to below 1. */
  random(): number;
}

/** mulberry32. */
export function randomOf(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** @param exponent of Zipf's law: web traces have 0.7 to 1 (Breslau and others 1999) */
export function zipfTrace(count: number, exponent: number, seed: number): Trace {
  const random = randomOf(seed);
  const weights = Array.from({ length: count }, (_, i) => 1 / (i + 1) ** exponent);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // Rank and size do not go together.
  const urls = weights.map((weight, i): TraceUrl => ({
    path: `/static/${i.toString(36)}`,
    bytes: Math.round(2_000 * Math.exp(2 * normal(random))),
    // A fifth may not be kept by anybody.
    lifetimeS: random() < 0.2 ? 0 : [60, 3_600, 86_400][Math.floor(3 * random())]!,
    share: weight / total,
  }));
  const ends = new Float64Array(count);
  urls.reduce((sum, { share }, i) => ends[i] = sum + share, 0);
  const next = () => {
    const at = random();
    let low = 0, high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return urls[low]!;
  };
  return { urls, next, random };
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
