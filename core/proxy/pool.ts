/** Pools of back ends, and which back end takes a request. */
import type { BackEndConfig, Config, PoolConfig } from "../config/schema.ts";
import type { ArraySecret } from "../secrets/array_secret.ts";
import type { EncryptedBackEnds } from "../tls/back_end_tls.ts";
import type { Speederizer } from "../speederize/speederizer.ts";
import { BackEnd } from "./back_end.ts";
import type { BackEndControl } from "./back_end_control.ts";
import { cookieValues } from "./cookie_values.ts";
import { DividedLimits, limitOf, type Place } from "./divided_limit.ts";
import { HeaderRules } from "./header_rules.ts";
import type { RequestHead } from "./message.ts";
import type { HashOf } from "./policies/hashed_part.ts";
import type { Policy } from "./policies/policy.ts";
import { hashEntries, hashOfPool, policyOf } from "./policies/policy_of.ts";
import { mix } from "./policies/text_hash.ts";
import { UrlHash } from "./policies/url_hash.ts";
import { PoolPersistence, type SessionMemory } from "./pool_persistence.ts";
import { Timed } from "./timer_wheel.ts";

/** A request that waits for room at a back end. */
export abstract class Waiting extends Timed {
  /** Starts it if there is room now; false when it waits on. */
  abstract tryStart(): boolean;
}

/** What a request says of where it should go. */
export interface Wish {
  /** Key of the back end that its persistence cookie names. */
  readonly key: number | undefined;
  /** Where its user's back end is not known but must be one for all his requests: a hash of what he is known by; -1 else. */
  readonly userHash: number;
  /** Its hash, where the policy goes by that. */
  readonly hash: number;
  /** Back ends that refused it: left out. */
  readonly tried: readonly BackEnd[];
}

/** No back end is left to be tried; those that are left have no room. */
export const NONE = "none";
export const FULL = "full";

/** While a back end takes up its weight, or is looked at by the control process, the list is made anew so often, ms. */
const LOOK_MS = 100;

export class Pool {
  #byKey: ReadonlyMap<number, BackEnd>;
  /** Shared with the pools of that name before and after. */
  #waiting: Set<Waiting>;
  /** The pool of that name once the config has changed: requests that look for a back end turn to it. */
  successor: Pool | null = null;
  #policy: Policy;
  /** For users by a hash: made when the first one comes. */
  #users: UrlHash | undefined;
  /** Those that take new users now; a new list with each change. */
  #usable: readonly BackEnd[] = [];
  /** Names are resolved, or machines asked for their load. */
  #isWatched: boolean;
  /** Null where no back end has a limit, or nobody says which nodes serve. */
  #limits: DividedLimits | null = null;
  /** When that list is to be made anew. */
  #changesAt = -Infinity;

  /** Where users are kept on their back ends. */
  readonly persistence: PoolPersistence | null;
  readonly requestRules: HeaderRules | null;
  readonly responseRules: HeaderRules | null;
  /** Response times decide. */
  readonly measures: boolean;
  /** Its back ends are spoken to by HTTP/2. */
  readonly isHttp2: boolean;
  /** Hashes requests; null where the policy does not go by that. */
  readonly hashOf: HashOf | null;
  /** Rewrites its pages; null where they pass as they are. */
  speed: Speederizer | null = null;

  /**
   * @param persistence null where users are kept nowhere
   * @param control what the control process says; null without one
   * @param place of this process in the array
   * @param before the pool of that name in the config before
   */
  constructor(
    readonly config: PoolConfig,
    readonly backEnds: readonly BackEnd[],
    persistence: PoolPersistence | null,
    readonly control: BackEndControl | null,
    place: Place,
    before?: Pool,
  ) {
    this.#waiting = before ? before.#waiting : new Set();
    const isLimited = config.back_ends.some(({ max_connections }) => max_connections > 0);
    if (control !== null && isLimited) this.#limits = new DividedLimits(place, (node) => control.hasFailed(node));
    this.persistence = persistence;
    const { request, response } = config.headers ?? {};
    this.requestRules = request ? new HeaderRules(request) : null;
    this.responseRules = response ? new HeaderRules(response) : null;
    this.#byKey = new Map(backEnds.map((backEnd, i) => [config.back_ends[i]!.key, backEnd]));
    this.#policy = policyOf(config);
    this.#isWatched = this.#limits !== null ||
      backEnds.some(({ isNamed }) => isNamed) ||
      config.back_ends.some(({ agent_port, snmp }) => agent_port !== undefined || snmp !== undefined);
    this.isHttp2 = config.protocol === "h2";
    this.measures = config.policy === "least_response_time";
    this.hashOf = this.#policy.hashes ? hashOfPool(config) : null;
  }

