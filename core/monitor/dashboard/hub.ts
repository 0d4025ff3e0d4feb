/**
 * What the dashboard is sent, for as long as somebody looks: the array as this node finds it by asking all nodes, once a second
 * however many look. Nobody looking, nobody is asked. Server-sent events (WHATWG HTML, section 9.2).
 */
import { delay } from "../../delay.ts";
import { type HourReport, sumOfHours } from "../../status/hour.ts";
import type { StatusPort } from "../../status/status_client.ts";
import { arrayView } from "../array_view.ts";
import { type Ask, Poller } from "../poller.ts";

const INTERVAL_MS = 1_000;
/** As `dlba top`: two answers missed, and half an interval. */
const STALE_MS = 2_500;
/** Longest wait for a node's last hour, ms. */
const HOUR_MS = 2_000;
/** Events that a reader has not taken: a slower one is cut off, its browser comes again. */
const MAX_WAITING = 8;

export interface HubParts {
  readonly ports: readonly StatusPort[];
  readonly ask: Ask;
  /** A node's last hour. Throws Error where it does not answer. */
  readonly askHour: (port: StatusPort, signal: AbortSignal) => Promise<HourReport>;
}

export class Hub {
  #parts: HubParts;
  #readers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #stop: AbortController | undefined;

  constructor(parts: HubParts) {
    this.#parts = parts;
  }

  /** A stream of events, until it is cancelled. */
  open(): ReadableStream<Uint8Array> {
    let reader: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream({
      start: (controller) => {
        reader = controller;
        this.#readers.add(reader);
        void this.#sendHour(reader);
        if (!this.#stop) void this.#watch(this.#stop = new AbortController());
      },
      cancel: () => this.#leave(reader),
    }, { highWaterMark: MAX_WAITING });
  }

  /** Other nodes are asked from now on; who watches goes on watching. */
  take(ports: readonly StatusPort[]): void {
    this.#parts = { ...this.#parts, ports };
    if (!this.#stop) return;
    this.#stop.abort();
    void this.#watch(this.#stop = new AbortController());
  }

  #leave(reader: ReadableStreamDefaultController<Uint8Array>): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#stop?.abort();
    this.#stop = undefined;
  }

  async #watch(stop: AbortController): Promise<void> {
    const poller = new Poller(this.#parts.ask, INTERVAL_MS, stop.signal);
    for (const port of this.#parts.ports) poller.begin(port);
    await poller.settled();
    while (!stop.signal.aborted) {
      if (poller.looks.size > 0) {
        const bytes = event("view", arrayView(poller.looks, performance.now(), STALE_MS));
        for (const reader of [...this.#readers]) this.#send(reader, bytes);
      }
      await delay(INTERVAL_MS, stop.signal);
    }
  }

  #send(reader: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array): void {
    if (!this.#readers.has(reader)) return;
    if ((reader.desiredSize ?? 0) > 0) return reader.enqueue(bytes);
    reader.close();
    this.#leave(reader);
  }

  async #sendHour(reader: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const signal = AbortSignal.timeout(HOUR_MS);
    const hours = await Promise.all(
      this.#parts.ports.map((port) => this.#parts.askHour(port, signal).catch(() => undefined)),
    );
    this.#send(reader, event("hour", sumOfHours(hours.filter((hour) => hour !== undefined))));
  }
}

function event(name: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
