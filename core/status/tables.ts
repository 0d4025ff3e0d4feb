/** The tables of a node as the status port gives them: one JSON object, the same from a scheduler and from a server. */

import type { NodeStateName } from "../scheduler/node_states.ts";
import type { BackEndRow } from "./node_report.ts";

/** A bucket of the Client IP Hash Table that is assigned (seed fig. 4). */
export interface BucketRow {
  readonly bucket: number;
  /** DLBA server number. */
  readonly node: number;
  /** Seconds since a frame last hit it; null in a copy, which does not know. */
  readonly age_s: number | null;
}

/** A row of the DLBA Server Status Table (seed fig. 5). */
export interface ServerRow {
  /** DLBA server number: the node's id in the config. */
  readonly number: number;
  readonly name: string;
  readonly mac: string;
  readonly address: string;
  readonly state: NodeStateName;
  /** Buckets assigned to it. */
  readonly ip_groups: number;
  readonly avg_response_ms: number;
  readonly hits: number;
  readonly open_connections: number;
  /** Seconds since these figures came; null where none came, as on a node that does not schedule. */
  readonly stale_s: number | null;
  readonly failed: boolean;
  readonly enabled: boolean;
  readonly weight: number;
}

/** A row of the Summary Web Server Status Table (seed fig. 8), over all nodes that answered. */
export interface SummaryRow {
  readonly pool: string;
  readonly key: number;
  readonly address: string;
  /** Persistence cookies set that name it. */
  readonly cookie_groups: number;
  readonly hits: number;
  readonly open_connections: number;
}

/** The last status sweep of the scheduler. */
export interface SweepReport {
  /** When it ended: RFC 3339. */
  readonly ended: string;
  /** Seconds ago: so old may the figures be. */
  readonly age_s: number;
  readonly took_ms: number;
  /** Nodes. */
  readonly asked: number;
  readonly answered: number;
  /** Names of nodes that did not answer and did not fail, since it may be the scheduler's own trouble. */
  readonly held: readonly string[];
}

/** The Client IP Hash Table of the scheduler, or a server's copy of it, without its rows. */
export interface BucketTableHead {
  readonly is_copy: boolean;
  readonly size: number;
  readonly epoch: number;
  readonly incarnation: number;
  readonly version: number;
  /** What schedules, and where it runs, as "xdp, native". */
  readonly engine: string;
  /** Frames by verdict. */
  readonly frames: Readonly<Record<string, number>>;
}

export interface BucketTableReport extends BucketTableHead {
  /** Only the assigned ones. */
  readonly assigned: readonly BucketRow[];
}

/** A certificate that proxy processes of this node answer with. */
export interface CertificateRow {
  readonly file: string;
  readonly subject: string;
  /** DNS names and IP addresses that it is for. */
  readonly names: readonly string[];
  readonly issuer: string;
  /** As `ECDSA P-256`. */
  readonly key: string;
  readonly fingerprint_sha256: string;
  /** RFC 3339. */
  readonly valid_from: string;
  readonly valid_to: string;
  /** Whole days; below 0 where it has expired. */
  readonly days_left: number;
  /** Proxy processes that have it; while one drains it may have an older one than the others. */
  readonly processes: number;
}

/** Whether content moves to the CDN just now. */
export interface SpeederizeRow {
  /** False while the load is low and content stays local. */
  readonly to_cdn: boolean;
  readonly requests_per_second: number;
  /** Of the advisor. */
  readonly mode: string;
  /** Paths that it chose; null where all of the rules move. */
  readonly chosen: number | null;
  /** Paths whose copy on the CDN fails. */
  readonly withdrawn: number;
}

/** What the proxy processes of this node counted. */
export interface RequestCounts {
  readonly clients_open: number;
  readonly requests: number;
  /** Answered by dlba itself: errors, redirects. */
  readonly own_answers: number;
  /** Named a back end that is not there. */
  readonly unknown_back_end: number;
  /** Answered by 429. */
  readonly rate_limited: number;
  /** Lines of the access log that were not written. */
  readonly log_dropped: number;
}

export interface TablesReport {
  readonly array: string;
  readonly node: string;
  /** Name of the node that schedules; null where none is known. */
  readonly scheduler: string | null;
  /** Of the election. */
  readonly epoch: number;
  /** Null where this node does not schedule, or has not swept yet. */
  readonly last_sweep: SweepReport | null;
  /** Null where this node keeps no table. */
  readonly client_ip_hash_table: BucketTableReport | null;
  readonly server_status: readonly ServerRow[];
  readonly back_ends: readonly BackEndRow[];
  readonly requests: RequestCounts;
  /** Null where this node does not schedule. */
  readonly web_server_summary: readonly SummaryRow[] | null;
  readonly certificates: readonly CertificateRow[];
  /** Null where nothing is speederized, or nobody decided yet. */
  readonly speederize: SpeederizeRow | null;
}

/** What the tables are to who looks every second: without the rows of buckets, with what happened of late. */
export interface Overview extends Omit<TablesReport, "client_ip_hash_table"> {
  readonly vip: string;
  readonly client_ip_hash_table: BucketTableHead | null;
  /** The latest, oldest first. */
  readonly events: readonly StatusEvent[];
}

/** How much an operator should care. */
export const EVENT_LEVELS = ["info", "warning", "error"] as const;

/** Something that happened, as this node saw it. */
export interface StatusEvent {
  /** RFC 3339. */
  readonly time: string;
  readonly level: typeof EVENT_LEVELS[number];
  readonly text: string;
}
