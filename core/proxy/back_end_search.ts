/** A request that looks for a back end: which it tries in turn, how it waits for room, what it does when one cannot be connected. */
import { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH } from "../../ffi/errno.ts";
import type { BackEndTable } from "./back_end_table.ts";
import type { EventLoop } from "./loop.ts";
import { isIdempotent, type RequestHead } from "./message.ts";
import { type BackEnd, RETRY_AFTER_MS } from "./back_end.ts";
import { FULL, NONE, type Pool, Waiting, type Wish } from "./pool.ts";
import type { Upstream } from "./upstream.ts";
import type { UpstreamConnection } from "./upstream_connection.ts";

/** What connect(2) says at once of a peer, not of this machine. */
const UNREACHABLE = new Set([ECONNREFUSED, EHOSTUNREACH, ENETUNREACH]);

const NOBODY: readonly BackEnd[] = [];

export abstract class BackEndSearch extends Waiting implements Wish {
  protected upstream: Upstream | null = null;
  /** The persistence cookie's. */
  key: number | undefined;
  userHash = -1;
  /** Of what is asked for, where the policy goes by that. */
  hash: number;
  tried: readonly BackEnd[] = NOBODY;
  /** When a connection was found or begun, on the loop's clock; and to which back end, -1 without. */
  assignedAt = 0;
  lastKey = -1;
  #wasRepeated = false;
  /** Other kept-alive connections may be as dead as the one that failed. */
  #needsFresh = false;
  /** Where it waits for room: how long at most, on the loop's clock. */
  #waitsUntil = 0;

  constructor(
    readonly loop: EventLoop,
    readonly table: BackEndTable,
    public pool: Pool,
    readonly request: RequestHead,
  ) {
    super();
    this.hash = pool.hash(request);
  }

  /** Answers by an error page. */
  protected abstract fail(status: number): void;

  /**
   * Begins to connect, or finds a connection that takes one more; the errno when the system refuses at once.
   * @param needsFresh no connection that carried others before
   */
  protected abstract connect(backEnd: BackEnd, needsFresh: boolean): Upstream | number;

  /** Takes an idle connection into use. */
  protected abstract takeUp(idle: UpstreamConnection): void;

  /** False when the connection is broken and nothing was sent. */
  protected abstract sendRequest(): boolean;

  /** Sends the request to a back end: over an idle connection, or a new one. */
  start(): void {
    this.#startWith(this.#choose());
  }

  override tryStart(): boolean {
    const choice = this.#choose();
    if (choice === FULL) return false;
    this.stopWaiting();
    this.#startWith(choice);
    return true;
  }

  #choose() {
    if (this.pool.successor !== null) this.#follow(this.pool.latest);
    return this.pool.choose(this, this.loop.now);
  }

  /** The config has changed while it looked. */
  #follow(pool: Pool): void {
    this.pool = pool;
    this.hash = pool.hash(this.request);
  }

  #startWith(choice: ReturnType<Pool["choose"]>): void {
    while (choice !== NONE && choice !== FULL) {
      if (this.#startOn(choice)) return;
      choice = this.#choose();
    }
    if (choice === NONE) return this.fail(this.tried.length > 0 ? 502 : 503);
    if (this.#waitsUntil === 0) this.#waitsUntil = this.loop.now + this.pool.config.queue_timeout;
    this.#waitOn();
    this.pool.wait(this);
  }

  /** Looks again now and then: a back end that was passed over may be back, and nobody says so. */
  #waitOn(): void {
    this.loop.setDeadline(this, Math.min(RETRY_AFTER_MS, Math.max(0, this.#waitsUntil - this.loop.now)));
  }

  override onTimeout(): void {
    if (this.loop.now < this.#waitsUntil) {
      // One that refused it may be back as well; a repetition goes to another all the same.
      if (!this.#wasRepeated) this.tried = NOBODY;
      if (!this.tryStart()) this.#waitOn();
      return;
    }
    this.stopWaiting();
    this.fail(503);
  }

  protected stopWaiting(): void {
    this.loop.clearDeadline(this);
    this.pool.stopWaiting(this);
  }

  /** False when the back end cannot be connected: another is to be tried. */
  #startOn(backEnd: BackEnd): boolean {
    while (!this.#needsFresh) {
      const idle = backEnd.idle.pop();
      if (idle === undefined) break;
      // What may not be sent twice is not sent into a connection that its back end closed already.
      if (!isIdempotent(this.request.method) && !idle.isAlive()) {
        idle.close();
        continue;
      }
      this.#use(idle);
      this.takeUp(idle);
      if (this.sendRequest()) return true;
      // Its room remains this request's.
      this.#detach();
      idle.close();
    }
    const upstream = this.connect(backEnd, this.#needsFresh);
    if (typeof upstream !== "number") {
      this.#use(upstream);
      if (upstream.isConnected) this.connected();
      return true;
    }
    // Out of descriptors, ports or memory: that is our trouble, not the back end's.
    if (!UNREACHABLE.has(upstream)) {
      this.fail(503);
      this.pool.gaveRoom();
      return true;
    }
    this.#passOver(backEnd);
    this.pool.gaveRoom();
    return false;
  }

  #use(upstream: Upstream): void {
    this.upstream = upstream;
    this.assignedAt = this.loop.now;
    this.lastKey = upstream.backEnd.config.key;
    upstream.backEnd.inUse++;
    this.table.opened(upstream.backEnd.row, 1);
  }

  /** The back end cannot be connected: the request goes to another at once. */
  connectFailed(backEnd: BackEnd): void {
    this.release();
    this.#passOver(backEnd);
    this.start();
  }

  #passOver(backEnd: BackEnd): void {
    this.pool.connectFailed(backEnd, this.loop.now);
    this.table.connectFailed(backEnd.row);
    this.tried = [...this.tried, backEnd];
  }

  connected(): void {
    const upstream = this.upstream!;
    if (this.sendRequest()) return;
    upstream.close();
    this.connectFailed(upstream.backEnd);
  }

  protected get wasRepeated(): boolean {
    return this.#wasRepeated;
  }

  /**
   * An idempotent request that is still held is sent again: after a kept-alive connection, which its back end may have closed in time, over
   * a fresh one to whoever it is for; after a fresh one, once, to another back end where there is one.
   */
  protected repeat(backEnd: BackEnd, wasReused: boolean): void {
    this.table.hit(backEnd.row, -1);
    this.#needsFresh = true;
    if (!wasReused) {
      this.#wasRepeated = true;
      if (this.pool.hasOther(backEnd, this.tried, this.loop.now)) this.tried = [...this.tried, backEnd];
    }
    this.start();
  }

  protected release(): void {
    if (this.upstream === null) return;
    this.#detach();
    this.pool.gaveRoom();
  }

  /** The connection has no room for it after all: another is found. */
  searchOn(): void {
    this.#detach();
    this.start();
  }

  #detach(): void {
    const { backEnd } = this.upstream!;
    this.upstream = null;
    backEnd.inUse--;
    this.table.opened(backEnd.row, -1);
  }
}
