/** Pools of back ends, and which back end takes a request. */
import { socketAddressBytes } from "../../ffi/socket.ts";
import type { BackEndConfig, Config, PoolConfig } from "../config/schema.ts";
import type { UpstreamConnection } from "./upstream_connection.ts";

/** A back end that could not be connected is passed over for so long, ms; then the next request tries it. */
const RETRY_AFTER_MS = 2_000;

export class BackEnd {
  readonly address: Uint8Array<ArrayBuffer>;
  /** Kept-alive connections without a request; the last used is the first reused. */
  readonly idle: UpstreamConnection[] = [];
  /** Smooth weighted round robin: what it is owed. */
  credit = 0;
  #downUntil = -Infinity;

  /** @param row of the Web Server Status Table */
  constructor(readonly config: BackEndConfig, readonly row: number) {
    this.address = socketAddressBytes(config.address.address, config.address.port);
  }

  isUp(now: number): boolean {
    return now >= this.#downUntil;
  }

  /** It could not be connected. */
  failed(now: number): void {
    this.#downUntil = now + RETRY_AFTER_MS;
  }
}

export class Pool {
  #byKey: ReadonlyMap<number, BackEnd>;

  constructor(readonly config: PoolConfig, readonly backEnds: readonly BackEnd[]) {
    this.#byKey = new Map(backEnds.map((backEnd) => [backEnd.config.key, backEnd]));
  }

  /**
   * The back end for a request: the one that its persistence cookie names, else by smooth weighted round robin. Those tried already
   * are left out; those that are down too, unless all are. Undefined when every one was tried.
   */
  choose(key: number | undefined, tried: readonly BackEnd[], now: number): BackEnd | undefined {
    const persisted = key === undefined ? undefined : this.#byKey.get(key);
    if (persisted && persisted.isUp(now) && !tried.includes(persisted)) return persisted;
    return this.#roundRobin((backEnd) => backEnd.isUp(now) && !tried.includes(backEnd)) ??
      this.#roundRobin((backEnd) => !tried.includes(backEnd));
  }

  #roundRobin(isUsable: (backEnd: BackEnd) => boolean): BackEnd | undefined {
    let best: BackEnd | undefined;
    let total = 0;
    for (const backEnd of this.backEnds) {
      const { weight } = backEnd.config;
      if (weight === 0 || !isUsable(backEnd)) continue;
      backEnd.credit += weight;
      total += weight;
      if (best === undefined || backEnd.credit > best.credit) best = backEnd;
    }
    if (best) best.credit -= total;
    return best;
  }
}

/** The config's pools by name. Rows of the status table count over all pools. */
export function buildPools(config: Config): Map<string, Pool> {
  let row = 0;
  return new Map(config.pools.map((pool) => {
    const backEnds = pool.back_ends.map((backEnd) => new BackEnd(backEnd, row++));
    return [pool.name, new Pool(pool, backEnds)];
  }));
}
