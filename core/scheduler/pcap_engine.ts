/** The portable engine: libpcap reads each frame into this process and sends it on. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import { delay } from "../delay.ts";
import { bootSeconds } from "../../ffi/clock.ts";
import { runtimeTurn } from "../../ffi/runtime_turn.ts";
import { Capture, MAX_FRAME_BYTES } from "../../ffi/pcap.ts";
import { bytesToMac, ipToU32, macToBytes } from "./addresses.ts";
import { ARP_BYTES, VipArp } from "./arp.ts";
import type { Engine } from "./engine.ts";
import type { NodeState } from "./node_table.ts";
import { Scheduler } from "./scheduler.ts";
import type { TableFile } from "./table_file.ts";
import { Verdict } from "./verdicts.ts";

/** Frames handled before the loop looks at anything else. */
const DRAIN_FRAMES = 1024;
/** Longest wait for a frame, ms: a stop, a failed node are seen within it; ten wake-ups a second cost nothing. */
const POLL_MS = 100;
/** Deno's event loop (signals, timers) gets its turn so often, ms. */
const YIELD_MS = 50;
/** 16 MiB hold 0.1 s of frames at the rate that this engine manages. */
const BUFFER_BYTES = 16 << 20;
/** The handle on lo only sends. */
const SEND_BUFFER_BYTES = 1 << 16;
const NOTHING = "ether proto 0xffff";
/** RFC 5227 section 2.1.1 takes seconds; on the array's own wire an answer comes within a millisecond. */
const PROBES = 3;
const PROBE_GAP_MS = 100;
/** Gratuitous ARPs, ms after the start: a burst, and once more for switches that were still learning. */
const ANNOUNCE_AT_MS = [0, 20, 40, 1000];
/** A rival is answered and logged at most so often, ms (RFC 5227 section 2.4). */
const DEFEND_MS = 10_000;

export class PcapEngine implements Engine {
  #scheduler: Scheduler;
  #wire: Capture;
  #self: Capture;
  #arp: VipArp;
  #frame = new Uint8Array(MAX_FRAME_BYTES);
  #lastDefence = -Infinity;
  #log: (line: string) => void;
  #interface: string;
  #vip: string;

  constructor(
    config: Config,
    node: NodeConfig,
    readonly tables: TableFile,
    nodeState: NodeState,
    log: (line: string) => void,
  ) {
    this.#log = log;
    this.#interface = node.interface;
    this.#vip = config.array.vip;
    const filter = frameFilter(node.mac, this.#vip);
    this.#wire = new Capture(node.interface, { filter, bufferBytes: BUFFER_BYTES });
    try {
      this.#self = new Capture("lo", { filter: NOTHING, bufferBytes: SEND_BUFFER_BYTES });
    } catch (error) {
      this.#wire.close();
      throw error;
    }
    const { buckets, nodeCounts, verdicts } = tables;
    this.#scheduler = new Scheduler(config, node, { buckets, nodeCounts, verdicts, nodeState });
    const vip = new Uint8Array(4);
    new DataView(vip.buffer).setUint32(0, ipToU32(this.#vip));
    this.#arp = new VipArp(vip, macToBytes(node.mac));
  }

  async run(signal: AbortSignal, onActive: () => void): Promise<void> {
    await this.#refuseRival();
    onActive();
    await this.#loop(signal);
  }

  /** Throws UsageError when another machine answers for the VIP: two schedulers would split the array. */
  async #refuseRival(): Promise<void> {
    const probe = this.#arp.probe();
    for (let i = 0; i < PROBES; i++) {
      this.#wire.inject(probe, probe.length);
      await delay(PROBE_GAP_MS);
      for (let length = this.#wire.next(this.#frame); length > 0; length = this.#wire.next(this.#frame)) {
        if (!isArp(this.#frame) || this.#arp.read(this.#frame, length) !== "claims") continue;
        const rival = bytesToMac(this.#frame, 22);
        throw new UsageError(
          `${rival} on ${this.#interface} answers for the VIP ${this.#vip} already: stop that one first`,
        );
      }
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let yielded = performance.now();
    const announcements = ANNOUNCE_AT_MS.map((ms) => yielded + ms);
    while (!signal.aborted) {
      while (announcements.length > 0 && performance.now() >= announcements[0]!) {
        announcements.shift();
        this.#announce();
      }
      const now = bootSeconds();
      let frames = 0;
      while (frames < DRAIN_FRAMES && this.#handleNext(now)) frames++;
      this.#scheduler.refresh();
      if (frames < DRAIN_FRAMES) this.#wire.wait(Math.min(POLL_MS, ...announcements.slice(0, 1).map(untilThen)));
      if (performance.now() - yielded >= YIELD_MS) {
        this.tables.verdicts.counts[Verdict.BUFFER_FULL] = this.#wire.dropped();
        await runtimeTurn();
        yielded = performance.now();
      }
    }
  }

  /** False when there is no frame now. */
  #handleNext(now: number): boolean {
    const frame = this.#frame;
    const length = this.#wire.next(frame);
    if (length === 0) return false;
    switch (this.#scheduler.schedule(frame, length, now)) {
      case Verdict.FORWARDED:
        if (!this.#wire.inject(frame, length)) this.#sendFailed();
        break;
      case Verdict.SELF:
      case Verdict.PING:
        // MACs of the loopback interface; there the kernel guard does not look.
        frame.fill(0, 0, 12);
        if (!this.#self.inject(frame, length)) this.#sendFailed();
        break;
      case Verdict.ARP:
        this.#handleArp(length);
        break;
    }
    return true;
  }

  #sendFailed(): void {
    this.tables.verdicts.counts[Verdict.SEND_FAILED]!++;
  }

  #handleArp(length: number): void {
    const meaning = this.#arp.read(this.#frame, length);
    if (meaning === "asks") this.#wire.inject(this.#arp.answer(this.#frame), ARP_BYTES);
    if (meaning === "claims" && performance.now() - this.#lastDefence > DEFEND_MS) {
      this.#lastDefence = performance.now();
      this.#log(`${bytesToMac(this.#frame, 22)} claims the VIP ${this.#vip} too: announcing it again`);
      this.#announce();
    }
  }

  #announce(): void {
    this.#wire.inject(this.#arp.announcement(), ARP_BYTES);
  }

  close(): void {
    this.#wire.close();
    this.#self.close();
    this.tables.close();
  }
}

/** ms, whole and none too few. */
function untilThen(time: number): number {
  return Math.max(0, Math.ceil(time - performance.now()));
}

/** Shorter frames have no IPv4 header: a filter that looked into it would drop them uncounted. */
const IPV4_FRAME_BYTES = 34;

/** Everything sent to this machine but what is IPv4 to addresses of its own: that is its kernel's, and may be much. */
function frameFilter(mac: string, vip: string): string {
  return `arp or (ether dst ${mac} and (less ${IPV4_FRAME_BYTES - 1} or not ip or ip dst host ${vip}))`;
}

function isArp(frame: Uint8Array): boolean {
  return frame[12] === 8 && frame[13] === 6;
}
