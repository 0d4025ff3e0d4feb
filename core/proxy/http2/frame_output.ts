/** Frames of a session on their way to its connection: one write a turn of the loop. */
import type { EventLoop, Resumed } from "../loop.ts";
import { FrameWriter } from "./frame_writer.ts";

/** So much is not left to the end of the turn, bytes. */
const WRITE_AT_ONCE = 131_072;

/** The connection under a session. */
export interface Transport {
  readonly isOpen: boolean;
  readonly isBlocked: boolean;
  send(bytes: Uint8Array<ArrayBuffer>, length: number): void;
  onDefect(error: unknown): void;
}

export class FrameOutput implements Resumed {
  readonly frames = new FrameWriter();
  #isScheduled = false;

  /** @param isIdle whether no stream is open: then the memory of the frames is given away */
  constructor(readonly loop: EventLoop, readonly transport: Transport, readonly isIdle: () => boolean) {}

  /** There may be something to send. */
  written(): void {
    if (this.frames.end >= WRITE_AT_ONCE) return this.flush();
    if (this.#isScheduled || this.frames.end === 0) return;
    this.#isScheduled = true;
    this.loop.again(this);
  }

  onTurn(): void {
    this.#isScheduled = false;
    this.flush();
  }

  /** While the transport is blocked frames wait here, where they cost no further copy. */
  flush(): void {
    if (!this.transport.isBlocked) this.flushAll();
  }

  /** Also what must wait in the transport. */
  flushAll(): void {
    const { frames } = this;
    const length = frames.end;
    if (length === 0 || !this.transport.isOpen) return;
    const { bytes } = frames;
    frames.clear();
    this.transport.send(bytes, length);
    if (this.isIdle()) frames.free();
  }

  onDefect(error: unknown): void {
    this.transport.onDefect(error);
  }
}
