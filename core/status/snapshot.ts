/** The tables of this node as they are now, read from the mapped files of its processes. */
import { bootSeconds } from "../../ffi/clock.ts";
import { runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { certificateRows } from "./certificates.ts";
import { rowNames, type Totals } from "../proxy/back_end_table.ts";
import { ProxyTables } from "../proxy/table_files.ts";
import type { Changes, Cursor } from "../scheduler/changes.ts";
import type { NodeState } from "../scheduler/node_table.ts";
import { stateOf } from "../scheduler/node_states.ts";
import { TablesReader } from "../scheduler/open_tables.ts";
import type { SchedulerTables } from "../scheduler/tables.ts";
import type { LiveBuckets } from "../scheduler/live_buckets.ts";
import { type Trace, traceClient } from "../scheduler/trace.ts";
import { type SpeedReport, speedReport } from "../speederize/report.ts";
import { loadState, readWindows } from "../speederize/run_files.ts";
import type { LiveConnections } from "./live_connections.ts";
import type { BackEndRow, NodeReport } from "./node_report.ts";
import type { SchedulingReader } from "./scheduling.ts";
import { failedNodes } from "./serving.ts";
import { speederizeRow } from "./speederize.ts";
import { summaryOf } from "./summary.ts";
import type { SweepBoard } from "./sweep_board.ts";
import type {
  BucketTableHead,
  BucketTableReport,
  Overview,
  RequestCounts,
  ServerRow,
  StatusEvent,
  SweepReport,
  TablesReport,
} from "./tables.ts";

export interface SnapshotParts {
  readonly config: Config;
  readonly node: NodeConfig;
  readonly state: NodeState;
  readonly scheduling: SchedulingReader;
  readonly board: SweepBoard;
  readonly live: LiveConnections;
}

export class Snapshot {
  #parts: SnapshotParts;
  #dir: string;
  #scheduler: TablesReader;
  #proxies: ProxyTables;
  /** By the last overview. */
  #seen: Cursor | undefined;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
    this.#dir = runDir(parts.config, parts.node);
    this.#scheduler = new TablesReader(this.#dir);
    this.#proxies = new ProxyTables(this.#dir);
  }

  /** Goes by another config of the same array and node. */
  take(parts: Pick<SnapshotParts, "config" | "node" | "scheduling" | "live">): void {
    this.#parts = { ...this.#parts, ...parts };
  }

  /** All tables. */
  tables(): TablesReport {
    return { ...this.#others(), client_ip_hash_table: this.#bucketTable() };
  }

  /** @param events what happened of late */
  overview(events: readonly StatusEvent[]): Overview {
    const { vip } = this.#parts.config.array;
    return { ...this.#others(), vip, client_ip_hash_table: this.#bucketTableHead(), events };
  }

  #others(): Omit<TablesReport, "client_ip_hash_table"> {
    const { config, node, scheduling, board } = this.#parts;
    const { scheduler, epoch, isOwn } = scheduling.current();
    const reports = [...board.reports.values()].map(({ report }) => report);
    return {
      array: config.array.name,
      node: node.name,
      scheduler: scheduler?.name ?? null,
      epoch,
      last_sweep: isOwn ? this.#lastSweep() : null,
      server_status: this.#serverStatus(),
      back_ends: this.#backEnds(),
      requests: this.#requests(),
      web_server_summary: isOwn ? summaryOf(config, reports) : null,
      certificates: certificateRows(this.#dir, Date.now()),
      speederize: speederizeRow(this.#dir),
    };
  }

  #requests(): RequestCounts {
    const totals = this.#proxies.read().map((table) => table.totals);
    const sum = (pick: (row: Totals) => number) => totals.reduce((all, row) => all + pick(row), 0);
    return {
      clients_open: sum((row) => row.clientsOpen),
      requests: sum((row) => row.requests),
      own_answers: sum((row) => row.errors),
      unknown_back_end: sum((row) => row.unknownKeys),
      rate_limited: sum((row) => row.limited),
      log_dropped: sum((row) => row.logDropped),
    };
  }

  /** What moves to the CDN; undefined where nothing does. */
  speed(): SpeedReport | undefined {
    const state = loadState(this.#dir);
    return state && speedReport(this.#parts.node.name, state, [...readWindows(this.#dir).values()]);
  }

  /** Where a client's frames go; undefined where this node does not schedule. */
  trace(client: string, port: number): Trace | undefined {
    const tables = this.#parts.scheduling.current().isOwn ? this.#schedulerTables() : undefined;
    return tables && traceClient(tables, this.#parts.config, client, port, bootSeconds());
  }

  /** What the scheduler's sweep asks for. */
  report(): NodeReport {
    const rows = this.#backEnds();
    const hits = rows.reduce((sum, row) => sum + row.hits, 0);
    const totalMs = rows.reduce((sum, row) => sum + row.avg_response_ms * row.hits, 0);
    const open = this.#proxies.read().reduce((sum, table) => sum + table.totals.clientsOpen, 0);
    return {
      node: this.#parts.node.name,
      avg_response_ms: hits > 0 ? round(totalMs / hits) : 0,
      hits,
      open_connections: open,
      back_ends: rows,
    };
  }

  /** Throws Error where the kernel does not say. */
  liveBuckets(): LiveBuckets {
    return this.#parts.live.buckets(performance.now());
  }

  /** Bucket -> node since the cursor; undefined where this node does not schedule: a copy of a copy would be older than it says. */
  changesSince(cursor: Cursor | undefined): Changes | undefined {
    return this.#parts.scheduling.current().isOwn ? this.#schedulerTables()?.changesSince(cursor) : undefined;
  }

  /** Server numbers; undefined where this node does not schedule. */
  failedNodes(): number[] | undefined {
    const { config, state, scheduling } = this.#parts;
    return scheduling.current().isOwn ? failedNodes(config, state) : undefined;
  }

  #lastSweep(): SweepReport | null {
    const { board: { last }, config: { nodes } } = this.#parts;
    if (!last) return null;
    return {
      ended: new Date(last.endedAt).toISOString(),
      age_s: secondsSince(last.endedAt)!,
      took_ms: Math.round(last.tookMs),
      asked: last.asked,
      answered: last.answered,
      held: last.held.map((id) => nodes.find((node) => node.id === id)?.name ?? String(id)),
    };
  }

  #schedulerTables(): SchedulerTables | undefined {
    const { isOwn, epoch } = this.#parts.scheduling.current();
    // Without a failover daemon, which keeps it, what a former scheduler of this machine left says nothing.
    return isOwn || epoch > 0 ? this.#scheduler.current() : undefined;
  }

  #bucketTable(): BucketTableReport | null {
    const tables = this.#schedulerTables();
    if (!tables) return null;
    const now = bootSeconds(), isCopy = !this.#parts.scheduling.current().isOwn;
    const { cursor, pairs } = tables.changesSince(undefined);
    const assigned = [];
    for (let i = 0; i < pairs.length; i += 2) {
      const bucket = pairs[i]!;
      assigned.push({ bucket, node: pairs[i + 1]!, age_s: isCopy ? null : tables.buckets.age(bucket, now) });
    }
    return { ...this.#headOf(tables, cursor), assigned };
  }

  #bucketTableHead(): BucketTableHead | null {
    const tables = this.#schedulerTables();
    if (!tables) return null;
    this.#seen = tables.changesSince(this.#seen).cursor;
    return this.#headOf(tables, this.#seen);
  }

  #headOf(tables: SchedulerTables, cursor: Cursor): BucketTableHead {
    return {
      is_copy: !this.#parts.scheduling.current().isOwn,
      size: tables.buckets.size,
      ...cursor,
      frames: tables.counts.toObject(),
      engine: tables.settings.engine,
    };
  }

  #serverStatus(): ServerRow[] {
    const nodes = this.#schedulerTables()?.nodes;
    const { config, state, board } = this.#parts;
    const { failed, hits, openConnections, responseMs } = state;
    return config.nodes.map(({ id, name, mac, address, enabled, weight }) => ({
      number: id,
      name,
      mac,
      address: address.address,
      state: stateOf(config, state, nodes, id),
      ip_groups: nodes?.groups(id) ?? 0,
      avg_response_ms: round(responseMs[id]!),
      hits: hits[id]!,
      open_connections: openConnections[id]!,
      stale_s: secondsSince(board.reports.get(id)?.at),
      failed: failed[id] !== 0,
      enabled,
      weight,
    }));
  }

  #backEnds(): BackEndRow[] {
    const proxies = this.#proxies.read();
    const backEnds = this.#parts.config.pools.flatMap((pool) => pool.back_ends.map((backEnd) => ({ pool, backEnd })));
    const names = rowNames(this.#parts.config);
    return backEnds.map(({ pool, backEnd }, row) => {
      const cells = proxies.flatMap((table) => table.rowNamed(names[row]!) ?? []);
      const sum = (pick: (cell: typeof cells[number]) => number) =>
        cells.reduce((total, cell) => total + pick(cell), 0);
      const responses = sum((cell) => cell.responses);
      return {
        pool: pool.name,
        key: backEnd.key,
        address: `${backEnd.address.address}:${backEnd.address.port}`,
        avg_response_ms: responses > 0 ? round(sum((cell) => cell.responseMs) / responses) : 0,
        hits: sum((cell) => cell.hits),
        open_connections: sum((cell) => cell.open),
        cookie_groups: sum((cell) => cell.cookies),
        connect_failures: sum((cell) => cell.connectFailures),
        ejections: sum((cell) => cell.ejections),
      };
    });
  }
}

/** @param at ms since 1970 */
function secondsSince(at: number | undefined): number | null {
  return at === undefined ? null : round((Date.now() - at) / 1000);
}

/** To a hundredth. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}
