/**
 * Who holds the VIP: the state machine of one node. Pure: events and a clock go in, actions come out. docs/failover.md draws its states
 * and says what it promises.
 */
import { Campaign } from "./campaign.ts";
import { NO_EPOCH, ownerOf } from "./epoch.ts";
import type { Action, Durable, ElectionPlan, ElectionState, Event } from "./machine.ts";
import { accept, reply } from "./following.ts";
import { isNewer, type Membership } from "./membership.ts";
import type { Beat, Grant, Message, Refusal, Reply, Request } from "./messages.ts";
import { Situation } from "./situation.ts";
import { Tenure } from "./tenure.ts";
import { Voter } from "./voter.ts";

/** A node waits for each better one that it hears by this part of a ping interval before it asks for votes itself. */
const RANK_PART = 0.3;
/** As long as nobody ever was scheduler the others wait so long for the first, whose machine may take its time, ms. */
const COLD_START_MS = 2000;

export class Election {
  #situation: Situation;
  #state: ElectionState = "learning";
  /** Time of the state's begin. */
  #since = 0;
  #clock: number;
  #campaign: Campaign | undefined;
  #tenure: Tenure | undefined;
  /** Another claims a higher epoch: this node's has to be renewed by a majority until then, or the VIP is that one's. */
  #contestedUntil: number | undefined;
  /** Since when another's beats are heard while this node has the VIP by a lease that only runs on. */
  #rivalSince: number | undefined;
  #voter: Voter;
  #isSynchronizing = false;

  /**
   * @param durable what the predecessor of this process kept
   * @param epoch by which the predecessor held the VIP when it ended, 0 for none: that of a node which ran late
   * @param now clock, ms: of a kind that counts on while the machine sleeps
   */
  constructor(plan: ElectionPlan, durable: Durable, epoch: number, now: number) {
    this.#situation = new Situation(plan, durable);
    this.#voter = new Voter(this.#situation);
    this.#situation.see(Math.max(durable.promised, durable.membership.epoch, epoch));
    this.#clock = now;
    this.#held = epoch;
  }

  /** Epoch by which this node has the VIP, 0 for none. While it learns it holds it no longer than its lease. */
  #held: number;

  get state(): ElectionState {
    return this.#state;
  }

  get epoch(): number {
    return this.#held;
  }

  /** Epoch of the scheduler that this node goes by; 0 where it knows none. */
  get followed(): number {
    return this.#situation.followed.epoch;
  }

  get membership(): Membership {
    return this.#situation.membership;
  }

  /** It asks for votes because the scheduler hands over to it. */
  get isInheriting(): boolean {
    return this.#campaign !== undefined && this.#campaign.yielding !== NO_EPOCH;
  }

  /** Nodes that this one finds dead. */
  get dead(): number[] {
    const { plan, hearing } = this.#situation;
    return plan.ranking.filter((node) => hearing.isDead(node));
  }

  get isQuorate(): boolean {
    return this.#tenure?.isQuorate ?? false;
  }

