/** A back end as one proxy process knows it. */
import { socketAddressBytes } from "../../ffi/socket.ts";
import type { BackEndConfig, PoolConfig } from "../config/schema.ts";
import { isIpv4 } from "../scheduler/addresses.ts";
import { u32ToIp } from "../scheduler/addresses.ts";
import type { BackEndTls } from "../tls/back_end_tls.ts";
import type { Candidate } from "./policies/policy.ts";
import type { BackEndConnection } from "./http2/back_end_connection.ts";
import type { UpstreamConnection } from "./upstream_connection.ts";

/** A back end that could not be connected is passed over for so long, ms; then the next request tries it. */
export const RETRY_AFTER_MS = 2_000;
/** In a slow start it bears this part of its weight at least: less would keep it from being tried. */
const LEAST_FRACTION = 0.05;
/** What the newest response adds to the average response time. */
const NEWEST = 0.1;

type Ejection = NonNullable<PoolConfig["ejection"]>;

export class BackEnd implements Candidate {
  /** `struct sockaddr_in`; of a name the one that it had last. */
  address: Uint8Array<ArrayBuffer>;
  /** It has a name. */
  readonly isNamed: boolean;
  /** Of a name: as a number; undefined as long as it is not resolved. */
  #resolved: number | undefined;
  weight!: number;
  /** Kept-alive connections without a request; the last used is the first reused. */
  readonly idle: UpstreamConnection[] = [];
  /** Connections of HTTP/2 that take requests, or will. */
  readonly http2: BackEndConnection[] = [];
  inUse = 0;
  credit = 0;
  fraction = 1;
  share!: number;
  responseMs = 0;
  #downUntil = -Infinity;
  /** Not even its own users come. */
  #isDisabled = false;
  /** Its active checks fail. */
  isCheckedDown = false;
  /** Failed requests in a row. */
  #failures = 0;
  /** How often it was ejected without having lasted since. */
  #ejections = 0;
  /** Until when its ejection lasts, or lasted. */
  #ejectedUntil = -Infinity;

  /**
   * @param row of the Web Server Status Table
   * @param tls undefined where it is spoken to in clear
   * @param limit requests at a time from this process; 0 is any number; changes with the nodes that serve
   */
  constructor(
    public config: BackEndConfig,
    public index: number,
    public row: number,
    readonly tls: BackEndTls | undefined,
    public limit: number,
  ) {
    const { address, port } = config.address;
    this.isNamed = !isIpv4(address);
    this.address = socketAddressBytes(this.isNamed ? "0.0.0.0" : address, port);
    this.become(config, index, row, limit);
  }

  /** The config has changed, and it is still there: what it is known by, its connections and what they are to be like stay. */
  become(config: BackEndConfig, index: number, row: number, limit: number): void {
    this.config = config;
    this.index = index;
    this.row = row;
    this.limit = limit;
    this.weight = config.weight;
    this.share = this.weight * this.fraction;
    this.#isDisabled = config.state === "disabled";
  }

  /** It has left the config: requests that are under way end there. @param row that nobody reads */
  leave(row: number): void {
    this.row = row;
    this.closeIdle();
  }

  /** Takes the address that its name has now; connections to another one are kept no longer than their requests last. */
  resolve(address: number | undefined): void {
    if (address === undefined || address === this.#resolved) return;
    this.#resolved = address;
    this.address = socketAddressBytes(u32ToIp(address), this.config.address.port);
    this.closeIdle();
  }

  /** Closes connections without a request, and lets none take further ones. */
  closeIdle(): void {
    for (const connection of this.idle.splice(0)) connection.close();
    for (const connection of [...this.http2]) connection.retire();
  }

  /** New users may come, when it is up. */
  get takesNew(): boolean {
    return this.weight > 0 && this.config.state === "active";
  }

  /** Nothing stands against it but that it could not be connected. */
  get mayBeTried(): boolean {
    return this.takesNew && !this.isCheckedDown && this.#isPlaced;
  }

  /** Where it is is known. */
  get #isPlaced(): boolean {
    return !this.isNamed || this.#resolved !== undefined;
  }

  isUp(now: number): boolean {
    return now >= this.#downUntil && !this.isCheckedDown && !this.#isDisabled && this.#isPlaced;
  }

  /** When it is up again. */
  get downUntil(): number {
    return this.#downUntil;
  }

  get hasRoom(): boolean {
    return this.limit === 0 || this.inUse < this.limit;
  }

  /** It could not be connected. */
  failed(now: number): void {
    this.#downUntil = now + RETRY_AFTER_MS;
  }

  isEjected(now: number): boolean {
    return now < this.#ejectedUntil;
  }

  /** It comes back from an ejection, not from a connection that failed. */
  get wasEjected(): boolean {
    return this.#ejectedUntil >= this.#downUntil && this.#ejectedUntil > -Infinity;
  }

  /** A request failed there; true when it was the last that is borne. */
  countFailure({ failures }: Ejection): boolean {
    return ++this.#failures >= failures;
  }

  countSuccess(): void {
    this.#failures = 0;
  }

  /** Leaves it out: twice as long as before when it failed again soon after it had come back. */
  eject(now: number, { time, max_time }: Ejection): void {
    const before = Math.min(max_time, time * 2 ** (this.#ejections - 1));
    this.#ejections = this.#ejections > 0 && now - this.#ejectedUntil < before ? this.#ejections + 1 : 1;
    this.#failures = 0;
    this.#ejectedUntil = now + Math.min(max_time, time * 2 ** (this.#ejections - 1));
    this.#downUntil = Math.max(this.#downUntil, this.#ejectedUntil);
  }

  /**
   * After it was down it takes up its weight little by little. False once it bears all.
   * @param slowStart ms
   * @param machine the part of its weight that the machine bears, above 0 and at most 1
   */
  rise(now: number, slowStart: number, machine: number): boolean {
    const risen = slowStart === 0 ? 1 : Math.min(1, Math.max(LEAST_FRACTION, (now - this.#downUntil) / slowStart));
    this.fraction = risen * machine;
    this.share = this.weight * this.fraction;
    return risen < 1;
  }

  responded(ms: number): void {
    this.responseMs = this.responseMs === 0 ? ms : this.responseMs + (ms - this.responseMs) * NEWEST;
  }
}
