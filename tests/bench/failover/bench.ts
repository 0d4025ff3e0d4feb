/** `deno task bench failover`: what clients see while nodes die, stand still, are cut off or hand over; beside keepalived. */
import { delay } from "../../../core/delay.ts";
import { Progress } from "../progress.ts";
import { type Bar, bar, type Bench, type Found, median, type Row, row, together } from "../report.ts";
import { FailoverArray } from "./array.ts";
import { CONT, DEATH, type Fault, HANDOVER, LINK_DOWN, ONE_WAY, PROCESS_KILLED, SERVER_DEATH, STOP } from "./faults.ts";
import { type Interval, keepalivedGaps } from "./keepalived.ts";
import { lostOf, type Outcome, round } from "./round.ts";
import { withWitness } from "./witness.ts";

const NODES = 3;
const MANY_NODES = 8;
/** How often a table is looked at, ms. */
const LOOK_MS = 5;

const GAP_LIMIT_MS = 500;
const GAP_VS_KEEPALIVED_LIMIT = 0.25;
const TWO_OWNER_LIMIT_MS = 200;
const LAST_BUCKET_LIMIT_MS = 1_000;

interface Rounds {
  readonly deaths: number;
  readonly handovers: number;
  readonly others: number;
  readonly keepalived: number;
}

const FULL: Rounds = { deaths: 50, handovers: 50, others: 10, keepalived: 10 };
const QUICK: Rounds = { deaths: 5, handovers: 5, others: 2, keepalived: 3 };

export const bench: Bench = async ({ quick }) => {
  const rounds = quick ? QUICK : FULL;
  const progress = new Progress("failover");
  return await withWitness(async (witness) => {
    progress.say("keepalived");
    const peers = {
      default: await keepalivedGaps(witness, "default", rounds.keepalived),
      fastest: await keepalivedGaps(witness, "fastest", rounds.keepalived),
    };
    const found: Found[] = [peerRows(peers)];
    const array = await FailoverArray.create(NODES);
    try {
      const several = async (fault: Fault, count: number) => {
        progress.say(fault.name);
        const outcomes: Outcome[] = [];
        for (let i = 0; i < count; i++) outcomes.push(await healed(array, witness, fault));
        return outcomes;
      };
      const deaths = await several(DEATH, rounds.deaths);
      found.push(outcomeRows("death", deaths), lostBar("death", deaths), deathBars(deaths, peers.default, quick));
      const handovers = await several(HANDOVER, rounds.handovers);
      found.push(outcomeRows("handover", handovers), handoverBars(handovers));
      for (const fault of [LINK_DOWN, ONE_WAY, PROCESS_KILLED]) {
        const outcomes = await several(fault, rounds.others);
        found.push(outcomeRows(fault.name, outcomes), lostBar(fault.name, outcomes));
      }
      progress.say("stop, cont");
      found.push(await stopAndCont(array, witness, rounds.others));
    } finally {
      await array.close();
    }
    progress.say("server_death");
    found.push(await serverDeath(witness, rounds.others, quick));
    return { name: "failover", ...together(found) };
  });
};

/** A round whose victim is the scheduler. */
async function healed(array: FailoverArray, witness: string, fault: Fault): Promise<Outcome> {
  const victim = await array.untilWell();
  const outcome = await round(array, witness, fault, [victim]);
  await fault.heal(array, [victim]);
  return outcome;
}

async function stopAndCont(array: FailoverArray, witness: string, count: number): Promise<Found> {
  const stops: Outcome[] = [], conts: Outcome[] = [];
  for (let i = 0; i < count; i++) {
    const victim = await array.untilWell();
    stops.push(await round(array, witness, STOP, [victim]));
    // Its kernel takes connections for processes that stand still, until the new scheduler finds out.
    await array.untilFailed(victim);
    conts.push(await round(array, witness, CONT, [victim]));
  }
  const twoOwners = Math.max(...conts.map(({ twoOwnerMs }) => twoOwnerMs));
  return together([
    outcomeRows("stop", stops),
    lostBar("stop", stops),
    outcomeRows("cont", conts),
    lostBar("cont", conts),
    { rows: [], bars: [bar("failover.cont.two_owner_ms", twoOwners, TWO_OWNER_LIMIT_MS, "lower")] },
  ]);
}

