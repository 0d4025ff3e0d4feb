/** Who schedules, for the status daemon: as the failover daemon says, and until it has said anything as the config does. */
import { bootSeconds } from "../../ffi/clock.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { firstScheduler } from "../failover/first_scheduler.ts";
import type { Leadership } from "../failover/leadership.ts";

export interface Scheduling {
  readonly epoch: number;
  /** Undefined where none is known. */
  readonly scheduler: NodeConfig | undefined;
  /** This node schedules. */
  readonly isOwn: boolean;
  /** Server numbers of those that the election found dead. */
  readonly failed: readonly number[];
}

export class SchedulingReader {
  #config: Config;
  #node: NodeConfig;
  #leadership: Leadership;
  #generation = -1;
  #last: Scheduling;
  /** Second of the boot clock. */
  #activeUntil = 0;

  constructor(config: Config, node: NodeConfig, leadership: Leadership) {
    this.#config = config;
    this.#node = node;
    this.#leadership = leadership;
    const first = firstScheduler(config);
    this.#last = { epoch: 0, scheduler: first, isOwn: first === node, failed: [] };
  }

  current(): Scheduling {
    this.#refresh();
    if (this.#last.epoch === 0) return this.#last;
    const isOwn = this.#last.scheduler === this.#node && this.#activeUntil > bootSeconds();
    return isOwn === this.#last.isOwn ? this.#last : this.#last = { ...this.#last, isOwn };
  }

  #refresh(): void {
    const { generation } = this.#leadership;
    if (generation === this.#generation) return;
    const state = this.#leadership.read();
    if (!state) return;
    this.#generation = generation;
    this.#activeUntil = state.activeUntil;
    if (state.epoch === 0) return;
    const scheduler = this.#config.nodes.find(({ id }) => id === state.scheduler);
    this.#last = { epoch: state.epoch, scheduler, isOwn: this.#last.isOwn, failed: state.failed };
  }
}
