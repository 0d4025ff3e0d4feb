/** A back end as one proxy process knows it. */
import { socketAddressBytes } from "../../ffi/socket.ts";
import type { BackEndConfig } from "../config/schema.ts";
import type { BackEndTls } from "../tls/back_end_tls.ts";
import type { Candidate } from "./policies/policy.ts";
import type { UpstreamConnection } from "./upstream_connection.ts";

/** A back end that could not be connected is passed over for so long, ms; then the next request tries it. */
export const RETRY_AFTER_MS = 2_000;
/** In a slow start it bears this part of its weight at least: less would keep it from being tried. */
const LEAST_FRACTION = 0.05;
/** What the newest response adds to the average response time. */
const NEWEST = 0.1;

export class BackEnd implements Candidate {
  readonly address: Uint8Array<ArrayBuffer>;
  readonly weight: number;
  /** Kept-alive connections without a request; the last used is the first reused. */
  readonly idle: UpstreamConnection[] = [];
  inUse = 0;
  credit = 0;
  fraction = 1;
  share: number;
  responseMs = 0;
  #downUntil = -Infinity;

  /**
   * @param row of the Web Server Status Table
   * @param tls undefined where it is spoken to in clear
   */
  constructor(
    readonly config: BackEndConfig,
    readonly index: number,
    readonly row: number,
    readonly tls: BackEndTls | undefined,
  ) {
    this.address = socketAddressBytes(config.address.address, config.address.port);
    this.weight = this.share = config.weight;
  }

  /** New users may come, when it is up. */
  get takesNew(): boolean {
    return this.weight > 0 && this.config.state === "active";
  }

  isUp(now: number): boolean {
    return now >= this.#downUntil;
  }

  /** When it is up again. */
  get downUntil(): number {
    return this.#downUntil;
  }

  get hasRoom(): boolean {
    const { max_connections } = this.config;
    return max_connections === 0 || this.inUse < max_connections;
  }

  /** It could not be connected. */
  failed(now: number): void {
    this.#downUntil = now + RETRY_AFTER_MS;
  }

  /** After it was down it takes up its weight little by little. False once it bears all. @param slowStart ms */
  rise(now: number, slowStart: number): boolean {
    const risen = slowStart === 0 ? 1 : (now - this.#downUntil) / slowStart;
    this.fraction = Math.min(1, Math.max(LEAST_FRACTION, risen));
    this.share = this.weight * this.fraction;
    return this.fraction < 1;
  }

  responded(ms: number): void {
    this.responseMs = this.responseMs === 0 ? ms : this.responseMs + (ms - this.responseMs) * NEWEST;
  }
}
