/** A node that begins asks the others which sessions there are: those that began while it was away. */
import type { EventLoop } from "../loop.ts";
import { Timed } from "../timer_wheel.ts";

/** It asks again while nobody has told anything: a datagram may be lost. */
const ASK_EVERY_MS = 1_000;
const TIMES = 5;

export class Asking extends Timed {
  #times = 0;

  constructor(readonly loop: EventLoop, readonly ask: () => void) {
    super();
    this.onTimeout();
  }

  override onTimeout(): void {
    this.ask();
    if (++this.#times < TIMES) this.loop.setDeadline(this, ASK_EVERY_MS);
  }

  /** Somebody told. */
  stop(): void {
    this.loop.clearDeadline(this);
  }

  override onDefect(error: unknown): void {
    console.error("serve: learned sessions:", error);
  }
}