  hash(request: RequestHead): number {
    return this.hashOf === null ? 0 : this.hashOf(request);
  }

  /**
   * The back end for a request: the one that its persistence cookie names, else as the policy says. Those tried already are left out;
   * those that are down too, unless all are.
   */
  choose({ key, userHash, hash, tried }: Wish, now: number): BackEnd | typeof NONE | typeof FULL {
    if (now >= this.#changesAt) this.#lookAgain(now);
    const persisted = key === undefined ? undefined : this.#byKey.get(key);
    if (persisted && persisted.isUp(now) && !tried.includes(persisted)) return persisted.hasRoom ? persisted : FULL;
    let among = this.#usable;
    if (tried.length > 0) {
      among = without(among, tried);
      if (among.length === 0) {
        among = without(this.backEnds.filter(({ mayBeTried }) => mayBeTried), tried);
      }
    }
    if (among.length === 0) return NONE;
    // Every node sends a user whose back end is gone to the same other one.
    if (key !== undefined || userHash >= 0) return this.#ofUser(among, userHash >= 0 ? userHash : mix(key!));
    return this.#policy.choose(among, hash) ?? FULL;
  }

  #ofUser(among: readonly BackEnd[], hash: number): BackEnd | typeof FULL {
    this.#users ??= new UrlHash(hashEntries(this.config));
    return this.#users.choose(among, hash) ?? FULL;
  }

  /** Those that are up, backups where no others are; all where none is. */
  #lookAgain(now: number): void {
    const { slow_start, ejection, check } = this.config;
    this.#takeChecks();
    this.#limits?.divide(this.backEnds);
    const { control } = this;
    for (const backEnd of this.backEnds) if (backEnd.isNamed) backEnd.resolve(control?.address(backEnd.row));
    const takers = this.backEnds.filter((backEnd) => backEnd.mayBeTried);
    const up = takers.filter((backEnd) => backEnd.isUp(now));
    const first = up.filter(({ config }) => !config.backup);
    this.#usable = first.length > 0 ? first : up.length > 0 ? up : takers;
    this.#changesAt = Math.min(...this.backEnds.map(({ downUntil }) => downUntil > now ? downUntil : Infinity));
    const isWatched = control !== null && (check !== undefined || this.#isWatched);
    // Who was ejected comes back little by little even without a slow start.
    const slowStart = Math.max(slow_start, ejection?.time ?? 0);
    let rises = isWatched;
    for (const backEnd of up) {
      const machine = control === null ? 1 : control.fraction(backEnd.row);
      if (backEnd.rise(now, backEnd.wasEjected ? slowStart : slow_start, machine)) rises = true;
    }
    if (rises) this.#changesAt = Math.min(this.#changesAt, now + LOOK_MS);
  }

