/** Overviews as nodes give them, for tests: figures follow from the node, the row and the time, so that rates are known. */
import { lookOf, type Looks } from "../../core/monitor/array_view.ts";
import type { Overview, ServerRow, StatusEvent } from "../../core/status/tables.ts";

export interface Made {
  readonly nodes: number;
  readonly backEnds: number;
  /** Node that schedules, from 0. */
  readonly scheduler?: number;
  readonly epoch?: number;
  readonly states?: Readonly<Record<number, ServerRow["state"]>>;
  readonly events?: readonly StatusEvent[];
}

/** What node `n` answers at `second`: it serves 100 * (n + 1) requests a second, an equal share by each back end. */
export function overviewOf(made: Made, n: number, second: number): Overview {
  const { nodes, backEnds, scheduler = 0, epoch = 3, states = {}, events = [] } = made;
  const isScheduler = n === scheduler;
  return {
    array: "shop",
    vip: "10.0.0.100",
    node: nodeName(n),
    scheduler: nodeName(scheduler),
    epoch,
    last_sweep: null,
    client_ip_hash_table: isScheduler
      ? {
        is_copy: false,
        size: 65_536,
        epoch,
        incarnation: 7,
        version: 41,
        engine: "xdp, native",
        frames: { not_for_vip: 12_345, forwarded: 2_000 * second, self: 500 * second, neighbour: 0 },
      }
      : null,
    server_status: Array.from({ length: nodes }, (_, i) => ({
      number: i,
      name: nodeName(i),
      mac: `02:00:00:00:00:${(i + 10).toString(16)}`,
      address: `10.0.0.${11 + i}`,
      state: states[i] ?? "active",
      ip_groups: states[i] === "failed" ? 0 : 1000 * (i + 1),
      avg_response_ms: 2,
      hits: 10 * (i + 1),
      open_connections: i,
      stale_s: 0.2,
      failed: states[i] === "failed",
      enabled: true,
      weight: 1,
    })),
    back_ends: Array.from({ length: backEnds }, (_, key) => ({
      pool: key < backEnds / 2 ? "shop" : "images",
      key: key + 1,
      address: `192.168.1.${key + 1}:8080`,
      avg_response_ms: 1.5 + key,
      hits: 100 * (n + 1) * second / backEnds,
      open_connections: key % 7,
      cookie_groups: 3 * key,
      connect_failures: key === 2 ? 4 * second : 0,
      ejections: key === 2 ? 1 : 0,
    })),
    requests: {
      clients_open: 50 * (n + 1),
      requests: 100 * (n + 1) * second,
      own_answers: second,
      unknown_back_end: 0,
      rate_limited: 0,
      log_dropped: 0,
    },
    web_server_summary: null,
    certificates: [],
    speederize: null,
    events,
  };
}

export function nodeName(n: number): string {
  return `n${n + 1}`;
}

/** All nodes at the times of their last two answers, s. */
export function looksOf(made: Made, last = 11, before = last - 1): Map<string, Looks> {
  return new Map(
    Array.from({ length: made.nodes }, (_, n) => {
      const earlier = lookOf(before * 1000, overviewOf(made, n, before), undefined);
      return [nodeName(n), { last: lookOf(last * 1000, overviewOf(made, n, last), earlier), before: earlier }];
    }),
  );
}
