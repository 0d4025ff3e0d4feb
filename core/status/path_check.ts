/**
 * The health check by the way that clients' frames go: a SYN to the VIP, addressed to the node's MAC. It finds a node that answers for its status
 * and whose stack does not take the VIP's frames (the "DSR black hole"), or whose server takes no connection.
 */
import { Capture, RECORD_BYTES } from "../../ffi/pcap.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { captured } from "../scheduler/vip_claim.ts";
import type { CheckResult } from "./sweep_judge.ts";
import { type ProbeAnswer, type ProbePath, readAnswer, resetFrame, synFrame } from "./tcp_probe.ts";

/** How often answers are looked for while one is awaited, ms. */
const LOOK_MS = 5;
const BUFFER_BYTES = 1 << 18;
/** Ports that a probe comes from: below those that the system gives to connections. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

interface Probe {
  readonly sequence: number;
  readonly answered: (result: CheckResult) => void;
}

export class PathCheck {
  #self: NodeConfig;
  #path: ProbePath;
  #filter: string;
  #wire: Capture | undefined;
  #probes = new Map<number, Probe>();
  #nextPort = 0;
  #looking: ReturnType<typeof setInterval> | undefined;

  constructor({ array }: Config, self: NodeConfig) {
    this.#self = self;
    this.#path = { ownMac: self.mac, ownAddress: self.address.address, vip: array.vip, port: array.ports.http };
    this.#filter =
      `tcp and src host ${array.vip} and dst host ${self.address.address} and src port ${array.ports.http}`;
  }

  /** Opens the interface, where it is not. Throws UsageError where libpcap or the right to capture is missing, or it is down. */
  open(): void {
    this.#wire ??= new Capture(this.#self.interface, { filter: this.#filter, bufferBytes: BUFFER_BYTES });
  }

  /** Resolves once the node accepts or refuses a connection to the VIP, or the signal aborts. The interface must be open. */
  check(node: NodeConfig, signal: AbortSignal): Promise<CheckResult> {
    return node.id === this.#self.id ? this.#checkSelf(signal) : this.#probe(node, signal);
  }

  /** This machine's own frames to the VIP go by lo. */
  async #checkSelf(signal: AbortSignal): Promise<CheckResult> {
    const { vip: hostname, port } = this.#path;
    // Without the VIP here they would go elsewhere.
    if (!Deno.networkInterfaces().some(({ address }) => address === hostname)) return "silent";
    try {
      (await Deno.connect({ hostname, port, signal })).close();
      return "up";
    } catch (error) {
      return error instanceof Deno.errors.ConnectionRefused ? "refuses" : "silent";
    }
  }

  async #probe({ mac }: NodeConfig, signal: AbortSignal): Promise<CheckResult> {
    const port = FIRST_PORT + this.#nextPort;
    this.#nextPort = (this.#nextPort + 1) % PORTS;
    const sequence = crypto.getRandomValues(new Uint32Array(1))[0]!;
    const { promise, resolve } = Promise.withResolvers<CheckResult>();
    this.#probes.set(port, { sequence, answered: resolve });
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS);
    const giveUp = () => {
      // An answer may wait that this process was too late to see.
      this.#look();
      resolve("silent");
    };
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    this.#send(synFrame(this.#path, mac, port, sequence));
    const result = await promise;
    signal.removeEventListener("abort", giveUp);
    this.#probes.delete(port);
    if (result === "up") this.#send(resetFrame(this.#path, mac, port, sequence));
    if (this.#probes.size === 0) this.#stopLooking();
    return result;
  }

  #look(): void {
    const wire = this.#wire;
    if (!wire) return;
    try {
      for (let left = wire.read(), at = 0; left > 0; left--, at += RECORD_BYTES + captured(wire.batch, at)) {
        const start = at + RECORD_BYTES;
        this.#take(readAnswer(wire.batch, start + captured(wire.batch, at), start));
      }
    } catch {
      // The interface went down.
      this.#closeWire();
    }
  }

  #take(answer: ProbeAnswer | undefined): void {
    const probe = answer && this.#probes.get(answer.toPort);
    if (!probe || answer.acknowledged !== (probe.sequence + 1) >>> 0) return;
    probe.answered(answer.accepts ? "up" : "refuses");
  }

  #send(frame: Uint8Array<ArrayBuffer>): void {
    this.#wire?.inject(frame, frame.length);
  }

  #stopLooking(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #closeWire(): void {
    this.#wire?.close();
    this.#wire = undefined;
  }

  close(): void {
    this.#stopLooking();
    this.#closeWire();
  }
}
