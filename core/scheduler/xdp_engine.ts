/**
 * The engine in the kernel: an XDP program decides before the stack sees a frame. This process keeps its tables up, announces the
 * VIPs and looks out for rivals; frames do not wait for it, and go on when it ends.
 */
import type { Config, NodeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import type { XdpMode } from "../../ffi/bpf.ts";
import { driverOf } from "../../ffi/ethtool.ts";
import { Capture } from "../../ffi/pcap.ts";
import { type Engine, UPKEEP_MS } from "./engine.ts";
import { FrameReader } from "./frame.ts";
import { PinnedProgram } from "./pinned_program.ts";
import type { SchedulerTables } from "./tables.ts";
import type { Upkeep } from "./upkeep.ts";
import { NEIGHBOUR_FILTER, VipClaim } from "./vip_claim.ts";
import type { VipDuty } from "./vip_duty.ts";

/** ARP is rare. */
const BUFFER_BYTES = 1 << 18;

export class XdpEngine implements Engine {
  readonly tables: SchedulerTables;
  #pinned: PinnedProgram;
  #wire: Capture;
  #upkeep: Upkeep;
  #claim: VipClaim;

  /**
   * Frames are scheduled from now on: the pinned program may do so since long. Throws UsageError where the machine cannot.
   * @param folder of the pins; @param upkeepOf configures the tables
   */
  constructor(
    config: Config,
    node: NodeConfig,
    folder: string,
    upkeepOf: (tables: SchedulerTables) => Upkeep,
    log: (line: string) => void,
  ) {
    this.#wire = new Capture(node.interface, { filter: NEIGHBOUR_FILTER, bufferBytes: BUFFER_BYTES });
    try {
      this.#pinned = new PinnedProgram(folder, config.scheduler.table_size);
    } catch (error) {
      this.#wire.close();
      throw error;
    }
    this.tables = this.#pinned.tables;
    try {
      this.#upkeep = upkeepOf(this.tables);
      const mode = this.#pinned.attach(node.interface, modesFor(config, node));
      this.tables.settings.engine = `xdp, ${mode}`;
      const reader = new FrameReader(this.tables.settings.vips, this.tables.services);
      this.#claim = new VipClaim(config, node, this.#wire, reader, log);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async run(signal: AbortSignal, duty: VipDuty, onReady: () => void): Promise<void> {
    const handleWaiting = () => this.#claim.hear(this.#wire.read());
    const charge = { tables: this.tables, upkeep: this.#upkeep, claim: this.#claim, handleWaiting };
    await duty.begin(charge);
    onReady();
    const upkeep = setInterval(() => this.#upkeep.balance(), UPKEEP_MS);
    try {
      while (!signal.aborted) {
        duty.keep(charge);
        this.#upkeep.refresh();
        handleWaiting();
        await delay(Math.min(duty.tickMs, this.#claim.announce(performance.now())), signal);
      }
    } finally {
      clearInterval(upkeep);
    }
  }

  take(config: Config): void {
    this.#upkeep.take(config);
  }

  close(): void {
    this.#wire.close();
    this.#pinned.close();
  }
}

/** In the order in which they are tried. */
function modesFor({ scheduler }: Config, node: NodeConfig): readonly XdpMode[] {
  if (scheduler.xdp_mode !== "auto") return [scheduler.xdp_mode];
  // What a driver's program sends out by a veth is lost unless its peer, in another namespace, runs one too.
  return driverOf(node.interface) === "veth" ? ["generic"] : ["native", "generic"];
}
