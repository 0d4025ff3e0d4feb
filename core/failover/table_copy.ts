/** The scheduler's Client IP Hash Table, copied into the tables of this node's engine while that stands by and has no grace time. */
import { bootSeconds } from "../../ffi/clock.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import { graceSeconds } from "./plan.ts";
import { FollowerTable } from "../scheduler/follower_table.ts";
import type { LiveBuckets } from "../scheduler/live_buckets.ts";
import { TablesReader } from "../scheduler/open_tables.ts";
import { takeOver } from "../scheduler/take_over.ts";
import type { SchedulerTables } from "../scheduler/tables.ts";
import { fetchChanges } from "../status/table_sync.ts";

/** Longest time between two fetches, ms: a beat that says that the table changed brings the next at once. */
const FETCH_EVERY_MS = 1000;
/** After one that failed, ms. */
const RETRY_MS = 200;
/** A fetch has so long, ms. */
const FETCH_MS = 2000;

export class TableCopy {
  #config: Config;
  #node: NodeConfig;
  /** s. */
  #graceTime: number;
  #reader: TablesReader;
  #tables: SchedulerTables | undefined;
  #copy: FollowerTable | undefined;
  #scheduler: NodeConfig | undefined;
  /** By the scheduler's last beat, its table's version. */
  #told = 0;
  #wake: () => void = () => {};
  /** The fetch that is under way; one at a time. */
  #fetching: Promise<void> = Promise.resolve();

  constructor(config: Config, node: NodeConfig, dir: string) {
    this.#config = config;
    this.#node = node;
    this.#graceTime = graceSeconds(config);
    this.#reader = new TablesReader(dir);
  }

  /** Whose table is to be copied; undefined stops it. */
  follow(scheduler: NodeConfig | undefined): void {
    if (scheduler === this.#scheduler) return;
    this.#scheduler = scheduler === this.#node ? undefined : scheduler;
    this.#copy?.forget();
  }

  /** Copies until the signal aborts. A table that cannot be fetched is no failure. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake());
    while (!signal.aborted) {
      const told = this.#told;
      const isFetched = await this.fetch().then(() => true, () => false);
      if (!isFetched) await delay(RETRY_MS, signal);
      else if (told === this.#told && !signal.aborted) await this.#news();
    }
  }

  /** The scheduler's beat says which version its table has. */
  tell(version: number): void {
    if (version === this.#told) return;
    this.#told = version;
    this.#wake();
  }

  /** Of the table by which this node schedules, 32 bits; 0 where there is none. */
  version(): number {
    this.#current();
    const cursor = this.#tables?.cursor();
    return cursor ? (cursor.incarnation + cursor.version) % 2 ** 32 : 0;
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, FETCH_EVERY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Fetches what is new as of now. Throws Error where that cannot be had. */
  fetch(): Promise<void> {
    const fetched = this.#fetching.catch(() => {}).then(() => this.#fetchNow());
    this.#fetching = fetched;
    return fetched;
  }

  async #fetchNow(): Promise<void> {
    const scheduler = this.#scheduler, copy = this.#current();
    if (!scheduler || !copy) return;
    if (!this.#isFrozen()) copy.pour();
    const changes = await fetchChanges(this.#config, scheduler, copy.cursor, AbortSignal.timeout(FETCH_MS));
    // The engine may have begun meanwhile, or another may be scheduler.
    if (!changes || scheduler !== this.#scheduler || copy !== this.#current()) return;
    try {
      copy.apply(changes, this.#isFrozen());
    } catch (error) {
      copy.forget();
      throw error;
    }
  }

  /** Makes the copy the table by which this node's engine schedules. Returns in how many buckets the survivors knew better. */
  takeOver(epoch: number, dead: readonly number[], live: readonly LiveBuckets[]): number {
    this.follow(undefined);
    this.#current()?.pour();
    return this.#tables ? takeOver(this.#tables, { epoch, dead, live, now: bootSeconds() }) : 0;
  }

  /** Ends the engine's answers at once, whatever its process does. */
  silence(): void {
    this.#current();
    const now = bootSeconds();
    if (this.#tables?.settings.isActive(now)) this.#tables.settings.serveUntil(now, this.#graceTime);
  }

  /** Whether the engine goes by the table that it had when this node lost the VIP. */
  #isFrozen(): boolean {
    return this.#tables!.settings.isInGrace(bootSeconds());
  }

  #current(): FollowerTable | undefined {
    const tables = this.#reader.current();
    if (tables !== this.#tables) {
      const ids = new Set(this.#config.nodes.map(({ id }) => id));
      this.#copy = tables && new FollowerTable(tables.buckets, (id) => ids.has(id));
      this.#tables = tables;
    }
    return this.#copy;
  }
}