  /** What the control process found; where every check fails, nothing is believed unless `fail_closed` says so. */
  #takeChecks(): void {
    const { check } = this.config;
    const { control } = this;
    // Between two configs its file is not begun yet: what was known of back ends that stay holds on.
    if (check === undefined || control === null || !control.isBegun) return;
    for (const backEnd of this.backEnds) backEnd.isCheckedDown = control.isDown(backEnd.row);
    if (check.fail_closed || this.backEnds.some(({ takesNew, isCheckedDown }) => takesNew && !isCheckedDown)) return;
    for (const backEnd of this.backEnds) backEnd.isCheckedDown = false;
  }

  /** It could not be connected. */
  connectFailed(backEnd: BackEnd, now: number): void {
    backEnd.failed(now);
    this.#changesAt = -Infinity;
    this.failed(backEnd, now);
  }

  /** A request failed there. True when that made it be left out: at most half of those that take new users are, and never the last. */
  failed(backEnd: BackEnd, now: number): boolean {
    const { ejection } = this.config;
    if (ejection === undefined || !backEnd.countFailure(ejection) || backEnd.isEjected(now)) return false;
    const takers = this.backEnds.filter(({ takesNew }) => takesNew);
    const ejected = takers.filter((other) => other.isEjected(now)).length;
    const others = takers.filter((other) => other !== backEnd && other.isUp(now)).length;
    if (ejected + 1 > takers.length / 2 || others === 0) return false;
    backEnd.eject(now, ejection);
    this.#changesAt = -Infinity;
    return true;
  }

  /** Whether another back end than that one can be tried. */
  hasOther(backEnd: BackEnd, tried: readonly BackEnd[], now: number): boolean {
    return this.backEnds.some((other) =>
      other !== backEnd && other.takesNew && other.isUp(now) && !tried.includes(other)
    );
  }

  /** From now on that pool serves in its place. */
  giveWayTo(next: Pool): void {
    // What was written for the one protocol cannot be sent by the other.
    if (this.isHttp2 === next.isHttp2) this.successor = next;
  }

  /** The pool that serves now. */
  get latest(): Pool {
    return this.successor === null ? this : this.successor.latest;
  }

  wait(waiting: Waiting): void {
    this.#waiting.add(waiting);
  }

  stopWaiting(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  /** There may be room for many: the config has changed. */
  wakeAll(): void {
    for (const waiting of [...this.#waiting]) waiting.tryStart();
  }

  /** There is room again at a back end: the first waiting request that may go there starts. */
  gaveRoom(): void {
    if (this.#waiting.size === 0) return;
    for (const waiting of this.#waiting) if (waiting.tryStart()) return;
  }
}

function without(among: readonly BackEnd[], tried: readonly BackEnd[]): BackEnd[] {
  return among.filter((backEnd) => !tried.includes(backEnd));
}

/** What pools share. */
export interface PoolsOptions {
  readonly encrypted: EncryptedBackEnds;
  /** Needed where values of cookies are opaque. */
  readonly secret: ArraySecret | undefined;
  /** Needed where session ids are learned. */
  readonly memory: SessionMemory | undefined;
  readonly control: BackEndControl | null;
  /** Among those that share the limits of back ends. */
  readonly place: Place;
}

/** The config's pools by name, made beside those of the config before; nothing changes until they are taken into service. */
export interface NextPools {
  readonly pools: ReadonlyMap<string, Pool>;
  takeIntoService(): void;
}

/**
 * Back ends that stay what they are, by pool, key, address, TLS and protocol, are the same objects. Rows of the status table count over
 * all pools.
 * @param before in service now; empty at the start
 */
export function buildPools(config: Config, before: ReadonlyMap<string, Pool>, options: PoolsOptions): NextPools {
  const { encrypted, secret, memory, control, place } = options;
  let row = 0;
  const changes: (() => void)[] = [];
  const staying = new Set<BackEnd>();
  const pools = new Map(config.pools.map((pool) => {
    const former = before.get(pool.name);
    const known = former?.config.protocol === pool.protocol ? former.backEnds : [];
    const backEnds = pool.back_ends.map((backEnd, index) => {
      const ownRow = row++;
      const limit = limitOf(backEnd.max_connections, place);
      const tls = encrypted.of(pool.name, backEnd);
      const same = known.find((one) => one.tls === tls && isSame(one.config, backEnd));
      if (same === undefined) return new BackEnd(backEnd, index, ownRow, tls, limit);
      staying.add(same);
      changes.push(() => same.become(backEnd, index, ownRow, limit));
      return same;
    });
    const persistence = pool.persistence ? new PoolPersistence(pool, cookieValues(pool, secret), memory) : null;
    const next = new Pool(pool, backEnds, persistence, control, place, former);
    changes.push(() => former?.giveWayTo(next));
    return [pool.name, next];
  }));
  const takeIntoService = () => {
    const leaving = [...before.values()].flatMap(({ backEnds }) => backEnds).filter((one) => !staying.has(one));
    for (const backEnd of leaving) backEnd.leave(row);
    for (const change of changes) change();
  };
  return { pools, takeIntoService };
}

function isSame(one: BackEndConfig, other: BackEndConfig): boolean {
  return one.key === other.key && one.address.address === other.address.address &&
    one.address.port === other.address.port;
}
