/** A node that began is told all sessions that this one knows, little by little: so much at once would overrun its socket. */
import type { EventLoop } from "../loop.ts";
import { Timed } from "../timer_wheel.ts";
import { type LearnedEntry, MOST_ENTRIES } from "./learn_message.ts";

/** Between two bursts, ms; and the datagrams of one: half of what a socket holds by default (net.core.rmem_default). */
const BURST_EVERY_MS = 100;
const BURST = 64;

export class Telling extends Timed {
  #entries: Iterator<LearnedEntry>;

  /** @param send sends a datagram; @param done hears once all is told */
  constructor(
    readonly loop: EventLoop,
    entries: Iterable<LearnedEntry>,
    readonly send: (entries: readonly LearnedEntry[]) => void,
    readonly done: () => void,
  ) {
    super();
    this.#entries = entries[Symbol.iterator]();
  }

  /** Sends the next burst. */
  override onTimeout(): void {
    for (let datagrams = 0; datagrams < BURST; datagrams++) {
      const entries = this.#next();
      if (entries.length > 0) this.send(entries);
      if (entries.length < MOST_ENTRIES) return this.done();
    }
    this.loop.setDeadline(this, BURST_EVERY_MS);
  }

  #next(): LearnedEntry[] {
    const entries: LearnedEntry[] = [];
    while (entries.length < MOST_ENTRIES) {
      const { done, value } = this.#entries.next();
      if (done) break;
      entries.push(value);
    }
    return entries;
  }

  override onDefect(error: unknown): void {
    console.error("serve: learned sessions:", error);
    this.stop();
  }

  /** Tells no more. */
  stop(): void {
    this.loop.clearDeadline(this);
    this.done();
  }
}
