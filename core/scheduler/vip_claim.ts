/** Holds the VIPs against other machines: looks for a rival before the start, announces them, and again when another claims one. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import { UsageError } from "../errors.ts";
import { type Capture, RECORD_BYTES } from "../../ffi/pcap.ts";
import { bytesToMac, ipToBytes, macToBytes } from "./addresses.ts";
import { arpAnnouncement, arpProbe, claimsByArp } from "./arp.ts";
import type { FrameReader } from "./frame.ts";
import { claimsByNd, ndAnnouncement, ndProbe } from "./nd.ts";
import { vipsOf } from "./services.ts";
import { Verdict } from "./verdicts.ts";

/** RFC 5227 section 2.1.1 takes seconds; on the array's own wire an answer comes within a millisecond. */
const PROBES = 3;
const PROBE_GAP_MS = 100;
/** So that few frames for the VIPs wait at the wire meanwhile. */
const LOOKS_A_PROBE = 10;
/** Announcements, ms after the first: a burst, and a second one for switches that were still learning. */
const ANNOUNCE_AT_MS = [0, 20, 40, 1000, 1020, 1040];
/** A rival is answered and logged at most so often, ms (RFC 5227 section 2.4). */
const DEFEND_MS = 10_000;

/** pcap-filter(7) of what {@linkcode VipClaim} wants to hear. */
export const NEIGHBOUR_FILTER = "arp or (icmp6 and (ip6[40] == 135 or ip6[40] == 136))";

export class VipClaim {
  #wire: Capture;
  #reader: FrameReader;
  #log: (line: string) => void;
  #vips: string;
  #own: string;
  #announcements: readonly Uint8Array<ArrayBuffer>[];
  #probes: readonly Uint8Array<ArrayBuffer>[];
  /** Times of the announcements that are to come, as performance.now() tells. */
  #due: number[] = [];
  #isHeld = false;
  #lastDefence = -Infinity;
  /** MAC of the last that claimed a VIP. */
  #rival: string | undefined;

  constructor(config: Config, node: NodeConfig, wire: Capture, reader: FrameReader, log: (line: string) => void) {
    this.#wire = wire;
    this.#reader = reader;
    this.#log = log;
    this.#own = node.mac;
    const vips = vipsOf(config);
    this.#vips = vips.join(", ");
    const mac = macToBytes(node.mac);
    const each = (four: typeof arpProbe, six: typeof ndProbe) =>
      vips.map((vip) => vip.includes(":") ? six(ipToBytes(vip), mac) : four(ipToBytes(vip).subarray(12), mac));
    this.#announcements = each(arpAnnouncement, ndAnnouncement);
    this.#probes = each(arpProbe, ndProbe);
  }

  /**
   * Throws UsageError when another machine answers for a VIP: two schedulers would split the array.
   * @param handleWaiting handles what waits at the wire, as ever: what this hears is looked at
   */
  async refuseRival(handleWaiting: () => void): Promise<void> {
    this.#rival = undefined;
    for (let i = 0; i < PROBES * LOOKS_A_PROBE; i++) {
      if (i % LOOKS_A_PROBE === 0) this.#send(this.#probes);
      await delay(PROBE_GAP_MS / LOOKS_A_PROBE);
      handleWaiting();
      if (this.#rival === undefined) continue;
      throw new UsageError(
        `${this.#rival} on ${this.#wire.interfaceName} answers for the VIP ${this.#vips} already: stop that one first`,
      );
    }
  }

  /** The VIPs are this node's from now on: to be announced, again where they were already, as after a split that healed. */
  begin(): void {
    const now = performance.now();
    this.#isHeld = true;
    this.#due = ANNOUNCE_AT_MS.map((ms) => now + ms);
  }

  /** They are another's: not announced, nor held against him. */
  end(): void {
    this.#isHeld = false;
    this.#due = [];
  }

  /**
   * Announces what is due. Returns the time until the next, ms; Infinity after the last.
   * @param now as performance.now() tells
   */
  announce(now: number): number {
    while (this.#due.length > 0 && now >= this.#due[0]!) {
      this.#due.shift();
      this.#send(this.#announcements);
    }
    return this.#due.length > 0 ? Math.ceil(this.#due[0]! - now) : Infinity;
  }

  /** Looks at frames of the wire's batch for a claim by another. */
  hear(frames: number): void {
    const rival = this.#rivalIn(frames);
    if (rival !== undefined) this.#defend(rival);
  }

  /** The same for one frame that the reader has just read. */
  hearFrame(frame: Uint8Array, limit: number, start: number): void {
    const rival = this.#rivalOf(frame, limit, start);
    if (rival !== undefined) this.#defend(rival);
  }

  #defend(rival: string): void {
    this.#rival = rival;
    if (!this.#isHeld) return;
    if (performance.now() - this.#lastDefence <= DEFEND_MS) return;
    this.#lastDefence = performance.now();
    this.#log(`${rival} claims the VIP ${this.#vips} too: announcing it again`);
    this.#send(this.#announcements);
  }

  #rivalIn(frames: number): string | undefined {
    const { batch } = this.#wire;
    for (let left = frames, at = 0; left > 0; left--, at += RECORD_BYTES + captured(batch, at)) {
      const start = at + RECORD_BYTES, length = captured(batch, at);
      if (this.#reader.read(batch, length, start) !== Verdict.NEIGHBOUR) continue;
      const rival = this.#rivalOf(batch, start + length, start);
      if (rival !== undefined) return rival;
    }
    return undefined;
  }

  #rivalOf(frame: Uint8Array, limit: number, start: number): string | undefined {
    const claims = this.#reader.end === 0 ? claimsByArp : claimsByNd;
    if (!claims(frame, limit, this.#reader.network, this.#reader)) return undefined;
    const mac = bytesToMac(frame, start + 6);
    return mac === this.#own ? undefined : mac;
  }

  #send(frames: readonly Uint8Array<ArrayBuffer>[]): void {
    for (const frame of frames) this.#wire.inject(frame, frame.length);
  }
}

/** Captured length of the frame whose record is at `at`. */
export function captured(batch: Uint8Array, at: number): number {
  return batch[at + 8]! | (batch[at + 9]! << 8) | (batch[at + 10]! << 16);
}
