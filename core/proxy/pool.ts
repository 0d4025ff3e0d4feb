/** Pools of back ends, and which back end takes a request. */
import { socketAddressBytes } from "../../ffi/socket.ts";
import type { BackEndConfig, Config, PoolConfig } from "../config/schema.ts";
import type { BackEndTls, EncryptedBackEnds } from "../tls/back_end_tls.ts";
import type { Speederizer } from "../speederize/speederizer.ts";
import { CookieInjector } from "./cookie_injection.ts";
import { Timed } from "./timer_wheel.ts";
import type { UpstreamConnection } from "./upstream_connection.ts";

/** A back end that could not be connected is passed over for so long, ms; then the next request tries it. */
export const RETRY_AFTER_MS = 2_000;

export class BackEnd {
  readonly address: Uint8Array<ArrayBuffer>;
  /** Kept-alive connections without a request; the last used is the first reused. */
  readonly idle: UpstreamConnection[] = [];
  /** Requests on their way to it. */
  inUse = 0;
  /** Smooth weighted round robin: what it is owed. */
  credit = 0;
  #downUntil = -Infinity;

  /**
   * @param row of the Web Server Status Table
   * @param tls undefined where it is spoken to in clear
   */
  constructor(readonly config: BackEndConfig, readonly row: number, readonly tls: BackEndTls | undefined) {
    this.address = socketAddressBytes(config.address.address, config.address.port);
  }

  isUp(now: number): boolean {
    return now >= this.#downUntil;
  }

  get hasRoom(): boolean {
    const { max_connections } = this.config;
    return max_connections === 0 || this.inUse < max_connections;
  }

  /** It could not be connected. */
  failed(now: number): void {
    this.#downUntil = now + RETRY_AFTER_MS;
  }
}

/** A request that waits for room at a back end. */
export abstract class Waiting extends Timed {
  /** Starts it if there is room now; false when it waits on. */
  abstract tryStart(): boolean;
}

/** No back end is left to be tried; those that are left have no room. */
export const NONE = "none";
export const FULL = "full";

export class Pool {
  #byKey: ReadonlyMap<number, BackEnd>;
  #waiting = new Set<Waiting>();

  /** Where users are kept on their back ends. */
  readonly injector: CookieInjector | null;
  /** Rewrites its pages; null where they pass as they are. */
  speed: Speederizer | null = null;

  constructor(readonly config: PoolConfig, readonly backEnds: readonly BackEnd[]) {
    this.injector = config.persistence ? new CookieInjector(config.persistence) : null;
    this.#byKey = new Map(backEnds.map((backEnd) => [backEnd.config.key, backEnd]));
  }

  /**
   * The back end for a request: the one that its persistence cookie names, else by smooth weighted round robin. Those tried already
   * are left out; those that are down too, unless all are.
   */
  choose(key: number | undefined, tried: readonly BackEnd[], now: number): BackEnd | typeof NONE | typeof FULL {
    const persisted = key === undefined ? undefined : this.#byKey.get(key);
    if (persisted && persisted.isUp(now) && !tried.includes(persisted)) return persisted.hasRoom ? persisted : FULL;
    const chosen = this.#roundRobin(tried, now);
    return chosen === NONE ? this.#roundRobin(tried, Infinity) : chosen;
  }

  /** Whether another back end than that one can be tried. */
  hasOther(backEnd: BackEnd, tried: readonly BackEnd[], now: number): boolean {
    return this.backEnds.some((other) =>
      other !== backEnd && other.config.weight > 0 && other.isUp(now) && !tried.includes(other)
    );
  }

  #roundRobin(tried: readonly BackEnd[], now: number): BackEnd | typeof NONE | typeof FULL {
    let best: BackEnd | undefined;
    let total = 0;
    let isFull = false;
    for (const backEnd of this.backEnds) {
      const { weight } = backEnd.config;
      if (weight === 0 || !backEnd.isUp(now) || tried.includes(backEnd)) continue;
      if (!backEnd.hasRoom) {
        isFull = true;
        continue;
      }
      backEnd.credit += weight;
      total += weight;
      if (best === undefined || backEnd.credit > best.credit) best = backEnd;
    }
    if (best === undefined) return isFull ? FULL : NONE;
    best.credit -= total;
    return best;
  }

  wait(waiting: Waiting): void {
    this.#waiting.add(waiting);
  }

  stopWaiting(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  /** There is room again at a back end: the first waiting request that may go there starts. */
  gaveRoom(): void {
    if (this.#waiting.size === 0) return;
    for (const waiting of this.#waiting) if (waiting.tryStart()) return;
  }
}

/** The config's pools by name. Rows of the status table count over all pools. */
export function buildPools(config: Config, encrypted: EncryptedBackEnds): Map<string, Pool> {
  let row = 0;
  return new Map(config.pools.map((pool) => {
    const backEnds = pool.back_ends.map((backEnd) => new BackEnd(backEnd, row++, encrypted.of(backEnd)));
    return [pool.name, new Pool(pool, backEnds)];
  }));
}
