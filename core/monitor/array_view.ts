/** The array as a person watches it: what each node said last, put together, with rates from one look to the next. Pure. */
import { BackEndRows, type Figure } from "./back_end_rows.ts";
import { BackEndSums, Mean } from "./back_end_sums.ts";
import type { Overview, ServerRow, StatusEvent } from "../status/tables.ts";

/** What is kept of a node's answer. */
export interface Look {
  /** When it came, ms. */
  readonly at: number;
  readonly overview: Omit<Overview, "back_ends">;
  readonly backEnds: BackEndRows;
}

/** @param before the last look at the same node */
export function lookOf(at: number, { back_ends, ...overview }: Overview, before: Look | undefined): Look {
  return { at, overview, backEnds: new BackEndRows(back_ends, before?.backEnds) };
}

/** The last two looks at a node that answers, or did. */
export interface Looks {
  readonly last: Look;
  readonly before: Look | undefined;
}

export interface NodeView {
  readonly name: string;
  readonly address: string;
  readonly role: "scheduler" | "server";
  /** `unknown` until a scheduler says. */
  readonly state: ServerRow["state"] | "unknown";
  readonly weight: number;
  readonly ip_groups: number;
  readonly hits: number;
  readonly hits_per_second: number;
  readonly open_connections: number;
  readonly avg_response_ms: number;
  /** Seconds since it answered; null where it never did. */
  readonly stale_s: number | null;
  readonly is_stale: boolean;
}

export interface BackEndView {
  readonly pool: string;
  readonly key: number;
  readonly address: string;
  readonly hits: number;
  readonly hits_per_second: number;
  readonly open_connections: number;
  /** Since the look before; of all time where nothing came since. */
  readonly avg_response_ms: number;
  readonly connect_failures: number;
  readonly failures_per_second: number;
  readonly ejections: number;
  readonly cookie_groups: number;
}

export interface BucketsView {
  readonly size: number;
  readonly assigned: number;
  readonly engine: string;
  readonly version: number;
  /** Frames by verdict. */
  readonly frames: Readonly<Record<string, number>>;
  /** Of clients, to a node. */
  readonly frames_per_second: number;
}

export interface ArrayView {
  readonly array: string;
  readonly vip: string;
  readonly epoch: number;
  readonly scheduler: string | null;
  readonly requests_per_second: number;
  readonly own_answers_per_second: number;
  readonly open_connections: number;
  readonly nodes: readonly NodeView[];
  readonly back_ends: readonly BackEndView[];
  /** Null where no scheduler answered. */
  readonly buckets: BucketsView | null;
  /** Oldest first. */
  readonly events: readonly (StatusEvent & { readonly node: string })[];
}

/**
 * @param looks by name of node; at least one
 * @param now ms, by the clock of the looks
 * @param staleMs a node whose answer is older is stale: its rates count for nothing
 */
export function arrayView(looks: ReadonlyMap<string, Looks>, now: number, staleMs: number): ArrayView {
  const all = [...looks.values()];
  const fresh = all.filter(({ last }) => now - last.at <= staleMs);
  const lead = leading(fresh.length > 0 ? fresh : all);
  const { array, vip, epoch, scheduler } = lead.last.overview;
  const sum = (pick: (overview: Kept) => number) => fresh.reduce((all, { last }) => all + pick(last.overview), 0);
  const rate = (pick: (overview: Kept) => number) => fresh.reduce((all, looks) => all + rateOf(looks, pick), 0);
  return {
    array,
    vip,
    epoch,
    scheduler,
    requests_per_second: rate(({ requests }) => requests.requests + requests.own_answers),
    own_answers_per_second: rate(({ requests }) => requests.own_answers),
    open_connections: sum(({ requests }) => requests.clients_open),
    nodes: lead.last.overview.server_status.map((row) =>
      nodeView(row, lead.last.overview, looks.get(row.name), now, staleMs)
    ),
    back_ends: backEndViews(all, new Set(fresh)),
    buckets: bucketsView(lead),
    events: eventsOf(looks),
  };
}

type Kept = Look["overview"];

/** Who knows best: the scheduler of the highest epoch; else whoever has the highest epoch. */
function leading(looks: readonly Looks[]): Looks {
  const rank = ({ last: { overview } }: Looks) => overview.epoch * 2 + (overview.scheduler === overview.node ? 1 : 0);
  return looks.reduce((best, next) => rank(next) > rank(best) ? next : best);
}

