/** What a node knows, shared by the parts of its election. */
import { NO_EPOCH, ownerOf } from "./epoch.ts";
import { Hearing } from "./hearing.ts";
import type { Action, Durable, ElectionPlan } from "./machine.ts";
import type { Membership } from "./membership.ts";
import type { Message } from "./messages.ts";

export class Situation {
  readonly hearing: Hearing;
  /** ms that this node has lived through; a pause does not count. */
  time = 0;
  durable: Durable;
  /** The scheduler that this node goes by; its own epoch when it is the one. */
  followed = { epoch: NO_EPOCH, at: 0 };
  /** Highest epoch heard of, granted or not. */
  seen = NO_EPOCH;
  /** When a scheduler's beat was heard last, whatever the pings say: a node that is mute hears it. */
  beatAt = -Infinity;
  /** When nobody was left to follow. */
  lostAt: number | undefined;
  /** When each node sent its last message. */
  readonly heardAt = new Map<number, number>();
  isLinkUp = true;
  #sighting = { node: -1, at: -Infinity };
  /** When frames came in last, and when they began to after a silence. */
  #receivedAt = -Infinity;
  #wokeAt = -Infinity;
  witnessAnswers = false;
  /** Until when the arbiter lets this node be scheduler; without one for ever. */
  leasedUntil = Infinity;
  isEngineReady = false;
  /** Version of the table that this node schedules by. */
  table = 0;
  engineReadyAt = 0;
  #actions: Action[] = [];

  constructor(readonly plan: ElectionPlan, durable: Durable) {
    this.durable = durable;
    if (plan.arbiter !== undefined) this.leasedUntil = -Infinity;
    this.hearing = new Hearing(plan.timing.pingMisses);
  }

  /** Time in which a node can be found dead, ms: what was late by less was not replaced meanwhile. */
  get noticeMs(): number {
    return this.plan.timing.pingInterval * this.plan.timing.pingMisses;
  }

  get self(): number {
    return this.plan.self;
  }

  get membership(): Membership {
    return this.durable.membership;
  }

  act(action: Action): void {
    this.#actions.push(action);
  }

  /** What is to be done, in this order. */
  takeActions(): Action[] {
    return this.#actions.splice(0);
  }

  send(to: number, message: Message): void {
    this.act({ kind: "send", to, message });
  }

  persist(change: Partial<Durable>): void {
    this.durable = { ...this.durable, ...change };
    this.see(this.durable.promised);
    this.act({ kind: "persist", durable: this.durable });
  }

  see(epoch: number): void {
    this.seen = Math.max(this.seen, epoch);
  }

  follow(epoch: number): void {
    this.see(epoch);
    this.followed = { epoch, at: this.time };
    if (!this.isLost()) this.lostAt = undefined;
  }

  receive(): void {
    if (this.time - this.#receivedAt > this.noticeMs) this.#wokeAt = this.time;
    this.#receivedAt = this.time;
  }

  /** Whether frames came in since the scheduler was lost, so that this node is not just deaf; who was has had time to hear the others. */
  isReceiving(): boolean {
    return this.#receivedAt > (this.lostAt ?? -Infinity) && this.time - this.#wokeAt >= this.noticeMs;
  }

  /** As {@linkcode follow}, of a node that has just learned of it: a beat that lay waiting must be followed by a fresh one. */
  followOnTrial(epoch: number): void {
    this.follow(epoch);
    this.followed.at -= this.plan.timing.processTimeout - 2 * this.noticeMs;
  }

  /** What was found dead is so until it beats again. */
  lose(): void {
    this.followed.at = -Infinity;
    this.lostAt ??= this.time;
  }

  /** Not found dead, not the scheduler that was lost, and not a machine whose process says nothing. */
  lives(node: number): boolean {
    const { followed, lostAt, time } = this;
    if (this.hearing.isDead(node) || (followed.epoch !== NO_EPOCH && node === ownerOf(followed.epoch))) return false;
    const isNew = time - (lostAt ?? time) < this.plan.timing.aloneTimeout;
    return isNew || time - (this.heardAt.get(node) ?? -Infinity) < this.noticeMs;
  }

  sight(node: number): void {
    this.#sighting = { node, at: this.time };
  }

  /** Who answers for the VIP, of whom no beat was heard: its lease still runs. Undefined where nobody does. */
  get sighted(): number | undefined {
    const { node, at } = this.#sighting;
    return this.time - at < this.noticeMs && !this.hearing.isDead(node) ? node : undefined;
  }

  /** Whether there is no scheduler, or this node finds it dead. */
  isLost(): boolean {
    const { epoch, at } = this.followed;
    if (epoch === NO_EPOCH) return this.sighted === undefined;
    return this.hearing.isDead(ownerOf(epoch)) ||
      this.time - at >= this.plan.timing.processTimeout;
  }

  /** 0 is the best. */
  rank(node: number): number {
    if (this.seen === NO_EPOCH && node === this.plan.first) return -1;
    return this.plan.ranking.indexOf(node);
  }

  isBetter(one: number, other: number): boolean {
    return this.rank(one) < this.rank(other);
  }
}
