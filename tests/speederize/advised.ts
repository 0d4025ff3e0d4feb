/** The advisor on a trace, beside an oracle that knows what will be asked for. */
import { Advisor } from "../../core/speederize/advisor.ts";
import { Sampler } from "../../core/speederize/sampler.ts";
import type { Trace, TraceUrl } from "./zipf.ts";

export interface Advised {
  /** Bytes that the advisor's choice saves in the next windows, of those that the best choice would. */
  readonly ratio: number;
  /** Paths that came and went after the first windows. */
  readonly changes: number;
}

const WINDOW_S = 30;

/** @param maxUrls most that may move @param share looked at */
export function advise(trace: Trace, maxUrls: number, share: number, windows: number, requests: number): Advised {
  const advisor = new Advisor({ maxUrls, share });
  const sampler = new Sampler(Math.max(1_000, 4 * maxUrls), share, () => trace.random());
  let saved = 0, best = 0, changes = 0;
  let before: ReadonlySet<string> = new Set();
  for (let window = 0; window < windows; window++) {
    const counts = new Map<TraceUrl, number>();
    for (let i = 0; i < requests; i++) {
      const url = trace.next();
      counts.set(url, (counts.get(url) ?? 0) + 1);
      if (!sampler.takes()) continue;
      // What moved is seen only by the pages that refer to it.
      if (advisor.chosen.has(url.path)) sampler.referred(url.path);
      else sampler.saw({ ...url, latencyMs: 0, client: `${i % 50}` });
    }
    const savings = [...counts].map(([url, hits]) => ({ path: url.path, bytes: saving(url, hits) }));
    if (window > 0) {
      saved += savings.reduce((sum, { path, bytes }) => advisor.chosen.has(path) ? sum + bytes : sum, 0);
      best += savings.map(({ bytes }) => bytes).sort((a, b) => b - a).slice(0, maxUrls).reduce((a, b) => a + b, 0);
    }
    advisor.step(sampler.takeWindow().paths, WINDOW_S, new Set());
    if (window > 2) changes += [...advisor.chosen].filter((path) => !before.has(path)).length;
    before = advisor.chosen;
  }
  return { ratio: saved / best, changes };
}

/** What the CDN keeps off the web servers: all but what it fetches itself. */
function saving({ bytes, lifetimeS }: TraceUrl, hits: number): number {
  return lifetimeS === 0 ? 0 : bytes * Math.max(0, hits - Math.max(1, WINDOW_S / lifetimeS));
}
