/** Direct mode: nodes run plain web servers on the VIP and no `dlba serve`, so a node's status is whether its VIP takes a connection. */
import { Capture, RECORD_BYTES } from "../../ffi/pcap.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { captured } from "../scheduler/vip_claim.ts";
import type { NodeReport } from "./tables.ts";
import { type ProbePath, readAnswer, resetFrame, synFrame } from "./tcp_probe.ts";

/** How often answers are looked for while one is awaited, ms. */
const LOOK_MS = 5;
const BUFFER_BYTES = 1 << 18;
/** Ports that a probe comes from: below those that the system gives to connections. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

interface Probe {
  readonly sequence: number;
  readonly answered: (accepts: boolean) => void;
}

export class DirectCheck {
  #self: NodeConfig;
  #path: ProbePath;
  #wire: Capture;
  #probes = new Map<number, Probe>();
  #nextPort = 0;
  #looking: ReturnType<typeof setInterval> | undefined;

  /** Throws UsageError where libpcap or the right to capture is missing. */
  constructor({ array }: Config, self: NodeConfig) {
    this.#self = self;
    this.#path = { ownMac: self.mac, ownAddress: self.address.address, vip: array.vip, port: array.ports.http };
    const filter =
      `tcp and src host ${array.vip} and dst host ${self.address.address} and src port ${array.ports.http}`;
    this.#wire = new Capture(self.interface, { filter, bufferBytes: BUFFER_BYTES });
  }

  /** Resolves once the node accepts or refuses a connection to the VIP, and to undefined where it does not before the signal aborts. */
  async ask(node: NodeConfig, signal: AbortSignal): Promise<NodeReport | undefined> {
    const began = performance.now();
    const accepts = node.id === this.#self.id ? await this.#askSelf(signal) : await this.#probe(node, signal);
    if (!accepts) return undefined;
    return { node: node.name, avg_response_ms: performance.now() - began, hits: 0, open_connections: 0 };
  }

  /** This machine's own frames to the VIP go by lo. */
  async #askSelf(signal: AbortSignal): Promise<boolean> {
    try {
      const { vip: hostname, port } = this.#path;
      (await Deno.connect({ hostname, port, signal })).close();
      return true;
    } catch {
      return false;
    }
  }

  async #probe({ mac }: NodeConfig, signal: AbortSignal): Promise<boolean> {
    const port = FIRST_PORT + this.#nextPort;
    this.#nextPort = (this.#nextPort + 1) % PORTS;
    const sequence = crypto.getRandomValues(new Uint32Array(1))[0]!;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#probes.set(port, { sequence, answered: resolve });
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS);
    const giveUp = () => resolve(false);
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    this.#send(synFrame(this.#path, mac, port, sequence));
    const accepts = await promise;
    signal.removeEventListener("abort", giveUp);
    this.#probes.delete(port);
    if (accepts) this.#send(resetFrame(this.#path, mac, port, sequence));
    if (this.#probes.size === 0) this.#stopLooking();
    return accepts;
  }

  #look(): void {
    const { batch } = this.#wire;
    for (let left = this.#wire.read(), at = 0; left > 0; left--, at += RECORD_BYTES + captured(batch, at)) {
      const start = at + RECORD_BYTES;
      const answer = readAnswer(batch, start + captured(batch, at), start);
      const probe = answer && this.#probes.get(answer.toPort);
      if (probe && answer.acknowledged === (probe.sequence + 1) >>> 0) probe.answered(answer.accepts);
    }
  }

  #send(frame: Uint8Array<ArrayBuffer>): void {
    this.#wire.inject(frame, frame.length);
  }

  #stopLooking(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  close(): void {
    this.#stopLooking();
    this.#wire.close();
  }
}
