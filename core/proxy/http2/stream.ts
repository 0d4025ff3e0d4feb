/** A stream of a session: RFC 9113 section 5.1. What of it is still to be sent waits here until the windows let it. */
import type { HeadBlock } from "../head_block.ts";

export class Http2Stream<Owner> {
  /** Whoever serves it; set by the handler of the session when the request comes. */
  owner: Owner | null = null;
  /** The other side sent END_STREAM. */
  isRemoteDone = false;
  /** We sent END_STREAM. */
  isLocalDone = false;
  isClosed = false;
  /** Both sides pass bytes as they are: the end of one leaves the other. */
  isTunnel = false;
  /** False as long as the head of what comes is still to come. */
  takesData = true;
  /** Bytes of the body that its Content-Length says are still to come; -1 where it says nothing. */
  bodyLeft = -1;
  /** Bytes that came and nobody has taken yet. */
  unconsumed = 0;
  /** Bytes taken that the other side was not told of yet. */
  ungranted = 0;
  /** Trailers of the body that came; null without. */
  trailers: HeadBlock | null = null;

  /** What waits for the windows, in order. */
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  /** Bytes of the first piece that are gone. */
  #sent = 0;
  /** Nothing follows what waits; then these trailers go out, where there are any. */
  endsAfterWaiting = false;
  waitingTrailers: HeadBlock | null = null;

  /**
   * @param sendWindow bytes that we may send
   * @param receiveWindow bytes that the other side may send
   */
  constructor(readonly id: number, public sendWindow: number, public receiveWindow: number) {}

  /** Something waits to be sent. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0 || this.endsAfterWaiting;
  }

  get waitingBytes(): number {
    return this.#waiting.reduce((sum, { length }) => sum + length, -this.#sent);
  }

  /** Keeps a copy for later. */
  hold(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean, trailers: HeadBlock | null): void {
    if (end > start) this.#waiting.push(bytes.slice(start, end));
    if (!isLast) return;
    this.endsAfterWaiting = true;
    this.waitingTrailers = trailers;
  }

  /** The next bytes that wait: the first piece, from {@linkcode sentOfFirst} on. */
  get first(): Uint8Array<ArrayBuffer> | undefined {
    return this.#waiting[0];
  }

  get sentOfFirst(): number {
    return this.#sent;
  }

  /** So many bytes of the first piece were sent. */
  sent(count: number): void {
    this.#sent += count;
    if (this.#sent < this.#waiting[0]!.length) return;
    this.#waiting.shift();
    this.#sent = 0;
  }

  get isLastPiece(): boolean {
    return this.#waiting.length === 1;
  }

  dropWaiting(): void {
    this.#waiting = [];
    this.#sent = 0;
    this.endsAfterWaiting = false;
    this.waitingTrailers = null;
  }
}
