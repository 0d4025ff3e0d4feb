/** The time of a node as scheduler by one epoch: its beats, who answers them, who has a vote, to whom it hands over. */
import { INTERRUPTED } from "./machine.ts";
import { hasMajority, isSame } from "./membership.ts";
import type { Reply } from "./messages.ts";
import type { Situation } from "./situation.ts";

/**
 * The lease ends so long before the others may find the scheduler dead by its silence, ms. Both are counted from the same beat, by clocks that
 * do not step; but the kernel reads its clock once a tick only, 10 ms at most.
 */
const LEASE_MARGIN_MS = 100;
/** An heir must fetch the table and be elected within it, ms. */
const HANDOVER_MS = 3000;

interface Heir {
  readonly node: number;
  readonly since: number;
  /** The table is full. */
  readonly isFilled: boolean;
  /** By the operator, who waits for the outcome. */
  readonly isAsked: boolean;
}

export class Tenure {
  #situation: Situation;
  #beatAt = -Infinity;
  #replies = new Map<number, Reply & { readonly at: number }>();
  /** Since when a node answers every beat and could be scheduler. */
  #readySince = new Map<number, number>();
  /** A majority of these makes the membership final: the larger of it and the one before. */
  #electorate: readonly number[];
  #isFinal = false;
  #changedAt: number;
  readonly #begun: number;
  #heir: Heir | undefined;

  /**
   * @param members of the first membership of this epoch
   * @param isQuorate a majority made this node scheduler
   */
  constructor(situation: Situation, readonly epoch: number, members: readonly number[], public isQuorate: boolean) {
    this.#situation = situation;
    this.#electorate = members;
    this.#changedAt = this.#begun = situation.time;
    situation.follow(epoch);
    situation.persist({ promised: epoch, membership: { epoch, sequence: 0, members } });
    situation.act({ kind: "claim", epoch });
  }

