/** Drives the election of this node by real events, and does what it says. */
import { bootMilliseconds } from "../../ffi/clock.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import type { EngineState } from "../scheduler/engine_state.ts";
import type { LiveBuckets } from "../scheduler/live_buckets.ts";
import { collectLiveBuckets } from "../status/table_sync.ts";
import type { Order, Outcome } from "./control.ts";
import type { DurableFile } from "./durable_file.ts";
import type { Election } from "./election.ts";
import { NO_EPOCH, ownerOf } from "./epoch.ts";
import { EtcdArbiter } from "./etcd_arbiter.ts";
import type { Leadership } from "./leadership.ts";
import { type Action, type Event, INTERRUPTED } from "./machine.ts";
import { ARBITER } from "./plan.ts";
import type { Senses } from "./senses.ts";
import type { TableCopy } from "./table_copy.ts";
import type { Wire } from "./wire.ts";

/** How often the clock is looked at, ms. */
const TICK_MS = 20;
/** Survivors have so long to say which buckets they hold, ms, from when this node asks for votes: they answer while others vote. */
const COLLECT_MS = 80;
/** Who has not told its boot is greeted so often, ms. */
const GREET_MS = 500;
/** An order waits so long for a scheduler that has to be confirmed first, ms. */
const RESUME_MS = 3000;
/** How often it is looked whether the engine has filled its table, ms. */
const FILL_STEP_MS = 5;

export interface DaemonParts {
  readonly config: Config;
  readonly node: NodeConfig;
  readonly election: Election;
  readonly boot: number;
  readonly senses: Senses;
  readonly copy: TableCopy;
  readonly durable: DurableFile;
  readonly leadership: Leadership;
  readonly engine: EngineState;
  readonly log: (line: string) => void;
}

export class Daemon {
  #parts: DaemonParts;
  #wire: Wire | undefined;
  #arbiter: EtcdArbiter | undefined;
  /** Epoch by which the engine was told to answer. */
  #active = NO_EPOCH;
  /** Second of the boot clock until which it is to. */
  #activeUntil = 0;
  /** The election's last word on that. */
  #lease = { epoch: NO_EPOCH, until: 0 };
  #fillRequest: number;
  #announcements: number;
  #published = "";
  #collection: Promise<LiveBuckets[]> | undefined;
  #told = "";
  #waiting: ((outcome: Outcome) => void) | undefined;
  #stop = new AbortController();

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    if (parts.config.failover.coordination === "etcd") {
      this.#arbiter = new EtcdArbiter(parts.config, bootMilliseconds, (event) => this.take(event), parts.log);
    }
    const last = parts.leadership.read();
    this.#fillRequest = last?.fillRequest ?? 0;
    this.#announcements = last?.announcements ?? 0;
    // A predecessor of this process that held the VIP: its lease goes on.
    this.#active = parts.election.epoch;
    if (this.#active !== NO_EPOCH) this.#activeUntil = last?.activeUntil ?? 0;
  }