  /** Takes an event at a time of the clock. The actions are to be done in their order. */
  step(event: Event, now: number): Action[] {
    this.#pass(now);
    const situation = this.#situation;
    switch (event.kind) {
      case "tick":
        this.#tick();
        break;
      case "message":
        situation.heardAt.set(event.from, situation.time);
        if (this.#state !== "cut_off") this.#hear(event.from, event.message);
        break;
      case "ping":
        situation.hearing.record(event.node, event.missed);
        break;
      case "link":
        this.#setLink(event.isUp);
        break;
      case "sighted":
        // Two whose leases run would wait for one another.
        if (this.#held === NO_EPOCH) situation.sight(event.node);
        break;
      case "reception":
        situation.receive();
        break;
      case "witness":
        situation.witnessAnswers = event.answers;
        break;
      case "lease":
        situation.leasedUntil = situation.time + event.ms;
        break;
      case "engine":
        situation.isEngineReady = event.isReady;
        if (event.isReady) situation.engineReadyAt = situation.time;
        break;
      case "table":
        situation.table = event.version;
        break;
      case "handover":
        if (this.#tenure) this.#tenure.handOver(event.to, true);
        else situation.act({ kind: "handed_over", failure: "this node is not the scheduler" });
        break;
      case "filled":
        this.#tenure?.filled();
        break;
      case "synchronized":
        this.#inherit();
    }
    return situation.takeActions();
  }

  /** A clock that jumps, or a process that stood still for longer than it takes to be found dead: what it knew may be over. */
  #pass(now: number): void {
    const passed = now - this.#clock;
    this.#clock = now;
    const isLate = passed < 0 || passed > this.#situation.noticeMs;
    this.#situation.time += isLate ? this.#situation.noticeMs : passed;
    if (isLate && this.#state !== "cut_off") this.#learn();
  }

  #enter(state: ElectionState): void {
    this.#state = state;
    this.#since = this.#situation.time;
  }

  #learn(): void {
    this.#tenure?.end();
    this.#campaign = this.#tenure = this.#contestedUntil = undefined;
    this.#voter.forget();
    this.#isSynchronizing = false;
    this.#situation.hearing.forget();
    this.#situation.followed = { epoch: NO_EPOCH, at: this.#situation.time };
    this.#situation.lostAt = undefined;
    this.#enter("learning");
  }

  #setLink(isUp: boolean): void {
    if (this.#situation.isLinkUp === isUp) return;
    this.#situation.isLinkUp = isUp;
    this.#learn();
    if (!isUp) this.#enter("cut_off");
  }

  #yield(): void {
    if (this.#held === NO_EPOCH) return;
    this.#held = NO_EPOCH;
    this.#situation.act({ kind: "yield" });
  }

  #tick(): void {
    const { time, noticeMs } = this.#situation;
    switch (this.#state) {
      case "learning":
        if (time - this.#since >= noticeMs) this.#enter("following");
        return;
      case "following":
        return this.#lookForScheduler();
      case "candidate":
        return this.#pursue();
      case "scheduler":
        return this.#serve();
      case "cut_off":
        // Another may have it by now.
        if (time - this.#since >= noticeMs) this.#yield();
    }
  }

  #lookForScheduler(): void {
    const situation = this.#situation;
    if (!situation.isLost()) return void (situation.lostAt = undefined);
    situation.lose();
    const { plan, self, time, hearing } = situation;
    if (!this.#mayCampaign()) return;
    const better = plan.ranking.filter((node) => situation.isBetter(node, self) && hearing.hears(node)).length;
    const isCold = situation.seen === NO_EPOCH && self !== plan.first && !hearing.isDead(plan.first);
    const patience = isCold ? COLD_START_MS : better * plan.timing.pingInterval * RANK_PART;
    if (time - situation.lostAt! >= patience) this.#run();
  }

  #mayCampaign(): boolean {
    const { plan, self, isEngineReady } = this.#situation;
    return isEngineReady && plan.eligible.has(self) && this.#voter.heldFor === undefined && this.#mayServe();
  }

  /** Who has no vote serves only where nobody is left who has. */
  #mayServe(): boolean {
    const { self, membership: { members } } = this.#situation;
    return members.includes(self) || !members.some((node) => this.#situation.lives(node));
  }

  #run(yielding: number = NO_EPOCH): void {
    this.#campaign = new Campaign(this.#situation, yielding);
    this.#enter("candidate");
    this.#pursue();
  }

  #pursue(): void {
    const situation = this.#situation, campaign = this.#campaign!;
    // It has learned of a membership without it: to ask on would only keep votes from those who can win.
    if (!this.#mayServe()) return this.#giveUp();
    const isHandedTo = campaign.yielding !== NO_EPOCH;
    if (isHandedTo ? situation.followed.epoch !== campaign.yielding : !situation.isLost()) return this.#giveUp();
    if (isHandedTo && situation.time - campaign.begun >= situation.noticeMs) return this.#giveUp();
    if (campaign.isWon()) return this.#take(true);
    if (!isHandedTo && campaign.isWonAlone()) return this.#take(false);
    campaign.ask();
  }

