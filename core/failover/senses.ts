/** What the failover daemon perceives of the machine and the others' machines, as events for the election. */
import { bootMilliseconds } from "../../ffi/clock.ts";
import { isLinkUp } from "../../ffi/ethtool.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import type { EngineState } from "../scheduler/engine_state.ts";
import { VipWatch } from "../scheduler/vip_watch.ts";
import { Pinger } from "../status/pinger.ts";
import type { Event } from "./machine.ts";
import { receivedFrames } from "./received_frames.ts";

/** No node has it. */
const WITNESS = 256;
/** An engine whose process did not look after its tables for so long does not serve, ms: it does so each 10 ms. */
const ENGINE_STALE_MS = 1000;

export class Senses {
  #interface: string;
  #engine: EngineState;
  #pinger: Pinger;
  #others: readonly number[];
  #hasWitness: boolean;
  #received: number;
  #watch: VipWatch;

  /** Throws UsageError without the right to ping or to capture. */
  constructor(config: Config, node: NodeConfig, engine: EngineState) {
    const { witness } = config.failover;
    const others = config.nodes.filter((other) => other !== node);
    this.#interface = node.interface;
    this.#engine = engine;
    this.#others = others.map(({ id }) => id);
    this.#hasWitness = witness !== undefined;
    this.#received = receivedFrames(node.interface);
    this.#watch = new VipWatch(config, node);
    const targets = others.map(({ id, address }) => ({ id, address: address.address }));
    this.#pinger = new Pinger(witness === undefined ? targets : [...targets, { id: WITNESS, address: witness }]);
  }

  /** To be asked at each tick. */
  look(): Event[] {
    return [
      { kind: "link", isUp: isLinkUp(this.#interface) },
      { kind: "engine", isReady: bootMilliseconds() - this.#engine.seenAt < ENGINE_STALE_MS },
    ];
  }

  /** Pings everybody; and asks who answers for the VIPs, where that is not known. */
  ping(isSchedulerKnown: boolean): void {
    this.#pinger.tick();
    if (!isSchedulerKnown) this.#watch.solicit();
  }

  /** Who answered the last ping, and whether anything came in. */
  listen(): Event[] {
    this.#pinger.settle();
    const events: Event[] = this.#others.map((id) => ({ kind: "ping", node: id, missed: this.#pinger.missed(id) }));
    if (this.#hasWitness) {
      events.push({
        kind: "witness",
        answers: this.#pinger.missed(WITNESS) === 0 && this.#pinger.heardAt(WITNESS) > -Infinity,
      });
    }
    for (const { node } of this.#watch.read()) if (node !== undefined) events.push({ kind: "sighted", node });
    const received = receivedFrames(this.#interface);
    if (received !== this.#received) events.push({ kind: "reception" });
    this.#received = received;
    return events;
  }

  close(): void {
    this.#pinger.close();
    this.#watch.close();
  }
}
