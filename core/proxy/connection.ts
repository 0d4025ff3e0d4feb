/** A descriptor with what is still to be written: the common half of client and upstream connections. */
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLRDHUP } from "../../ffi/epoll.ts";
import type { EventLoop } from "./loop.ts";
import { FAILED, type Stream, WOULD_BLOCK } from "./stream.ts";
import { Timed } from "./timer_wheel.ts";

/** What one read takes at most: as much as a loopback or LAN socket hands over at once. */
const INPUT_BYTES = 131_072;
/**
 * Reads of this process land here; who needs bytes for longer than the call copies them. One byte more than a read takes: the
 * readers of heads want a 0 behind the last.
 */
export const INPUT = new Uint8Array(INPUT_BYTES + 1);
/** So many reads in a turn: whoever sends without end keeps nobody else waiting. */
export const READS_A_TURN = 16;
/** Heads and pieces of bodies are put together here before they are sent: two heads and an input fit. */
export const OUTPUT = new Uint8Array(4 * INPUT_BYTES);

const ENDED = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

export abstract class Connection extends Timed {
  #unsent: Uint8Array<ArrayBuffer> | null = null;
  #isOpen = true;
  /** Bytes, or the peer's end, may be waiting. Edge-triggered: nobody says so again. */
  #mayRead = false;
  #peerEnded = false;
  /** Nothing more is to be sent than what is unsent. */
  #isFinishing = false;

  constructor(readonly loop: EventLoop, protected readonly stream: Stream) {
    super();
    loop.watch(stream.fd, this);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Bytes wait for the peer to take others first: nothing more should be sent. */
  get isBlocked(): boolean {
    return this.#unsent !== null;
  }

  onEvent(mask: number): void {
    if (mask & (EPOLLIN | ENDED) || this.stream.readWaitsToWrite) this.#mayRead = true;
    if (mask & ENDED) this.#peerEnded = true;
    if (this.#unsent !== null && !this.#flush()) return;
    if (this.stream.finishesLater) this.stream.finish();
    if (mask & (EPOLLERR | EPOLLHUP)) this.onHangup();
    if (this.#isOpen) this.onReady();
  }

  /** There may be something to read, though the system does not say so. */
  wake(): void {
    this.#mayRead = true;
    this.loop.again(this);
  }

  /** Its turn came again, after it stopped at {@linkcode READS_A_TURN}. */
  onTurn(): void {
    if (this.#isOpen) this.onReady();
  }

  /** Reads if it can and wants to; called after every event and whenever a reason to wait has gone. */
  protected abstract onReady(): void;

  /** Both directions are gone. Bytes that came before may still be read. */
  protected abstract onHangup(): void;

  /** Everything that was unsent is sent. */
  protected abstract onDrained(): void;

  /** The peer cannot be written to. */
  protected abstract onBroken(): void;

  /** Bytes may be there that no event has told of yet: the next {@linkcode read} asks the system. */
  protected expectBytes(): void {
    this.#mayRead = true;
  }

  /** More may be there than was read. */
  protected get mayHoldBytes(): boolean {
    return this.#mayRead;
  }

  /** Bytes put at the start of {@linkcode INPUT}; 0 at the peer's end, {@linkcode WOULD_BLOCK}, {@linkcode FAILED}. */
  protected read(): number {
    if (!this.#mayRead) return WOULD_BLOCK;
    const count = this.stream.read(INPUT, INPUT_BYTES);
    if (count === WOULD_BLOCK) this.#mayRead = false;
    // One call saved: the next byte makes an event. The peer's end made its event already.
    else if (count > 0 && count < INPUT_BYTES && !this.#peerEnded && this.stream.hasDrained()) this.#mayRead = false;
    return count;
  }

  /** Sends the first `length` bytes; what the system does not take now is copied and sent when it does. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    if (!this.trySend(bytes, length)) this.onBroken();
  }

  /** As {@linkcode send}; but when the connection is broken before a byte was taken, returns false and does nothing more. */
  trySend(bytes: Uint8Array<ArrayBuffer>, length: number): boolean {
    if (!this.#isOpen) return true;
    if (this.#unsent !== null) {
      const joined = new Uint8Array(this.#unsent.length + length);
      joined.set(this.#unsent);
      joined.set(bytes.subarray(0, length), this.#unsent.length);
      this.#unsent = joined;
      return true;
    }
    let sent = 0;
    while (sent < length) {
      const count = this.stream.write(sent === 0 ? bytes : bytes.subarray(sent), length - sent);
      if (count === WOULD_BLOCK) {
        this.#unsent = bytes.slice(sent, length);
        return true;
      }
      if (count === FAILED) {
        // What the peer said before it broke the connection is still there.
        this.#mayRead = true;
        if (sent === 0) return false;
        this.onBroken();
        return true;
      }
      sent += count;
    }
    return true;
  }

  /** Tells the peer, once everything is sent, that nothing more will come. */
  finish(): void {
    this.#isFinishing = true;
    if (this.#isOpen && this.#unsent === null) this.stream.finish();
  }

  /** False when the connection is gone by it. */
  #flush(): boolean {
    const bytes = this.#unsent!;
    this.#unsent = null;
    this.send(bytes, bytes.length);
    if (this.#isOpen && this.#unsent === null) {
      if (this.#isFinishing) this.stream.finish();
      this.onDrained();
    }
    return this.#isOpen;
  }

  override onDefect(error: unknown): void {
    console.error("serve: a connection is given up:", error);
    this.close();
  }

  /** Frees the descriptor; a second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#unsent = null;
    this.loop.clearDeadline(this);
    this.loop.forget(this.stream.fd);
    this.stream.close();
  }
}
