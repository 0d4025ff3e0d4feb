/** The array as a person watches it: what each node said last, put together, with rates from one look to the next. Pure. */
import type { Overview, ServerRow, StatusEvent } from "../status/tables.ts";

/** A node's answer. */
export interface Look {
  /** When it came, ms. */
  readonly at: number;
  readonly overview: Overview;
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
  const sum = (pick: (overview: Overview) => number) => fresh.reduce((all, { last }) => all + pick(last.overview), 0);
  const rate = (pick: (overview: Overview) => number) => fresh.reduce((all, looks) => all + rateOf(looks, pick), 0);
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

/** Who knows best: the scheduler of the highest epoch; else whoever has the highest epoch. */
function leading(looks: readonly Looks[]): Looks {
  const rank = ({ last: { overview } }: Looks) => overview.epoch * 2 + (overview.scheduler === overview.node ? 1 : 0);
  return looks.reduce((best, next) => rank(next) > rank(best) ? next : best);
}

/** A second; a count that went back began anew. */
function rateOf({ last, before }: Looks, pick: (overview: Overview) => number): number {
  if (!before || last.at <= before.at) return 0;
  return Math.max(0, pick(last.overview) - pick(before.overview)) * 1000 / (last.at - before.at);
}

function nodeView(row: ServerRow, lead: Overview, looks: Looks | undefined, now: number, staleMs: number): NodeView {
  const own = looks?.last.overview;
  const isStale = !looks || now - looks.last.at > staleMs;
  const hits = (overview: Overview) => overview.requests.requests;
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
    avg_response_ms: own ? averageOf(own, looks.before?.overview) : row.avg_response_ms,
    stale_s: looks ? Math.max(0, now - looks.last.at) / 1000 : null,
    is_stale: isStale,
  };
}

type Row = Overview["back_ends"][number];

/** Of all back ends of a node, weighed by hits, since the look before. */
function averageOf(overview: Overview, before: Overview | undefined): number {
  const earlier = new Map(before?.back_ends.map((row) => [nameOf(row), row]));
  return average(overview.back_ends.map((row) => [row, earlier.get(nameOf(row))]));
}

/** Weighed by hits since the earlier rows; by all hits where none came since. */
function average(rows: readonly (readonly [Row, Row | undefined])[]): number {
  let hits = 0, ms = 0, allHits = 0, allMs = 0;
  for (const [row, earlier] of rows) {
    allHits += row.hits;
    allMs += row.avg_response_ms * row.hits;
    if (!earlier || earlier.hits > row.hits) continue;
    hits += row.hits - earlier.hits;
    ms += row.avg_response_ms * row.hits - earlier.avg_response_ms * earlier.hits;
  }
  if (hits > 0) return Math.max(0, ms / hits);
  return allHits > 0 ? allMs / allHits : 0;
}

function nameOf({ pool, key }: Row): string {
  return `${pool} ${key}`;
}

/** Counts of a node that is stale stay in the sums; its rates and open connections do not. */
function backEndViews(all: readonly Looks[], fresh: ReadonlySet<Looks>): BackEndView[] {
  const rows = new Map<string, { row: Row; earlier: Row | undefined; looks: Looks }[]>();
  for (const looks of all) {
    const earlier = new Map(looks.before?.overview.back_ends.map((row) => [nameOf(row), row]));
    for (const row of looks.last.overview.back_ends) {
      const name = nameOf(row);
      const same = rows.get(name) ?? [];
      same.push({ row, earlier: earlier.get(name), looks });
      rows.set(name, same);
    }
  }
  return [...rows.values()].map((parts) => {
    const live = parts.filter(({ looks }) => fresh.has(looks));
    const sum = (pick: (row: Row) => number) => parts.reduce((all, { row }) => all + pick(row), 0);
    const rate = (pick: (row: Row) => number) =>
      live.reduce((all, { row, earlier, looks }) => {
        const ms = looks.last.at - (looks.before?.at ?? looks.last.at);
        return earlier && ms > 0 ? all + Math.max(0, pick(row) - pick(earlier)) * 1000 / ms : all;
      }, 0);
    const { pool, key, address } = parts[0]!.row;
    return {
      pool,
      key,
      address,
      hits: sum((row) => row.hits),
      hits_per_second: rate((row) => row.hits),
      open_connections: live.reduce((all, { row }) => all + row.open_connections, 0),
      avg_response_ms: average(parts.map(({ row, earlier }) => [row, earlier])),
      connect_failures: sum((row) => row.connect_failures),
      failures_per_second: rate((row) => row.connect_failures),
      ejections: sum((row) => row.ejections),
      cookie_groups: sum((row) => row.cookie_groups),
    };
  });
}

function bucketsView(lead: Looks): BucketsView | null {
  const table = lead.last.overview.client_ip_hash_table;
  if (!table) return null;
  const frames = ({ client_ip_hash_table: table }: Overview) =>
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
