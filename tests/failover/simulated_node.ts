/** A machine of the simulated array: a failover process that may stop, end or crash, a disk, and a kernel that holds the VIP's lease. */
import { Election } from "../../core/failover/election.ts";
import type { Durable, ElectionPlan, Event } from "../../core/failover/machine.ts";
import type { Message } from "../../core/failover/messages.ts";
import type { EventQueue } from "./event_queue.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";

/** How often the process looks at its clock, ms. */
const TICK_MS = 20;
/** An echo that takes longer is missed, ms. */
const ECHO_MS = 60;
/** Of the table of a hand-over, ms. */
const TABLE_MS = 30;
const SECOND_MS = 1000;

export interface World {
  readonly queue: EventQueue;
  readonly network: Network;
  readonly random: Random;
  readonly nodes: SimulatedNode[];
  /** A node took the VIP by an epoch. */
  claimed(node: number, epoch: number): void;
}

export class SimulatedNode {
  #world: World;
  #plan: ElectionPlan;
  #disk: Durable;
  #election: Election | undefined;
  #inbox: (() => void)[] = [];
  #clockStep = 0;
  readonly #bootedBefore: number;
  /** Of each node, pings missed. */
  #missed: number[];
  /** Distinguishes this process from its predecessors. */
  #life = 0;
  #isPaused = false;
  isMachineUp = true;
  /** Actions until the machine crashes in the midst of them. */
  crashAfterActions = Infinity;
  /** By which the kernel answers for the VIP, and until when. */
  lease = { epoch: 0, until: -Infinity };
  /** How often it said whose the VIP is, but for the times that it took it. */
  announcements = 0;
  lastHandover: string | undefined | null = null;

  constructor(world: World, plan: ElectionPlan, durable: Durable) {
    this.#world = world;
    this.#plan = plan;
    this.#disk = durable;
    this.#missed = plan.ranking.map(() => 0);
    this.#bootedBefore = world.random.next() * SECOND_MS;
    this.start();
  }

  get id(): number {
    return this.#plan.self;
  }

  get isRunning(): boolean {
    return this.#election !== undefined && !this.#isPaused;
  }

  get hasVip(): boolean {
    return this.isMachineUp && this.lease.until > this.#world.queue.now;
  }

  get members(): readonly number[] {
    return this.#disk.membership.members;
  }

  get disk(): Durable {
    return this.#disk;
  }

  get election(): Election | undefined {
    return this.#election;
  }

  start(): void {
    if (this.#election) return;
    this.isMachineUp = true;
    this.#isPaused = false;
    this.#inbox = [];
    this.#missed.fill(0);
    const { queue, random } = this.#world;
    const life = ++this.#life;
    this.#election = new Election(this.#plan, this.#disk, this.hasVip ? this.lease.epoch : 0, this.#clock);
    this.#step({ kind: "engine", isReady: true });
    this.#step({ kind: "witness", answers: this.#plan.hasWitness });
    const repeat = (ms: number, run: () => void) => {
      if (this.#life !== life || !this.#election) return;
      this.#whenRunning(run);
      queue.after(ms, () => repeat(ms, run));
    };
    queue.after(random.next() * TICK_MS, () => repeat(TICK_MS, () => this.#tick()));
    const { pingInterval } = this.#plan.timing;
    queue.after(random.next() * pingInterval, () => repeat(pingInterval, () => this.#ping()));
  }

  /** The process stops and goes on later; the kernel does not. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    // A socket is read before anything is sent.
    this.#inbox.splice(0).forEach((run) => this.#election && run());
  }

  /** The process ends; the kernel goes on. */
  endProcess(): void {
    this.#election = undefined;
  }

  crash(): void {
    this.endProcess();
    this.isMachineUp = false;
    this.lease = { epoch: 0, until: -Infinity };
    this.crashAfterActions = Infinity;
  }

  stepClock(ms: number): void {
    this.#clockStep += ms;
  }

  tell(event: Event): void {
    this.#whenRunning(() => this.#step(event));
  }

  receive(from: number, message: Message): void {
    if (!this.#election) return;
    const run = () => this.#step({ kind: "message", from, message });
    if (this.#isPaused) this.#inbox.push(run);
    else run();
  }

  /** The kernel counts by seconds since its own machine began. */
  #wholeSecond(ms: number): number {
    return Math.floor((ms + this.#bootedBefore) / SECOND_MS) * SECOND_MS - this.#bootedBefore;
  }

  get #clock(): number {
    return this.#world.queue.now + this.#clockStep;
  }

  #whenRunning(run: () => void): void {
    if (this.isRunning) run();
  }

  #tick(): void {
    const { network } = this.#world;
    this.#step({ kind: "link", isUp: !network.down.has(this.id) });
    if (!network.isDeaf(this.id) && !network.down.has(this.id)) this.#step({ kind: "reception" });
    if (this.#election?.followed === 0) {
      const seen = this.#world.nodes.find((node) => node !== this && node.hasVip && network.isOpen(this.id, node.id));
      if (seen) this.#step({ kind: "sighted", node: seen.id });
    }
    this.#step({ kind: "tick" });
  }

  #ping(): void {
    const { network, nodes, queue } = this.#world;
    for (const other of nodes) {
      if (other === this) continue;
      const isHeard = other.isMachineUp && network.echoes(this.id, other.id, ECHO_MS);
      this.#missed[other.id] = isHeard ? 0 : this.#missed[other.id]! + 1;
      const event = { kind: "ping", node: other.id, missed: this.#missed[other.id]! } as const;
      queue.after(isHeard ? 1 : ECHO_MS, () => this.tell(event));
    }
  }

  #step(event: Event): void {
    const life = this.#life;
    for (const action of this.#election?.step(event, this.#clock) ?? []) {
      if (this.#life !== life || !this.#election) return;
      if (--this.crashAfterActions <= 0) return this.crash();
      switch (action.kind) {
        case "send":
          this.#send(action.to, action.message);
          break;
        case "persist":
          this.#disk = action.durable;
          break;
        case "claim":
          this.#world.claimed(this.id, action.epoch);
          break;
        case "hold":
          this.lease = { epoch: action.epoch, until: this.#wholeSecond(this.#world.queue.now + action.leaseMs) };
          break;
        case "announce":
          this.announcements++;
          break;
        case "yield":
          this.lease = { epoch: 0, until: -Infinity };
          break;
        case "fill":
          this.#world.queue.after(TABLE_MS, () => this.tell({ kind: "filled" }));
          break;
        case "synchronize":
          this.#world.queue.after(TABLE_MS, () => this.tell({ kind: "synchronized" }));
          break;
        case "handed_over":
          this.lastHandover = action.failure;
      }
    }
  }

  #send(to: number, message: Message): void {
    const { network, queue, nodes } = this.#world;
    for (const delay of network.deliveries(this.id, to)) {
      queue.after(delay, () => nodes[to]!.receive(this.id, message));
    }
  }
}
