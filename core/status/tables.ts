/** The tables of a node as the status port gives them: one JSON object, the same from a scheduler and from a server. */

import type { NodeStateName } from "../scheduler/node_states.ts";

/** A bucket of the Client IP Hash Table that is assigned (seed fig. 4). */
export interface BucketRow {
  readonly bucket: number;
  /** DLBA server number. */
  readonly node: number;
  /** Seconds since a frame last hit it. */
  readonly age_s: number;
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
  readonly failed: boolean;
  readonly enabled: boolean;
  readonly weight: number;
}

/** A row of the Web Server Status Table of this node (seed fig. 7). */
export interface BackEndRow {
  readonly pool: string;
  readonly key: number;
  readonly address: string;
  readonly avg_response_ms: number;
  readonly hits: number;
  readonly open_connections: number;
  readonly connect_failures: number;
}

/** The Client IP Hash Table, which only the scheduler keeps. */
export interface BucketTableReport {
  readonly size: number;
  readonly epoch: number;
  readonly incarnation: number;
  readonly version: number;
  /** Only the assigned ones. */
  readonly assigned: readonly BucketRow[];
  /** What schedules, and where it runs, as "xdp, native". */
  readonly engine: string;
  /** Frames by verdict. */
  readonly frames: Readonly<Record<string, number>>;
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

export interface TablesReport {
  readonly array: string;
  readonly node: string;
  /** Name of the node that schedules. */
  readonly scheduler: string;
  readonly client_ip_hash_table: BucketTableReport | null;
  readonly server_status: readonly ServerRow[];
  readonly back_ends: readonly BackEndRow[];
  readonly certificates: readonly CertificateRow[];
}

/** What a poll of a node brings: enough for its row of the DLBA Server Status Table. */
export interface NodeReport {
  readonly node: string;
  readonly avg_response_ms: number;
  readonly hits: number;
  readonly open_connections: number;
}