async function serverDeath(witness: string, count: number, quick: boolean): Promise<Found> {
  const array = await FailoverArray.create(MANY_NODES);
  try {
    const outcomes: Outcome[] = [], moved: number[] = [];
    for (let i = 0; i < count; i++) {
      const scheduler = await array.untilWell();
      const victims = array.nodes.filter((name) => name !== scheduler).slice(i % 6, i % 6 + 2);
      const left = array.bucketsOf(scheduler, victims);
      const began = { at: 0 };
      const strike = SERVER_DEATH.strike;
      const timed: Fault = {
        ...SERVER_DEATH,
        strike: (array, victims) => {
          began.at = performance.now();
          return strike(array, victims);
        },
      };
      outcomes.push(
        await round(array, witness, timed, victims, async () => {
          while (left() > 0) await delay(LOOK_MS);
          moved.push(performance.now() - began.at);
        }),
      );
      await SERVER_DEATH.heal(array, victims);
    }
    const worst = quick ? Math.max(...moved) : percentile(moved, 95);
    return together([
      outcomeRows("server_death", outcomes),
      lostBar("server_death", outcomes),
      {
        rows: [row("failover.server_death.last_bucket_moved", "ms", moved)],
        bars: [bar("failover.server_death.last_bucket_moved_p95_ms", worst, LAST_BUCKET_LIMIT_MS, "lower")],
      },
    ]);
  } finally {
    await array.close();
  }
}

function outcomeRows(name: string, outcomes: readonly Outcome[]): Found {
  const gaps = outcomes.map(({ gapMs }) => gapMs);
  const rows: Row[] = [
    row(`failover.${name}.gap`, "ms", gaps),
    row(`failover.${name}.gap_p95`, "ms", [percentile(gaps, 95)]),
    row(`failover.${name}.witness_gap`, "ms", outcomes.map(({ ownGapMs }) => ownGapMs)),
    row(`failover.${name}.two_owner`, "ms", outcomes.map(({ twoOwnerMs }) => twoOwnerMs)),
    row(`failover.${name}.refused`, "connections", outcomes.map(({ refused }) => refused)),
    row(`failover.${name}.established`, "connections", outcomes.map(({ held }) => held)),
  ];
  const nodes = [...new Set(outcomes.flatMap(({ lost }) => Object.keys(lost)))].sort();
  for (const node of nodes) {
    rows.push(row(`failover.${name}.lost.${node}`, "connections", outcomes.map(({ lost }) => lost[node] ?? 0)));
  }
  return { rows, bars: [] };
}

function lostBar(name: string, outcomes: readonly Outcome[]): Found {
  const lost = outcomes.reduce((sum, outcome) => sum + lostOf(outcome), 0);
  return { rows: [], bars: [bar(`failover.${name}.established_lost`, lost, 0, "lower")] };
}

function deathBars(deaths: readonly Outcome[], peers: readonly number[], quick: boolean): Found {
  const gaps = deaths.map(({ gapMs }) => gapMs);
  const bars: Bar[] = [
    bar("failover.death.gap_p95_ms", quick ? Math.max(...gaps) : percentile(gaps, 95), GAP_LIMIT_MS, "lower"),
    bar("failover.death.gap_vs_keepalived", median(gaps) / median(peers), GAP_VS_KEEPALIVED_LIMIT, "lower"),
  ];
  return { rows: [], bars };
}

function handoverBars(handovers: readonly Outcome[]): Found {
  const refused = handovers.reduce((sum, outcome) => sum + outcome.refused, 0);
  const lost = handovers.reduce((sum, outcome) => sum + lostOf(outcome), 0);
  return {
    rows: [],
    bars: [bar("failover.handover.lost", lost, 0, "lower"), bar("failover.handover.refused", refused, 0, "lower")],
  };
}

function peerRows(peers: Readonly<Record<Interval, readonly number[]>>): Found {
  const rows = Object.entries(peers).map(([interval, gaps]) => row(`failover.keepalived.${interval}.gap`, "ms", gaps));
  return { rows, bars: [] };
}

/** The least value that so many percent are not above. */
function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * percent / 100) - 1)]!;
}
