/** The tables of this node as they are now, read from the mapped files of its processes. */
import { bootSeconds } from "../../ffi/clock.ts";
import { runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { firstScheduler } from "../failover/first_scheduler.ts";
import { certificateRows } from "./certificates.ts";
import { ProxyTables } from "../proxy/table_files.ts";
import type { Changes, Cursor } from "../scheduler/changes.ts";
import type { NodeState } from "../scheduler/node_table.ts";
import { stateOf } from "../scheduler/node_states.ts";
import { TablesReader } from "../scheduler/open_tables.ts";
import type { SchedulerTables } from "../scheduler/tables.ts";
import type { BackEndRow, BucketTableReport, NodeReport, ServerRow, TablesReport } from "./tables.ts";

export class Snapshot {
  #dir: string;
  #scheduler: TablesReader;
  #proxies: ProxyTables;

  constructor(readonly config: Config, readonly node: NodeConfig, readonly state: NodeState) {
    this.#dir = runDir(config, node);
    this.#scheduler = new TablesReader(this.#dir);
    this.#proxies = new ProxyTables(this.#dir, config);
  }

  /** All tables. */
  tables(): TablesReport {
    const { config, node } = this;
    return {
      array: config.array.name,
      node: node.name,
      scheduler: firstScheduler(config).name,
      client_ip_hash_table: this.#bucketTable(),
      server_status: this.#serverStatus(),
      back_ends: this.#backEnds(),
      certificates: certificateRows(this.#dir, Date.now()),
    };
  }

  /** What the scheduler's poll asks for. */
  report(): NodeReport {
    const rows = this.#backEnds();
    const hits = rows.reduce((sum, row) => sum + row.hits, 0);
    const totalMs = rows.reduce((sum, row) => sum + row.avg_response_ms * row.hits, 0);
    const open = this.#proxies.read().reduce((sum, table) => sum + table.totals.clientsOpen, 0);
    return {
      node: this.node.name,
      avg_response_ms: hits > 0 ? round(totalMs / hits) : 0,
      hits,
      open_connections: open,
    };
  }

  /** Bucket -> node since the cursor; undefined where this node keeps no Client IP Hash Table. */
  changesSince(cursor: Cursor | undefined): Changes | undefined {
    return this.#schedulerTables()?.changesSince(cursor);
  }

  #schedulerTables(): SchedulerTables | undefined {
    // What a former scheduler of this machine left says nothing.
    if (firstScheduler(this.config) !== this.node) return undefined;
    return this.#scheduler.current();
  }

  #bucketTable(): BucketTableReport | null {
    const tables = this.#schedulerTables();
    if (!tables) return null;
    const now = bootSeconds();
    const { cursor, pairs } = tables.changesSince(undefined);
    const assigned = [];
    for (let i = 0; i < pairs.length; i += 2) {
      assigned.push({ bucket: pairs[i]!, node: pairs[i + 1]!, age_s: tables.buckets.age(pairs[i]!, now) });
    }
    return {
      size: tables.buckets.size,
      ...cursor,
      assigned,
      frames: tables.counts.toObject(),
      engine: tables.settings.engine,
    };
  }

  #serverStatus(): ServerRow[] {
    const nodes = this.#schedulerTables()?.nodes;
    const { failed, hits, openConnections, responseMs } = this.state;
    return this.config.nodes.map(({ id, name, mac, address, enabled, weight }) => ({
      number: id,
      name,
      mac,
      address: address.address,
      state: stateOf(this.config, this.state, nodes, id),
      ip_groups: nodes?.groups(id) ?? 0,
      avg_response_ms: responseMs[id]!,
      hits: hits[id]!,
      open_connections: openConnections[id]!,
      failed: failed[id] !== 0,
      enabled,
      weight,
    }));
  }

  #backEnds(): BackEndRow[] {
    const proxies = this.#proxies.read();
    const backEnds = this.config.pools.flatMap((pool) => pool.back_ends.map((backEnd) => ({ pool, backEnd })));
    return backEnds.map(({ pool, backEnd }, row) => {
      const cells = proxies.map((table) => table.row(row));
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
        connect_failures: sum((cell) => cell.connectFailures),
      };
    });
  }
}

/** To a hundredth. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}
