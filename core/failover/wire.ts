/** The failover daemons' messages over UDP, between the nodes' own addresses. */
import dgram from "node:dgram";
import type { Config, NodeConfig } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import { decode, encode } from "./codec.ts";
import type { Envelopes } from "./envelope.ts";
import type { Message } from "./messages.ts";

/** A node that names another boot is greeted at most so often, ms. */
const GREET_MS = 50;

export class Wire {
  #socket: dgram.Socket;
  #envelopes: Envelopes;
  #peers: ReadonlyMap<number, string>;
  #port: number;
  #greetedAt = new Map<number, number>();

  private constructor(socket: dgram.Socket, envelopes: Envelopes, config: Config, node: NodeConfig) {
    this.#socket = socket;
    this.#envelopes = envelopes;
    this.#port = config.control.failover_port;
    this.#peers = new Map(
      config.nodes.filter((other) => other !== node).map(({ id, address }) => [id, address.address]),
    );
  }

  /** Throws UsageError where the port cannot be had. @param hear takes what the others say */
  static async open(
    config: Config,
    node: NodeConfig,
    envelopes: Envelopes,
    hear: (from: number, message: Message) => void,
  ): Promise<Wire> {
    const { failover_port: port } = config.control, { address } = node.address;
    const socket = dgram.createSocket("udp4");
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (error: Error & { code?: string }) => {
        const reason = error.code === "EADDRINUSE" ? "another program has it" : error.message;
        reject(new UsageError(`Cannot take UDP port ${port} of ${address}: ${reason}`));
      });
      socket.bind({ address, port, exclusive: true }, resolve);
    });
    socket.removeAllListeners("error");
    // A network that is down is what the election is about.
    socket.on("error", () => {});
    const wire = new Wire(socket, envelopes, config, node);
    socket.on("message", (bytes) => wire.#take(bytes, hear));
    return wire;
  }

  send(to: number, message: Message): void {
    this.#sendBytes(to, this.#envelopes.seal(to, encode(message)));
  }

  /** Tells this node's boot to those that have not told theirs. */
  greetStrangers(): void {
    for (const id of this.#peers.keys()) if (!this.#envelopes.knows(id)) this.#sendBytes(id, this.#envelopes.seal(id));
  }

  /** Resolves when the port is free. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #take(bytes: Uint8Array, hear: (from: number, message: Message) => void): void {
    const opened = this.#envelopes.open(bytes);
    if (!opened) return;
    if (opened.wantsGreeting) this.#greet(opened.from);
    if (!opened.content) return;
    let message: Message;
    try {
      message = decode(opened.content);
    } catch (error) {
      // Of another version.
      if (error instanceof RangeError) return;
      throw error;
    }
    hear(opened.from, message);
  }

  #greet(to: number): void {
    const now = performance.now();
    if (now - (this.#greetedAt.get(to) ?? -Infinity) < GREET_MS) return;
    this.#greetedAt.set(to, now);
    this.#sendBytes(to, this.#envelopes.seal(to));
  }

  #sendBytes(to: number, bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#port, this.#peers.get(to)!, () => {});
  }
}
