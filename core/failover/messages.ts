/** What the failover daemons of an array say to one another. */
import type { Membership, MembershipVersion } from "./membership.ts";

/** From the scheduler to every other node, each `ping_interval`: the heartbeat. */
export interface Beat {
  readonly kind: "beat";
  /** That it holds the VIP by. */
  readonly epoch: number;
  /** A majority made it scheduler, or has confirmed its membership since. */
  readonly isQuorate: boolean;
  readonly membership: Membership;
  /** A majority has accepted the membership. */
  readonly isFinal: boolean;
  /** Nodes that it hears. */
  readonly heard: readonly number[];
  /** Node that is to take over, its table being complete; undefined but in a planned hand-over. */
  readonly heir: number | undefined;
  /** Cursor of the Client IP Hash Table, of 32 bits: when it is another the table has changed, and is to be fetched. */
  readonly table: number;
}

/** Answers a beat. */
export interface Reply {
  readonly kind: "reply";
  /** The beat's. */
  readonly epoch: number;
  /** Epoch of the scheduler that this node follows. */
  readonly followed: number;
  /** Highest epoch that it has granted. */
  readonly promised: number;
  readonly accepted: MembershipVersion;
  /** It could be scheduler. */
  readonly isReady: boolean;
}

/** A candidate asks a member for its vote. */
export interface Request {
  readonly kind: "request";
  readonly epoch: number;
  /** The newest that it knows. */
  readonly membership: Membership;
  /** Epoch of the scheduler that hands over to it; 0 where none does. */
  readonly yielding: number;
}

export interface Grant {
  readonly kind: "grant";
  /** The request's. */
  readonly epoch: number;
}

export interface Refusal {
  readonly kind: "refusal";
  /** The request's. */
  readonly epoch: number;
  readonly promised: number;
  readonly membership: Membership;
}

export type Message = Beat | Reply | Request | Grant | Refusal;