  take(event: Event): void {
    if (this.#stop.signal.aborted) return;
    const { election } = this.#parts;
    const actions = election.step(event, bootMilliseconds());
    if (election.state === "candidate") this.#collection ??= this.#collect();
    else if (election.state !== "scheduler") this.#collection = undefined;
    for (const action of actions) this.#do(action);
    this.#tell();
    if (event.kind !== "message" || event.message.kind !== "beat") return;
    if (event.message.epoch === election.followed) this.#parts.copy.tell(event.message.table);
  }

  /** Runs until the signal aborts. */
  async run(wire: Wire, signal: AbortSignal): Promise<void> {
    this.#wire = wire;
    const { senses, copy, config } = this.#parts;
    const { ping_interval } = config.failover;
    wire.greetStrangers();
    const timers = [
      setInterval(() => this.#tick(), TICK_MS),
      setInterval(() => {
        if (this.#active !== NO_EPOCH) this.take({ kind: "table", version: copy.version() });
        senses.ping(this.#parts.election.followed !== NO_EPOCH);
        // A quarter is long for an answer from the same wire, and one that comes later is taken with the next.
        setTimeout(() => !signal.aborted && senses.listen().forEach((event) => this.take(event)), ping_interval / 4);
      }, ping_interval),
      setInterval(() => wire.greetStrangers(), GREET_MS),
    ];
    signal.addEventListener("abort", () => this.#stop.abort());
    try {
      await Promise.all([copy.run(signal), this.#arbiter?.run(signal)]);
    } finally {
      timers.forEach(clearInterval);
      this.#waiting?.({ failure: INTERRUPTED });
    }
  }

  /** Resolves when it is done, or cannot be. */
  async obey({ to }: Order): Promise<Outcome> {
    const { config, election } = this.#parts;
    const node = to === undefined ? undefined : config.nodes.find(({ name }) => name === to);
    if (to !== undefined && !node) return { failure: `there is no node ${to}` };
    const deadline = performance.now() + RESUME_MS;
    while (true) {
      // One that ran late, or whose predecessor ended, may be about to find that it is the scheduler still.
      while (election.epoch !== NO_EPOCH && election.state !== "scheduler" && performance.now() < deadline) {
        await delay(TICK_MS, this.#stop.signal);
      }
      const outcome = await this.#handOver(node);
      if (outcome.failure !== INTERRUPTED || this.#stop.signal.aborted || performance.now() >= deadline) return outcome;
    }
  }

  #handOver(node: NodeConfig | undefined): Promise<Outcome> {
    const { config, election } = this.#parts;
    if (node === this.#parts.node) return Promise.resolve({ failure: `${node.name} is this node` });
    if (this.#waiting) return Promise.resolve({ failure: "a hand-over is under way" });
    if (election.state !== "scheduler") {
      const id = election.followed === NO_EPOCH ? undefined : ownerOf(election.followed);
      const scheduler = config.nodes.find((node) => node.id === id);
      return Promise.resolve({ failure: `this node is not the scheduler${scheduler ? `: ${scheduler.name} is` : ""}` });
    }
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.take({ kind: "handover", to: node?.id });
    });
  }

  #tick(): void {
    for (const event of this.#parts.senses.look()) this.take(event);
    this.take({ kind: "tick" });
  }

  #do(action: Action): void {
    const { durable, boot, copy, engine, log } = this.#parts;
    switch (action.kind) {
      case "send":
        if (action.to !== ARBITER) return this.#wire?.send(action.to, action.message);
        return action.message.kind === "request" ? this.#arbiter?.ask(action.message) : undefined;
      case "persist":
        return durable.write({ boot, ...action.durable });
      case "claim":
        return void this.#claim(action.epoch);
      case "hold":
        this.#lease = { epoch: action.epoch, until: Math.floor((bootMilliseconds() + action.leaseMs) / 1000) };
        if (this.#active === action.epoch) this.#activeUntil = this.#lease.until;
        return;
      case "announce":
        this.#announcements++;
        return;
      case "yield":
        this.#active = NO_EPOCH;
        this.#activeUntil = 0;
        this.#publish();
        copy.silence();
        return;
      case "fill":
        this.#fillRequest++;
        this.#publish();
        return void this.#awaitFill(engine);
      case "synchronize":
        copy.fetch().then(
          () => this.take({ kind: "synchronized" }),
          (error) => log(`no table to take over: ${error.message}`),
        );
        return;
      case "handed_over":
        this.#waiting?.(action.failure === undefined ? {} : { failure: action.failure });
        this.#waiting = undefined;
    }
  }

  /** Asks the survivors, while others vote. */
  #collect(): Promise<LiveBuckets[]> {
    const { config, election } = this.#parts;
    // In a hand-over the copy is whole.
    if (election.isInheriting) return Promise.resolve([]);
    const dead = new Set(election.dead);
    const survivors = config.nodes.filter((other) => other.enabled && !dead.has(other.id));
    return collectLiveBuckets(config, survivors, COLLECT_MS);
  }

  async #claim(epoch: number): Promise<void> {
    const { election, copy, log } = this.#parts;
    // Of a scheduler that takes a higher epoch the engine goes on.
    if (this.#active === NO_EPOCH) {
      const live = await (this.#collection ?? this.#collect());
      if (election.epoch !== epoch || this.#stop.signal.aborted) return;
      const better = copy.takeOver(epoch, election.dead, live);
      log(`takes the VIP by epoch ${epoch}; ${live.length} nodes told of ${better} buckets that the copy lacked`);
    }
    this.#active = epoch;
    if (this.#lease.epoch === epoch) this.#activeUntil = this.#lease.until;
    this.#publish();
  }

  async #awaitFill(engine: EngineState): Promise<void> {
    const request = this.#fillRequest;
    while (engine.filled !== request && this.#fillRequest === request && !this.#stop.signal.aborted) {
      await delay(FILL_STEP_MS);
    }
    if (this.#fillRequest === request) this.take({ kind: "filled" });
  }

  /** Says who schedules, to the other processes and the operator, when that changed. */
  #tell(): void {
    const { election, copy, config, log } = this.#parts;
    this.#publish();
    const id = election.followed === NO_EPOCH ? undefined : ownerOf(election.followed);
    const scheduler = config.nodes.find((node) => node.id === id);
    copy.follow(election.state === "scheduler" ? undefined : scheduler);
    const text = scheduler ? `${scheduler.name} is scheduler, epoch ${election.followed}` : "no scheduler is known";
    if (text === this.#told) return;
    this.#told = text;
    log(text);
  }

  #publish(): void {
    const { election, leadership } = this.#parts;
    // While the survivors are asked nobody schedules yet.
    const isActivating = election.epoch !== this.#active && election.state === "scheduler";
    const epoch = this.#active !== NO_EPOCH ? this.#active : isActivating ? NO_EPOCH : election.followed;
    const last = leadership.read();
    const state = {
      epoch: epoch === NO_EPOCH ? last?.epoch ?? NO_EPOCH : epoch,
      scheduler: epoch === NO_EPOCH ? undefined : ownerOf(epoch),
      activeUntil: this.#activeUntil,
      fillRequest: this.#fillRequest,
      announcements: this.#announcements,
      failed: election.dead,
    };
    const text = JSON.stringify(state);
    if (text === this.#published) return;
    this.#published = text;
    leadership.publish(state);
  }
}
