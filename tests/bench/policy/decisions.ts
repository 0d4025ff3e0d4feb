/** What one decision of each policy costs, and how long Maglev's table takes to build: this process's own CPU time, with 100 back ends. */
import process from "node:process";
import { hashOf } from "../../../core/proxy/policies/hashed_part.ts";
import { Least } from "../../../core/proxy/policies/least.ts";
import { type Entry, maglevTable } from "../../../core/proxy/policies/maglev.ts";
import type { Candidate, Policy } from "../../../core/proxy/policies/policy.ts";
import { RandomOfTwo } from "../../../core/proxy/policies/random_of_two.ts";
import { RoundRobin } from "../../../core/proxy/policies/round_robin.ts";
import { UrlHash } from "../../../core/proxy/policies/url_hash.ts";
import { bar, type Found, median, row, together } from "../report.ts";

const BACK_ENDS = 100;
const DECISIONS = 200_000;
/** Requests under way, spread as the policy spread them. */
const UNDER_WAY = 500;
const DECISION_LIMIT_US = 1;
const BUILD_LIMIT_MS = 50;
/** Of the length of a usual target. */
const TARGETS = Array.from(
  { length: 1_024 },
  (_, i) => `/shop/catalogue/items/${i}/picture.jpg?size=large&version=${i % 9}`,
);

interface MutableCandidate extends Candidate {
  inUse: number;
}

export function measureDecisions(rounds: number): Found {
  const entries: Entry[] = Array.from({ length: BACK_ENDS }, (_, i) => ({ name: String(i + 1), weight: 1 + i % 3 }));
  const policies: Readonly<Record<string, () => Policy>> = {
    round_robin: () => new RoundRobin(),
    least_connections: () => new Least("connections"),
    least_response_time: () => new Least("response_time"),
    random_of_two: () => new RandomOfTwo(Math.random),
    url_hash: () => new UrlHash(entries),
    url_hash_bounded: () => new UrlHash(entries, 1.25),
  };
  const found = Object.entries(policies).map(([name, make]) => {
    const values = Array.from({ length: rounds + 1 }, () => decide(make(), entries)).slice(1);
    return figures(`policy.${name}.decision_us`, "us", values, DECISION_LIMIT_US);
  });
  const builds = Array.from({ length: rounds + 1 }, () => {
    const start = cpuMicroseconds();
    maglevTable(entries);
    return (cpuMicroseconds() - start) / 1000;
  }).slice(1);
  return together([...found, figures("policy.maglev_build_ms", "ms", builds, BUILD_LIMIT_MS)]);
}

function figures(name: string, unit: string, values: readonly number[], limit: number): Found {
  return { rows: [row(name, unit, values)], bars: [bar(name, median(values), limit, "lower")] };
}

/** us a decision: the hash of what is asked for included where the policy goes by it. */
function decide(policy: Policy, entries: readonly Entry[]): number {
  const all: MutableCandidate[] = entries.map(({ weight }, index) => ({
    index,
    weight,
    fraction: 1,
    share: weight,
    inUse: 0,
    hasRoom: true,
    responseMs: 1 + index % 7,
    credit: 0,
  }));
  const hash = hashOf("url", 1);
  const underWay: MutableCandidate[] = [];
  const start = cpuMicroseconds();
  for (let i = 0; i < DECISIONS; i++) {
    const request = { host: "shop.example", target: TARGETS[i % TARGETS.length]! };
    const chosen = policy.choose(all, policy.hashes ? hash(request) : 0)!;
    chosen.inUse++;
    const at = i % UNDER_WAY;
    if (i >= UNDER_WAY) underWay[at]!.inUse--;
    underWay[at] = chosen;
  }
  return (cpuMicroseconds() - start) / DECISIONS;
}

/** Of this process: what else the machine does counts less. */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