  /** To be called each tick; what it promises is as often renewed as it beats. */
  tick(): void {
    const { time, plan } = this.#situation;
    if (time - this.#beatAt < plan.timing.pingInterval) return;
    this.#situation.follow(this.epoch);
    this.#review();
    this.#lookForHeir();
    this.beat();
  }

  beat(): void {
    const { plan, self, membership, hearing, time } = this.#situation;
    this.#beatAt = time;
    this.#situation.act({
      kind: "hold",
      epoch: this.epoch,
      leaseMs: Math.min(plan.timing.processTimeout - LEASE_MARGIN_MS, this.#situation.leasedUntil - time),
    });
    const heard = plan.ranking.filter((node) => hearing.hears(node));
    const heir = this.#heir?.isFilled ? this.#heir.node : undefined;
    for (const node of plan.ranking) {
      if (node === self) continue;
      this.#situation.send(node, {
        kind: "beat",
        epoch: this.epoch,
        isQuorate: this.isQuorate,
        membership,
        isFinal: this.#isFinal,
        heard,
        heir,
        table: this.#situation.table,
      });
    }
  }

  /** Whether a majority of the members follows this node now. */
  hasQuorum(): boolean {
    return hasMajority(this.#situation.membership.members, this.#followers());
  }

  hear(from: number, reply: Reply): void {
    const { time, noticeMs } = this.#situation, last = this.#replies.get(from);
    const didFollow = last !== undefined && last.followed === this.epoch && time - last.at < noticeMs;
    // At the begin, when all come, the VIP is announced anyway.
    if (reply.followed === this.epoch && !didFollow && time - this.#begun >= noticeMs) {
      this.#situation.act({ kind: "announce" });
    }
    this.#replies.set(from, { ...reply, at: time });
    if (!reply.isReady) this.#readySince.delete(from);
    else if (!this.#readySince.has(from)) this.#readySince.set(from, time);
    this.#confirm();
  }

  #confirm(): void {
    const { self, membership, plan } = this.#situation;
    const acks = new Set([self]);
    for (const [node, { accepted }] of this.#replies) if (isSame(accepted, membership)) acks.add(node);
    this.#isFinal ||= hasMajority(this.#electorate, acks);
    this.isQuorate ||= hasMajority(plan.ranking, this.#followers());
  }

  /** Begins a hand-over, once the table is full. */
  handOver(to: number | undefined, isAsked: boolean): void {
    const refuse = (failure: string) => {
      if (isAsked) this.#situation.act({ kind: "handed_over", failure });
    };
    if (this.#heir) return refuse("a hand-over is under way");
    const ready = this.#ready();
    const node = to ?? ready[0];
    if (node === undefined || !ready.includes(node)) {
      return refuse(to === undefined ? "no other node is ready" : "that node is not ready");
    }
    this.#heir = { node, since: this.#situation.time, isFilled: false, isAsked };
    this.#situation.act({ kind: "fill" });
  }

  /** The table is full and changes no more: the heir may fetch it. */
  filled(): void {
    if (!this.#heir) return;
    this.#heir = { ...this.#heir, isFilled: true };
    this.beat();
  }

  /** Another is scheduler; or, where none is named, this node has to find out who is. */
  end(successor?: number): void {
    if (!this.#heir?.isAsked) return;
    const failure = successor === undefined ? INTERRUPTED : "another node took over meanwhile";
    this.#situation.act({ kind: "handed_over", failure: successor === this.#heir.node ? undefined : failure });
  }

  get isHandingOver(): boolean {
    return this.#heir !== undefined;
  }

  isHeir(node: number): boolean {
    return this.#heir?.isFilled === true && this.#heir.node === node;
  }

  #followers(): Set<number> {
    const { self, time, noticeMs } = this.#situation;
    const fresh = [...this.#replies].filter(([, { at, followed }]) => time - at < noticeMs && followed === this.epoch);
    return new Set([self, ...fresh.map(([node]) => node)]);
  }

  /** Members that could take over now, the best first. */
  #ready(): number[] {
    const { plan, membership, self } = this.#situation;
    const followers = this.#followers();
    return plan.ranking.filter((node) =>
      node !== self && membership.members.includes(node) && plan.eligible.has(node) && followers.has(node) &&
      this.#readySince.has(node)
    );
  }

  /** One change at a time, and only of a membership that is final. */
  #review(): void {
    const { membership: { members }, plan, self } = this.#situation;
    if (plan.arbiter !== undefined) return;
    this.#confirm();
    if (!this.#isFinal) {
      // Others hear the node that was to leave: it stays.
      const isRefused = this.#electorate.length > members.length &&
        this.#situation.time - this.#changedAt >= plan.timing.processTimeout;
      return isRefused ? this.#change(this.#electorate, this.#electorate) : undefined;
    }
    const followers = this.#followers();
    const joining = plan.ranking.find((node) => followers.has(node) && !members.includes(node));
    if (joining !== undefined) {
      const grown = [...members, joining].sort((one, other) => one - other);
      return this.#change(grown, grown);
    }
    const leaving = members.find((node) => node !== self && this.#isGone(node));
    if (leaving !== undefined) this.#change(members.filter((node) => node !== leaving), members);
  }

  #isGone(node: number): boolean {
    const { time, plan, hearing } = this.#situation;
    const at = this.#replies.get(node)?.at ?? -Infinity;
    return hearing.isDead(node) && time - at >= plan.timing.processTimeout;
  }

  #change(members: readonly number[], electorate: readonly number[]): void {
    const { sequence } = this.#situation.membership;
    this.#situation.persist({ membership: { epoch: this.epoch, sequence: sequence + 1, members } });
    this.#electorate = electorate;
    this.#isFinal = false;
    this.#changedAt = this.#situation.time;
  }

  #lookForHeir(): void {
    const { time, plan: { timing, ranking }, self, isEngineReady, engineReadyAt } = this.#situation;
    if (this.#heir && time - this.#heir.since >= HANDOVER_MS) {
      if (this.#heir.isAsked) {
        this.#situation.act({ kind: "handed_over", failure: "that node did not take over in time" });
      }
      this.#heir = undefined;
    }
    for (const [node, { at }] of this.#replies) {
      if (time - at >= this.#situation.noticeMs) this.#readySince.delete(node);
    }
    if (this.#heir) return;
    const best = this.#ready()[0];
    if (best === undefined) return;
    const hasEnded = !isEngineReady && time - engineReadyAt >= timing.processTimeout;
    const isPreempted = timing.preemptDelay !== undefined && ranking.indexOf(best) < ranking.indexOf(self) &&
      time - this.#readySince.get(best)! >= timing.preemptDelay;
    if (hasEnded || isPreempted) this.handOver(best, false);
  }
}
