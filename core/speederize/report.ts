/** `dlba speed report`: what moves, why, and what it saves. */
import type { Advice } from "./advisor.ts";
import type { Decisions } from "./decisions.ts";
import type { ProcessWindow } from "./run_files.ts";

/** What the control process says, as a file beside the decisions. */
export interface SpeedState {
  readonly mode: string;
  readonly decisions: Decisions;
  readonly requests_per_second: number;
  /** Best first. */
  readonly advice: readonly Advice[];
  /** Bytes that did not burden the web servers, in the last window, about. */
  readonly saved_bytes: number;
  readonly window_seconds: number;
}

export interface SpeedReport extends SpeedState {
  readonly node: string;
  /** Pages and stylesheets that were rewritten by the processes that run. */
  readonly rewritten: number;
  readonly doubts: Readonly<Record<string, number>>;
  readonly cache: { readonly bytes: number; readonly hits: number; readonly misses: number };
}

/** Paths shown before the rest is only counted. */
const SHOWN = 30;

export function speedReport(node: string, state: SpeedState, windows: readonly ProcessWindow[]): SpeedReport {
  const doubts: Record<string, number> = {};
  const cache = { bytes: 0, hits: 0, misses: 0 };
  let rewritten = 0;
  for (const window of windows) {
    rewritten += window.rewritten;
    for (const [name, count] of Object.entries(window.doubts)) doubts[name] = (doubts[name] ?? 0) + count;
    cache.bytes += window.cache.bytes;
    cache.hits += window.cache.hits;
    cache.misses += window.cache.misses;
  }
  return { node, ...state, rewritten, doubts, cache };
}

export function speedText(report: SpeedReport): string {
  const { node, mode, decisions, advice, cache, doubts } = report;
  const place = decisions.toCdn ? "content moves to the CDN" : "content stays local: the load is low";
  const lines = [
    `Node ${node}: advisor ${mode}; ${place} (${report.requests_per_second.toFixed(1)} requests/s); ` +
    `decisions version ${decisions.version}`,
    `Rewritten: ${report.rewritten} responses. Page cache: ${
      bytesText(cache.bytes)
    }, ${cache.hits} hits, ${cache.misses} misses`,
    `Saved in the last ${report.window_seconds} s: about ${bytesText(report.saved_bytes)}`,
  ];
  const doubted = Object.entries(doubts).filter(([, count]) => count > 0);
  if (doubted.length > 0) {
    lines.push(`Untouched by doubt: ${doubted.map(([name, count]) => `${name} ${count}`).join(", ")}`);
  }
  if (decisions.down.length > 0) lines.push(`Without an answer, nothing moves there: ${decisions.down.join(", ")}`);
  if (decisions.withdrawn.length > 0) lines.push(`Withdrawn, their copy fails: ${decisions.withdrawn.join(", ")}`);
  if (advice.length > 0) {
    lines.push("", "  moves  saves    hits  bytes   ms     clients  path (why)");
    for (const { path, score, isChosen, reason, hits, bytes, latency_ms, clients } of advice.slice(0, SHOWN)) {
      const cells = [
        (isChosen ? "yes" : "no").padEnd(5),
        bytesText(score).padEnd(7),
        `${hits}`.padEnd(4),
        bytesText(bytes).padEnd(6),
        latency_ms.toFixed(1).padEnd(5),
        clients.toFixed(0).padEnd(7),
        `${path} (${reason})`,
      ];
      lines.push(`  ${cells.join("  ")}`);
    }
    if (advice.length > SHOWN) lines.push(`  and ${advice.length - SHOWN} more; --json shows all`);
  }
  return lines.join("\n");
}

function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1000;
  return `${unit === 0 ? Math.round(bytes) : bytes.toFixed(1)}${units[unit]}`;
}
