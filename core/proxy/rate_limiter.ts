/** How often clients of one network may ask, and how much at a time: token buckets in a table of fixed size. Pure. */
import { isIpv4 } from "../scheduler/addresses.ts";
import { ipToU32 } from "../scheduler/addresses.ts";
import { hashText } from "./policies/text_hash.ts";

/** Networks that share a set; of a full set the one that asked longest ago makes room, with its bucket. */
const WAYS = 8;
/** Networks in all: 16 bytes for each. */
const NETWORKS = 65_536;
/** Of an IPv6 address: RFC 6177, what one customer has. */
const IPV6_GROUPS = 4;

export interface RateRules {
  /** Requests a second of a network; 0 is any number. */
  readonly requests_per_second: number;
  /** So many at once, after a while without. */
  readonly burst: number;
  /** Requests under way of a network; 0 is any number. */
  readonly concurrent: number;
  /** Bits of an IPv4 address that tell networks apart. */
  readonly ipv4_prefix: number;
}

export class RateLimiter {
  #keys = new Uint32Array(NETWORKS);
  /** When the bucket was looked at last, ms; and tokens in it then. */
  #times = new Float64Array(NETWORKS);
  #tokens = new Float32Array(NETWORKS);
  #underWay = new Map<number, number>();

  constructor(readonly rules: RateRules) {}

  /** A number for the network of an address; never 0. */
  networkOf(address: string): number {
    if (isIpv4(address)) {
      const shift = 32 - this.rules.ipv4_prefix;
      return ((ipToU32(address) >>> shift) + 1) >>> 0 || 1;
    }
    const [head = "", tail = ""] = address.split("::");
    const groups = head.split(":");
    const missing = 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
    const all = address.includes("::") ? [...groups, ...new Array<string>(Math.max(0, missing)).fill("0")] : groups;
    return hashText(all.slice(0, IPV6_GROUPS).join(":"), 0) || 1;
  }

  /** False for a request too many. One that is let in is to be {@linkcode leave}d. @param now ms */
  enter(network: number, now: number): boolean {
    const { requests_per_second, concurrent } = this.rules;
    const underWay = concurrent === 0 ? 0 : this.#underWay.get(network) ?? 0;
    if (concurrent > 0 && underWay >= concurrent) return false;
    if (requests_per_second > 0 && !this.#takeToken(network, now)) return false;
    if (concurrent > 0) this.#underWay.set(network, underWay + 1);
    return true;
  }

  leave(network: number): void {
    if (this.rules.concurrent === 0) return;
    const underWay = this.#underWay.get(network)!;
    if (underWay === 1) this.#underWay.delete(network);
    else this.#underWay.set(network, underWay - 1);
  }

  #takeToken(network: number, now: number): boolean {
    const { requests_per_second, burst } = this.rules;
    const at = this.#find(network);
    const isNew = this.#keys[at] !== network;
    const gained = isNew ? burst : (now - this.#times[at]!) * requests_per_second / 1000;
    const tokens = Math.min(burst, (isNew ? 0 : this.#tokens[at]!) + gained);
    this.#keys[at] = network;
    this.#times[at] = now;
    this.#tokens[at] = tokens >= 1 ? tokens - 1 : tokens;
    return tokens >= 1;
  }

  #find(network: number): number {
    const start = (Math.imul(network, 0x9e3779b1) >>> 0) % (NETWORKS / WAYS) * WAYS;
    let oldest = start;
    for (let at = start; at < start + WAYS; at++) {
      if (this.#keys[at] === network) return at;
      if (this.#keys[oldest] !== 0 && (this.#keys[at] === 0 || this.#times[at]! < this.#times[oldest]!)) oldest = at;
    }
    return oldest;
  }
}
