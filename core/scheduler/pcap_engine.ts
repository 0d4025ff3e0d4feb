/** The portable engine: libpcap brings frames into this process in batches, and they are sent on in batches. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { bootSeconds } from "../../ffi/clock.ts";
import { FrameSender } from "../../ffi/frame_sender.ts";
import { BATCH_FRAMES, Capture, RECORD_BYTES } from "../../ffi/pcap.ts";
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
/** Deno's event loop (signals, timers) gets its turn so often, ms. */
const YIELD_MS = 50;
/** 16 MiB hold 0.1 s of frames at the rate that this engine manages. */
const BUFFER_BYTES = 16 << 20;
/** Ethernet's two addresses. */
const MACS_BYTES = 12;
const ETHERNET_BYTES = 14;
/** Where a frame goes: by the array's interface or, for the own stack, by lo. */
const WIRE = 0;
const OWN_STACK = 1;

export class PcapEngine implements Engine {
  #scheduler: Scheduler;
  #upkeep: Upkeep;
  #wire: Capture;
  #sender: FrameSender;
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
    try {
      this.#sender = new FrameSender(this.#wire.batch, [node.interface, "lo"], BATCH_FRAMES);
    } catch (error) {
      this.#wire.close();
      throw error;
    }
    this.#scheduler = new Scheduler(tables);
    tables.settings.engine = "pcap";
    this.#claim = new VipClaim(config, node, this.#wire, this.#scheduler.reader, log);
  }

  async run(signal: AbortSignal, duty: VipDuty, onReady: () => void): Promise<void> {
    const charge = { tables: this.tables, upkeep: this.#upkeep, claim: this.#claim };
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
    let yielded = performance.now();
    while (!signal.aborted) {
      duty.keep(charge);
      const untilAnnounced = this.#claim.announce();
      const now = bootSeconds();
      let batches = 0;
      while (batches < DRAIN_BATCHES && this.#handleBatch(now)) batches++;
      this.#upkeep.refresh();
      if (batches < DRAIN_BATCHES) this.#wire.wait(Math.min(duty.tickMs, untilAnnounced));
      if (performance.now() - yielded >= YIELD_MS) {
        this.tables.counts.setVerdict(Verdict.BUFFER_FULL, this.#wire.dropped());
        await runtimeTurn();
        yielded = performance.now();
      }
    }
  }

  /** False when there is no frame more for now. */
  #handleBatch(now: number): boolean {
    const { batch } = this.#wire;
    const frames = this.#wire.read();
    for (let left = frames, at = 0; left > 0; left--, at += RECORD_BYTES + captured(batch, at)) {
      this.#handle(batch, at + RECORD_BYTES, captured(batch, at), now);
    }
    if (this.#sender.count > 0) this.#countRefused(this.#sender.send());
    return frames === BATCH_FRAMES;
  }

  #handle(batch: Uint8Array, start: number, length: number, now: number): void {
    switch (this.#scheduler.schedule(batch, length, now, start)) {
      case Verdict.FORWARDED:
      case Verdict.ANSWERED:
        return this.#sender.add(WIRE, start, length);
      case Verdict.SELF:
      case Verdict.PING: {
        // Without tags, and with the MACs of the loopback interface; there the kernel guard does not look.
        const bare = this.#scheduler.reader.network - ETHERNET_BYTES;
        batch.fill(0, bare, bare + MACS_BYTES);
        return this.#sender.add(OWN_STACK, bare, start + length - bare);
      }
      case Verdict.NEIGHBOUR:
        return this.#claim.hearFrame(batch, start + length, start);
    }
  }

  #countRefused(frames: number): void {
    for (let i = 0; i < frames; i++) this.tables.counts.addVerdict(Verdict.SEND_FAILED);
  }

  close(): void {
    this.#sender.close();
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
