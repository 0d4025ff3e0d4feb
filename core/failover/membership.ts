/**
 * Who has a vote. A membership differs from the one before it by one node at most, so that any majority of the one has a node in common
 * with any majority of the other (Ongaro, "Consensus: Bridging Theory and Practice", section 4.1).
 */

export interface Membership {
  /** Of the scheduler that made it; 0 for what the config says. */
  readonly epoch: number;
  /** Counts its changes in that epoch. */
  readonly sequence: number;
  /** Ids. */
  readonly members: readonly number[];
}

export type MembershipVersion = Pick<Membership, "epoch" | "sequence">;

export function isNewer(one: MembershipVersion, other: MembershipVersion): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.sequence > other.sequence);
}

export function isSame(one: MembershipVersion, other: MembershipVersion): boolean {
  return one.epoch === other.epoch && one.sequence === other.sequence;
}

/** Whether more than half of the members are among the ids. */
export function hasMajority(members: readonly number[], ids: ReadonlySet<number>): boolean {
  return members.filter((id) => ids.has(id)).length * 2 > members.length;
}
