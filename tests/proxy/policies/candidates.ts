/** Back ends as the policies see them, without any proxy. */
import type { Candidate } from "../../../core/proxy/policies/policy.ts";

export interface TestCandidate extends Candidate {
  fraction: number;
  share: number;
  inUse: number;
  hasRoom: boolean;
  responseMs: number;
}

export function candidates(count: number, weight: (index: number) => number = () => 1): TestCandidate[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    weight: weight(index),
    fraction: 1,
    share: weight(index),
    inUse: 0,
    hasRoom: true,
    responseMs: 0,
    credit: 0,
  }));
}

/** xorshift32: chance that is the same in every run. */
export function seeded(state: number): () => number {
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
}

/** How often `choose` took each of `count`. */
export function tally(count: number, times: number, choose: (i: number) => number): number[] {
  const taken = new Array<number>(count).fill(0);
  for (let i = 0; i < times; i++) taken[choose(i)]!++;
  return taken;
}

/** The largest deviation from the expected part, in parts of that. */
export function deviation(taken: readonly number[], weight: (index: number) => number = () => 1): number {
  const total = taken.reduce((sum, count) => sum + count, 0);
  const weights = taken.map((_, i) => weight(i));
  const sum = weights.reduce((one, other) => one + other, 0);
  return Math.max(...taken.map((count, i) => Math.abs(count / (total * weights[i]! / sum) - 1)));
}
