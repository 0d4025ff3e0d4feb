/** What goes into the election and what comes out of it. */
import type { Membership } from "./membership.ts";
import type { Message } from "./messages.ts";

/**
 * - `learning` has just begun, ran late, or has its link back: it listens and sends nothing;
 * - `following` a scheduler, or looking for one;
 * - `candidate` asks for votes;
 * - `scheduler` holds the VIP;
 * - `cut_off` has no link.
 */
export type ElectionState = "learning" | "following" | "candidate" | "scheduler" | "cut_off";

/** Durations in ms. */
export interface Timing {
  /** Of pings, and of the scheduler's beats. */
  readonly pingInterval: number;
  /** So many in a row find a node dead. */
  readonly pingMisses: number;
  /** A scheduler without a valid beat for so long is dead, though its machine answers pings. */
  readonly processTimeout: number;
  /** Who hears no majority for so long takes over with those it hears. */
  readonly aloneTimeout: number;
  /** A better node that is ready for so long gets the VIP; undefined: it does not. */
  readonly preemptDelay: number | undefined;
}

export interface ElectionPlan {
  readonly self: number;
  /** Every node of the config, ids, the best first. */
  readonly ranking: readonly number[];
  /** Nodes that may be scheduler: the enabled ones. */
  readonly eligible: ReadonlySet<number>;
  /** Preferred as long as nobody ever was scheduler. */
  readonly first: number;
  readonly hasWitness: boolean;
  /** Whom requests go to in place of the members, and whose word is enough: an etcd; undefined where the members vote. */
  readonly arbiter: number | undefined;
  readonly timing: Timing;
}

/** Why a hand-over failed that may be asked for again at once: this node ran late, or had to be confirmed as scheduler meanwhile. */
export const INTERRUPTED = "it was interrupted";

/** What outlives a crash. */
export interface Durable {
  /** Highest epoch that this node has granted, or owned. */
  readonly promised: number;
  readonly membership: Membership;
}

export type Event =
  | { readonly kind: "tick" }
  | { readonly kind: "message"; readonly from: number; readonly message: Message }
  /** Pings of the node that were missed in a row. */
  | { readonly kind: "ping"; readonly node: number; readonly missed: number }
  | { readonly kind: "link"; readonly isUp: boolean }
  /** The node's kernel answers for the VIP. */
  | { readonly kind: "sighted"; readonly node: number }
  /** Frames came in from the link, whoever sent them. */
  | { readonly kind: "reception" }
  | { readonly kind: "witness"; readonly answers: boolean }
  /** The arbiter lets this node be scheduler for so long from now. */
  | { readonly kind: "lease"; readonly ms: number }
  /** Whether this node's packet engine could serve, or serves. */
  | { readonly kind: "engine"; readonly isReady: boolean }
  /** Of this node's Client IP Hash Table, for its beats. */
  | { readonly kind: "table"; readonly version: number }
  /** Asked for by the operator: to that node, or to the best that is ready. */
  | { readonly kind: "handover"; readonly to: number | undefined }
  /** Answers `fill`. */
  | { readonly kind: "filled" }
  /** Answers `synchronize`. */
  | { readonly kind: "synchronized" };

export type Action =
  | { readonly kind: "send"; readonly to: number; readonly message: Message }
  /** To be on disk before anything that follows. */
  | { readonly kind: "persist"; readonly durable: Durable }
  /** Take the VIP. */
  | { readonly kind: "claim"; readonly epoch: number }
  /** The VIP stays this node's for `leaseMs` from now. */
  | { readonly kind: "hold"; readonly epoch: number; readonly leaseMs: number }
  /** A node follows that did not: it may have had the VIP meanwhile, so clients are told whose it is. */
  | { readonly kind: "announce" }
  /** Another has the VIP. */
  | { readonly kind: "yield" }
  /** Give every bucket a node, so that the table changes no more. */
  | { readonly kind: "fill" }
  /** Fetch the scheduler's table, whole as it is now. */
  | { readonly kind: "synchronize" }
  /** The hand-over that was asked for ended; no reason when it is done. */
  | { readonly kind: "handed_over"; readonly failure: string | undefined };
