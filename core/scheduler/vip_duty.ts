/** When an engine answers for the VIPs: always, or as long as the election says so. */
import { bootMilliseconds, bootSeconds } from "../../ffi/clock.ts";
import type { Leadership, LeadershipState } from "../failover/leadership.ts";
import { ACTIVE_S, UPKEEP_MS } from "./engine.ts";
import type { EngineState } from "./engine_state.ts";
import type { SchedulerTables } from "./tables.ts";
import type { Upkeep } from "./upkeep.ts";
import type { VipClaim } from "./vip_claim.ts";

/** What a duty keeps in line. */
export interface Charge {
  readonly tables: SchedulerTables;
  readonly upkeep: Upkeep;
  readonly claim: VipClaim;
  /** Handles the frames that wait at the wire. */
  readonly handleWaiting: () => void;
}

export interface VipDuty {
  /** {@linkcode keep} is to be called so often, ms. */
  readonly tickMs: number;
  /** Before the engine runs. Throws UsageError where it must not. */
  begin(charge: Charge): Promise<void>;
  /** Answers or not, as is due now. */
  keep(charge: Charge): void;
}

/** No other node takes over: what comes is forwarded without an end, s. */
const FOREVER_S = 2 ** 30;

/** Without an election: this node answers as long as the process runs. */
export class FixedDuty implements VipDuty {
  /** A failed node, a stop, a rival are seen within it. */
  readonly tickMs = 100;
  #renewedAt = -Infinity;

  async begin(charge: Charge): Promise<void> {
    await charge.claim.refuseRival(charge.handleWaiting);
    this.keep(charge);
    charge.claim.begin();
  }

  keep({ tables }: Charge): void {
    const now = performance.now();
    if (now - this.#renewedAt < UPKEEP_MS) return;
    this.#renewedAt = now;
    tables.settings.serveUntil(bootSeconds() + ACTIVE_S, FOREVER_S);
  }
}

/** By the failover daemon's word, which is good until a second of the boot clock: a process that stood still finds it expired. */
export class ElectedDuty implements VipDuty {
  /** Of the time for a take-over the smallest part. */
  readonly tickMs = 10;
  #leadership: Leadership;
  #engine: EngineState;
  #graceTime: number;
  #log: (line: string) => void;
  #generation = -1;
  #state: LeadershipState | undefined;
  /** Epoch by which it answers; 0 when it does not. */
  #held = 0;
  #announced = 0;

  /** @param graceTime for which it forwards when it answers no longer, s */
  constructor(leadership: Leadership, engine: EngineState, graceTime: number, log: (line: string) => void) {
    this.#leadership = leadership;
    this.#engine = engine;
    this.#graceTime = graceTime;
    this.#log = log;
  }

  begin(charge: Charge): Promise<void> {
    // What a predecessor was asked for it has done or not; this process is not asked.
    this.#engine.filled = this.#leadership.read()?.fillRequest ?? 0;
    this.keep(charge);
    return Promise.resolve();
  }

  keep(charge: Charge): void {
    this.#engine.seenAt = bootMilliseconds();
    this.#refresh();
    const state = this.#state, now = bootSeconds();
    if (!state) return;
    const { settings } = charge.tables;
    if (state.activeUntil > now) {
      settings.serveUntil(state.activeUntil, this.#graceTime);
      if (this.#held !== state.epoch) this.#take(state.epoch, charge);
      else if (this.#announced !== state.announcements) charge.claim.begin();
      this.#announced = state.announcements;
    } else if (this.#held !== 0 || settings.isActive(now)) {
      // Where it was over before, the grace time runs.
      if (settings.isActive(now)) settings.serveUntil(now, this.#graceTime);
      this.#leave(charge);
    }
    if (state.fillRequest === this.#engine.filled) return;
    charge.upkeep.fill(now);
    this.#engine.filled = state.fillRequest;
  }

  #refresh(): void {
    const { generation } = this.#leadership;
    if (generation === this.#generation) return;
    const state = this.#leadership.read();
    if (!state) return;
    this.#state = state;
    this.#generation = generation;
  }

  #take(epoch: number, { tables, claim }: Charge): void {
    this.#held = epoch;
    tables.settings.epoch = epoch;
    claim.begin();
    this.#log(`answers ARP for the VIP: epoch ${epoch}, engine ${tables.settings.engine}`);
  }

  #leave({ claim }: Charge): void {
    claim.end();
    if (this.#held !== 0) this.#log(`answers no longer: its epoch ${this.#held} is over`);
    this.#held = 0;
  }
}