  #giveUp(): void {
    this.#campaign = undefined;
    this.#isSynchronizing = false;
    this.#enter("following");
  }

  #take(isQuorate: boolean): void {
    const { membership: { members }, self } = this.#situation;
    const { epoch } = this.#campaign!;
    const living = members.filter((node) => this.#situation.lives(node));
    const all = [...new Set([...(isQuorate ? members : living), self])].sort((one, other) => one - other);
    this.#campaign = this.#contestedUntil = undefined;
    this.#isSynchronizing = false;
    this.#held = epoch;
    this.#rivalSince = undefined;
    this.#tenure?.end();
    this.#tenure = new Tenure(this.#situation, epoch, all, isQuorate);
    this.#enter("scheduler");
    this.#tenure.tick();
  }

  #serve(): void {
    const { time, leasedUntil } = this.#situation;
    if (time >= leasedUntil) return this.#lose(NO_EPOCH);
    if (this.#contestedUntil !== undefined && time >= this.#contestedUntil) return this.#lose(this.#situation.seen);
    this.#tenure!.tick();
    if (!this.#campaign) return;
    if (this.#campaign.isWon()) return this.#take(true);
    this.#campaign.ask();
  }

  /** The VIP is another's. */
  #lose(epoch: number): void {
    this.#tenure?.end(ownerOf(epoch));
    this.#tenure = this.#campaign = this.#contestedUntil = undefined;
    this.#situation.followed = { epoch: NO_EPOCH, at: this.#situation.time };
    this.#yield();
    this.#enter("following");
  }

  #hear(from: number, message: Message): void {
    switch (message.kind) {
      case "beat":
        return this.#hearBeat(from, message);
      case "reply":
        return this.#hearReply(from, message);
      case "request":
        return this.#hearRequest(from, message);
      case "grant":
        return this.#hearGrant(from, message);
      case "refusal":
        return this.#hearRefusal(message);
    }
  }

  #hearBeat(from: number, beat: Beat): void {
    const situation = this.#situation;
    if (ownerOf(beat.epoch) !== from) return;
    // Of one who serves alone and does not hear this node: it may just be deaf.
    if (!beat.isQuorate && !beat.heard.includes(situation.self)) return;
    situation.see(beat.epoch);
    situation.beatAt = situation.time;
    if (this.#tenure && beat.epoch < this.#tenure.epoch) return;
    if (this.#tenure && !beat.isQuorate && this.#tenure.hasQuorum()) return this.#renew(true);
    // A membership tells of a later scheduler, whoever this node follows.
    const isOld = beat.epoch < situation.membership.epoch;
    // One without a majority gets no followers of a scheduler that lives.
    const isRival = !this.#tenure && !beat.isQuorate && beat.epoch !== situation.followed.epoch;
    if (isRival && !situation.isLost()) return;
    if (isOld) this.#giveWay();
    if (isOld || (beat.epoch < situation.followed.epoch && !situation.isLost())) return reply(situation, from, beat);
    if (this.#tenure) this.#lose(beat.epoch);
    this.#yield();
    // What lay waiting while this node stood still may be old.
    if (this.#state === "learning") return situation.followOnTrial(beat.epoch);
    const isStranger = beat.epoch !== situation.followed.epoch;
    situation.follow(beat.epoch);
    if (this.#state === "candidate" && isStranger) this.#giveUp();
    accept(situation, beat);
    reply(situation, from, beat);
    if (beat.heir === situation.self && !this.#isSynchronizing && this.#mayCampaign()) {
      this.#isSynchronizing = true;
      situation.act({ kind: "synchronize" });
    }
    if (beat.heir !== situation.self) this.#isSynchronizing = false;
  }

  /** A lease that only runs on gives way to one who serves, be it by a lower epoch, unless this node is scheduler again soon. */
  #giveWay(): void {
    const { time, noticeMs } = this.#situation;
    if (this.#tenure || this.#held === NO_EPOCH) return void (this.#rivalSince = undefined);
    this.#rivalSince ??= time;
    // It learns first, and then is elected.
    if (time - this.#rivalSince >= noticeMs * 2) this.#yield();
  }

  #hearReply(from: number, reply: Reply): void {
    if (!this.#tenure || reply.epoch !== this.#tenure.epoch) return;
    this.#situation.see(Math.max(reply.promised, reply.followed));
    this.#tenure.hear(from, reply);
    if (reply.followed > this.#tenure.epoch) this.#renew(true);
    else if (reply.promised > this.#tenure.epoch) this.#renew(false);
  }

  /** Asks for a higher epoch, the VIP kept; contested by another scheduler it must be had soon. */
  #renew(isContested: boolean): void {
    const { time, noticeMs, seen } = this.#situation;
    if (isContested && !this.#tenure!.hasQuorum()) return this.#lose(seen);
    if (!isContested && this.#tenure!.isHandingOver) return;
    if (isContested) this.#contestedUntil ??= time + noticeMs;
    if (this.#campaign && this.#campaign.epoch >= seen) return;
    this.#campaign = new Campaign(this.#situation);
    this.#campaign.ask();
  }

  #hearRequest(from: number, request: Request): void {
    if (this.#state === "learning" || ownerOf(request.epoch) !== from) return;
    const isGranted = this.#voter.answer(from, request, () => this.#mayGrant(from, request));
    if (isGranted && this.#state === "candidate") this.#giveUp();
  }

  #mayGrant(from: number, request: Request): boolean {
    const { hearing, membership } = this.#situation;
    // It may be heard and not hear.
    if (hearing.isDead(from)) return false;
    // The newer of both memberships may be without it.
    if (!membership.members.includes(from) || !request.membership.members.includes(from)) return false;
    if (this.#tenure) return request.yielding === this.#tenure.epoch && this.#tenure.isHeir(from);
    return this.#voter.favours(from, request, this.#isPromising());
  }

  #isPromising(): boolean {
    const { time, lostAt, noticeMs } = this.#situation;
    return this.#state === "candidate" && (time - lostAt! < noticeMs || this.#campaign!.isUnanimous());
  }

  #hearGrant(from: number, { epoch }: Grant): void {
    if (epoch !== this.#campaign?.epoch) return;
    this.#campaign.grant(from);
    if (this.#state === "candidate") this.#pursue();
    else this.#serve();
  }

  #hearRefusal({ epoch, promised, membership }: Refusal): void {
    if (this.#state === "learning") return;
    this.#situation.see(promised);
    if (epoch !== this.#campaign?.epoch) return;
    if (isNewer(membership, this.#situation.membership)) this.#situation.persist({ membership });
    if (promised <= epoch) return;
    // Another was granted a higher epoch meanwhile. A better one asks again by a still higher one.
    if (this.#state !== "candidate") this.#campaign = undefined;
    else if (!this.isInheriting && this.#situation.isBetter(this.#situation.self, ownerOf(promised))) this.#run();
    else this.#giveUp();
  }

  #inherit(): void {
    const { followed } = this.#situation;
    if (this.#state !== "following" || !this.#isSynchronizing || followed.epoch === NO_EPOCH) return;
    this.#run(followed.epoch);
  }
}
