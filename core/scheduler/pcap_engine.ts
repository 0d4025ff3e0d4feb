/** The portable engine: libpcap brings frames into this process in batches, and they are sent on in batches. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { bootSeconds } from "../../ffi/clock.ts";
import { FrameSender } from "../../ffi/frame_sender.ts";
import { BATCH_FRAMES, Capture, RECORD_BYTES } from "../../ffi/pcap.ts";
import { setNice } from "../../ffi/priority.ts";
import { runtimeTurn } from "../../ffi/runtime_turn.ts";
import { type Engine, UPKEEP_MS } from "./engine.ts";
import { Scheduler } from "./scheduler.ts";
import { vipsOf } from "./services.ts";
import type { SchedulerTables } from "./tables.ts";
import type { Upkeep } from "./upkeep.ts";
import { Verdict } from "./verdicts.ts";
import { captured, NEIGHBOUR_FILTER, VipClaim } from "./vip_claim.ts";
import type { Charge, VipDuty } from "./vip_duty.ts";

/** Batches handled before the loop looks at anything else. */
const DRAIN_BATCHES = 8;
/** Deno's event loop (signals, timers) gets its turn so often, ms. Another thread has its part in it: on a busy machine frames wait for that. */
const YIELD_MS = 200;
/** Frames wait here while another process has the CPU: 8,192 of them, 80 ms at 100,000 a second. */
const BUFFER_BYTES = 16 << 20;
/** Ten times the share of an ordinary process, so that it is soon its turn again: every connection of the array waits for this one. */
const NICE = -10;
/** Ethernet's two addresses. */
const MACS_BYTES = 12;
const ETHERNET_BYTES = 14;

export class PcapEngine implements Engine {
  #scheduler: Scheduler;
  #upkeep: Upkeep;
  #wire: Capture;
  #toWire: FrameSender;
  #toOwnStack: FrameSender;
  #claim: VipClaim;

  /** @param tables as the upkeep configured them */
  constructor(
    config: Config,
    node: NodeConfig,
    readonly tables: SchedulerTables,
    upkeep: Upkeep,
    log: (line: string) => void,
  ) {
    this.#upkeep = upkeep;
    this.#wire = new Capture(node.interface, { filter: filterOf(config, node), bufferBytes: BUFFER_BYTES });
    const { batch } = this.#wire;
    let toWire: FrameSender | undefined;
    try {
      this.#toWire = toWire = new FrameSender(batch, node.interface, BATCH_FRAMES);
      this.#toOwnStack = new FrameSender(batch, "lo", BATCH_FRAMES);
    } catch (error) {
      toWire?.close();
      this.#wire.close();
      throw error;
    }
    this.#scheduler = new Scheduler(tables);
    tables.settings.engine = "pcap";
    this.#claim = new VipClaim(config, node, this.#wire, this.#scheduler.reader, log);
  }

  async run(signal: AbortSignal, duty: VipDuty, onReady: () => void): Promise<void> {
    // Without the right to it frames may wait longer.
    setNice(NICE);
    const handleWaiting = () => this.#handleWaiting(bootSeconds());
    const charge = { tables: this.tables, upkeep: this.#upkeep, claim: this.#claim, handleWaiting };
    await duty.begin(charge);
    onReady();
    const upkeep = setInterval(() => this.#upkeep.balance(), UPKEEP_MS);
    try {
      await this.#loop(signal, duty, charge);
    } finally {
      clearInterval(upkeep);
    }
  }

  async #loop(signal: AbortSignal, duty: VipDuty, charge: Charge): Promise<void> {
    let yielded = -Infinity;
    while (!signal.aborted) {
      duty.keep(charge);
      // Once: a look at this clock costs as much as two frames.
      const now = performance.now();
      if (now - yielded >= YIELD_MS) {
        this.tables.counts.setVerdict(Verdict.BUFFER_FULL, this.#wire.dropped());
        await runtimeTurn();
        yielded = now;
      }
      const untilAnnounced = this.#claim.announce(now);
      const isEmpty = this.#handleWaiting(bootSeconds());
      this.#upkeep.refresh();
      if (isEmpty) this.#wire.wait(Math.min(duty.tickMs, untilAnnounced));
    }
  }

  /** Not without an end, under a flood: true when there is no frame more for now. */
  #handleWaiting(now: number): boolean {
    for (let batches = 0; batches < DRAIN_BATCHES; batches++) if (!this.#handleBatch(now)) return true;
    return false;
  }

  /** False when there is no frame more for now. */
  #handleBatch(now: number): boolean {
    const { batch } = this.#wire;
    const frames = this.#wire.read();
    for (let left = frames, start = RECORD_BYTES; left > 0; left--) {
      const length = captured(batch, start - RECORD_BYTES);
      this.#handle(batch, start, length, now);
      start += length + RECORD_BYTES;
    }
    this.#countRefused(this.#toWire.send() + this.#toOwnStack.send());
    return frames === BATCH_FRAMES;
  }

  #handle(batch: Uint8Array, start: number, length: number, now: number): void {
    switch (this.#scheduler.schedule(batch, length, now, start)) {
      case Verdict.FORWARDED:
      case Verdict.ANSWERED:
        return this.#toWire.add(start, length);
      case Verdict.SELF:
      case Verdict.PING: {
        // Without tags, and with the MACs of the loopback interface; there the kernel guard does not look.
        const bare = this.#scheduler.reader.network - ETHERNET_BYTES;
        batch.fill(0, bare, bare + MACS_BYTES);
        return this.#toOwnStack.add(bare, start + length - bare);
      }
      case Verdict.NEIGHBOUR:
        return this.#claim.hearFrame(batch, start + length, start);
    }
  }

  #countRefused(frames: number): void {
    for (let i = 0; i < frames; i++) this.tables.counts.addVerdict(Verdict.SEND_FAILED);
  }

  take(config: Config): void {
    this.#upkeep.take(config);
    this.#scheduler.configure();
  }

  close(): void {
    this.#toWire.close();
    this.#toOwnStack.close();
    this.#wire.close();
    this.tables.close();
  }
}

/** Shorter frames have no whole header: a filter that looked into it would drop them uncounted. Ethernet header included. */
const IPV4_FRAME_BYTES = 34;
/** Up to the type of an ICMP message, which {@linkcode NEIGHBOUR_FILTER} looks at. */
const IPV6_FRAME_BYTES = 55;

/**
 * Everything sent to this machine but what is IP to addresses of its own: that is its kernel's, and may be much. A tag is seen where a
 * second one or what is for a group follows; `vlan` comes last, since what follows it is read behind a tag.
 */
function filterOf(config: Config, { mac }: NodeConfig): string {
  const toVips = vipsOf(config).map((vip) => `${vip.includes(":") ? "ip6" : "ip"} dst host ${vip}`);
  const short = `less ${IPV4_FRAME_BYTES - 1} or (ip6 and less ${IPV6_FRAME_BYTES - 1})`;
  const own = [short, "not (ip or ip6)", ...toVips].join(" or ");
  return `(ether dst ${mac} and (${own})) or ${NEIGHBOUR_FILTER} or (ether multicast and vlan)`;
}
