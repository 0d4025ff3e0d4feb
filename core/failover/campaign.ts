/** A node asks for votes by one epoch. */
import { nextEpoch, NO_EPOCH, ownerOf } from "./epoch.ts";
import { hasMajority } from "./membership.ts";
import type { Situation } from "./situation.ts";

export class Campaign {
  readonly epoch: number;
  #situation: Situation;
  #grants: Set<number>;
  #sentAt = -Infinity;
  readonly begun: number;

  /** @param yielding epoch of the scheduler that hands over */
  constructor(situation: Situation, readonly yielding: number = NO_EPOCH) {
    const { self } = situation;
    this.#situation = situation;
    this.begun = situation.time;
    this.epoch = nextEpoch(situation.seen, self);
    this.#grants = new Set([self]);
    situation.persist({ promised: this.epoch });
  }

  /** Asks those that have not answered, four times a ping interval: a voter may find the scheduler dead a little later. */
  ask(): void {
    const { time, plan, membership, self } = this.#situation;
    if (time - this.#sentAt < plan.timing.pingInterval / 4) return;
    this.#sentAt = time;
    for (const member of plan.arbiter === undefined ? membership.members : [plan.arbiter]) {
      if (member === self || this.#grants.has(member)) continue;
      this.#situation.send(member, { kind: "request", epoch: this.epoch, membership, yielding: this.yielding });
    }
  }

  grant(from: number): void {
    this.#grants.add(from);
  }

  isWon(): boolean {
    const { membership: { members }, plan } = this.#situation;
    if (plan.arbiter !== undefined) return this.#grants.has(plan.arbiter);
    if (this.yielding !== NO_EPOCH && !this.#grants.has(ownerOf(this.yielding))) return false;
    return members.includes(this.#situation.self) && hasMajority(members, this.#grants);
  }

  /**
   * Whether this node serves though no majority is left: every member that lives agrees, and something comes in by the link since the
   * scheduler was lost, so that the node is not just deaf. Of the last two the better one need not wait, nor one to which the witness
   * answers.
   */
  isWonAlone(): boolean {
    const { membership: { members }, plan, witnessAnswers, time, lostAt, beatAt, noticeMs } = this.#situation;
    if (time - beatAt < noticeMs) return false;
    if (
      plan.arbiter !== undefined || lostAt === undefined || !this.#situation.isReceiving() ||
      (plan.hasWitness && !witnessAnswers)
    ) return false;
    return !hasMajority(members, this.#living()) && this.isUnanimous() && time - lostAt >= this.#patience(members);
  }

  /** Whether every member that lives agrees. */
  isUnanimous(): boolean {
    return [...this.#living()].every((member) => this.#grants.has(member));
  }

  #living(): Set<number> {
    const { membership: { members }, self } = this.#situation;
    return new Set(members.filter((member) => member === self || this.#situation.lives(member)));
  }

  #patience(members: readonly number[]): number {
    const { plan, self } = this.#situation;
    const other = members.find((member) => member !== self);
    if (members.length !== 2 || !members.includes(self) || other === undefined) return plan.timing.aloneTimeout;
    return plan.hasWitness || this.#situation.isBetter(self, other) ? 0 : plan.timing.aloneTimeout;
  }
}