/** A second; a count that went back began anew. */
function rateOf({ last, before }: Looks, pick: (overview: Kept) => number): number {
  if (!before || last.at <= before.at) return 0;
  return Math.max(0, pick(last.overview) - pick(before.overview)) * 1000 / (last.at - before.at);
}

function nodeView(row: ServerRow, lead: Kept, looks: Looks | undefined, now: number, staleMs: number): NodeView {
  const own = looks?.last.overview;
  const isStale = !looks || now - looks.last.at > staleMs;
  const hits = (overview: Kept) => overview.requests.requests;
  return {
    name: row.name,
    address: row.address,
    role: row.name === lead.scheduler ? "scheduler" : "server",
    state: lead.node === lead.scheduler ? row.state : "unknown",
    weight: row.weight,
    ip_groups: row.ip_groups,
    hits: own ? hits(own) : row.hits,
    hits_per_second: looks && !isStale ? rateOf(looks, hits) : 0,
    open_connections: own ? own.requests.clients_open : row.open_connections,
    avg_response_ms: looks ? averageOf(looks) : row.avg_response_ms,
    stale_s: looks ? Math.max(0, now - looks.last.at) / 1000 : null,
    is_stale: isStale,
  };
}

/** Of all back ends of a node, weighed by hits, since the look before. */
function averageOf({ last, before }: Looks): number {
  const mean = new Mean();
  const earlierOf = before?.backEnds.rowsOf(last.backEnds);
  for (let row = 0; row < last.backEnds.names.length; row++) {
    mean.add(last.backEnds, row, before?.backEnds, earlierOf?.(row) ?? -1);
  }
  return mean.value;
}

/** Counts of a node that is stale stay in the sums; its rates and open connections do not. */
function backEndViews(all: readonly Looks[], fresh: ReadonlySet<Looks>): BackEndView[] {
  const sums = new Map<string, BackEndSums>();
  for (const looks of all) {
    const { last: { backEnds, at }, before } = looks, isFresh = fresh.has(looks);
    const earlierOf = before?.backEnds.rowsOf(backEnds), seconds = before ? (at - before.at) / 1000 : 0;
    backEnds.names.forEach((name, row) => {
      const title = `${name.pool} ${name.key}`;
      let sum = sums.get(title);
      if (!sum) sums.set(title, sum = new BackEndSums(name));
      const earlierRow = earlierOf?.(row) ?? -1;
      const rate = (figure: Figure) =>
        isFresh && seconds > 0 && earlierRow >= 0
          ? Math.max(0, backEnds.value(row, figure) - before!.backEnds.value(earlierRow, figure)) / seconds
          : 0;
      sum.mean.add(backEnds, row, before?.backEnds, earlierRow);
      sum.hits += backEnds.value(row, "hits");
      sum.hitsPerSecond += rate("hits");
      sum.open += isFresh ? backEnds.value(row, "open_connections") : 0;
      sum.failures += backEnds.value(row, "connect_failures");
      sum.failuresPerSecond += rate("connect_failures");
      sum.ejections += backEnds.value(row, "ejections");
      sum.cookies += backEnds.value(row, "cookie_groups");
    });
  }
  return [...sums.values()].map(({ view }) => view);
}

function bucketsView(lead: Looks): BucketsView | null {
  const table = lead.last.overview.client_ip_hash_table;
  if (!table) return null;
  const frames = ({ client_ip_hash_table: table }: Kept) =>
    (table?.frames["forwarded"] ?? 0) + (table?.frames["self"] ?? 0);
  return {
    size: table.size,
    assigned: lead.last.overview.server_status.reduce((all, row) => all + row.ip_groups, 0),
    engine: table.engine,
    version: table.version,
    frames: table.frames,
    frames_per_second: rateOf(lead, frames),
  };
}

/** What several nodes saw at about the same time is told once. */
function eventsOf(looks: ReadonlyMap<string, Looks>): (StatusEvent & { node: string })[] {
  const events = [...looks].flatMap(([node, { last }]) => last.overview.events.map((event) => ({ ...event, node })));
  events.sort((one, other) => one.time < other.time ? -1 : one.time > other.time ? 1 : 0);
  const told = new Map<string, number>();
  return events.filter(({ text, time }) => {
    const at = Date.parse(time), last = told.get(text);
    told.set(text, at);
    return last === undefined || at - last > SAME_EVENT_MS;
  });
}

/** Nodes learn of a take-over within so long of each other, ms. */
const SAME_EVENT_MS = 5_000;
