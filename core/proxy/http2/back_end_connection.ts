/** A connection to a back end of HTTP/2: requests of many clients, each a stream of its own. */
import { connectTo } from "../../../ffi/socket.ts";
import type { BackEnd } from "../back_end.ts";
import { INPUT, READS_A_TURN } from "../connection.ts";
import type { Exchange } from "../exchange.ts";
import type { EventLoop } from "../loop.ts";
import type { RequestHead, ResponseHead } from "../message.ts";
import { OutgoingConnection } from "../outgoing_connection.ts";
import type { Pool } from "../pool.ts";
import { WOULD_BLOCK } from "../stream.ts";
import { type BackEndHandler, BackEndSession } from "./back_end_session.ts";
import { BackEndStream } from "./back_end_stream.ts";
import { LARGEST_STREAM } from "./codes.ts";
import { ConnectionError } from "./errors.ts";
import { FrameOutput } from "./frame_output.ts";
import { MAX_STREAMS } from "./session.ts";
import type { Http2Stream } from "./stream.ts";

/** What is read is copied: a stream that ends meanwhile may have its client read. */
const RECEIVED = new Uint8Array(INPUT.length);
/** A back end that kept a request waiting for too long answers a PING within so long, ms, or is taken for dead. */
const PING_TIMEOUT_MS = 2_000;

type OwnStream = Http2Stream<BackEndStream>;

export class BackEndConnection extends OutgoingConnection implements BackEndHandler<BackEndStream> {
  #output: FrameOutput;
  #session: BackEndSession<BackEndStream>;
  /** Until the back end's SETTINGS are there. */
  #waiting = new Set<BackEndStream>();
  /** Takes no more requests. */
  #isRetired = false;
  /** Streams above that number were left alone by the back end. */
  #lastServed = LARGEST_STREAM;
  /** It was asked whether it is there, and nothing came since. */
  #isDoubted = false;
  /** It cannot be written to. */
  #isBroken = false;
  /** Streams whose exchanges are to go on once what was read is taken. */
  #drained: BackEndStream[] = [];

  private constructor(loop: EventLoop, fd: number, backEnd: BackEnd, pool: Pool, { client }: Exchange) {
    super(loop, fd, backEnd, pool, client.identity);
    this.#output = new FrameOutput(loop, this, () => this.isIdle);
    this.#session = new BackEndSession(this, this.#output.frames, () => loop.now);
    backEnd.http2.push(this);
  }

  /**
   * A stream for the request, on a connection that has room or on a new one; the errno when the system refuses that at once.
   * @param needsFresh on none that carried others before
   */
  static stream(
    loop: EventLoop,
    pool: Pool,
    backEnd: BackEnd,
    exchange: Exchange,
    needsFresh: boolean,
  ): BackEndStream | number {
    let connection = backEnd.http2.find((each) => each.#hasRoom && !(needsFresh && each.isReused));
    if (connection === undefined) {
      const fd = connectTo(backEnd.address);
      if (fd < 0) return -fd;
      connection = new BackEndConnection(loop, fd, backEnd, pool, exchange);
    }
    connection.pool = pool;
    return new BackEndStream(connection, exchange);
  }

  get #hasRoom(): boolean {
    if (this.#isRetired || this.#isDoubted) return false;
    // Without keep-alive a connection is for one request.
    if (this.pool.config.keepalive === 0) return false;
    return this.isSettled ? this.#session.room > 0 : this.#waiting.size < MAX_STREAMS;
  }

  /** The back end's SETTINGS are there: requests can be sent. */
  get isSettled(): boolean {
    return this.#session.isSettled;
  }

  get isIdle(): boolean {
    return this.isSettled && this.#session.open === 0;
  }

  /** The stream is told once requests can be sent. */
  wait(stream: BackEndStream): void {
    this.#waiting.add(stream);
  }

  stopWaiting(stream: BackEndStream): void {
    this.#waiting.delete(stream);
  }

  /** Begins a stream; undefined where the connection is gone, or takes no more. */
  request(owner: BackEndStream, request: RequestHead): OwnStream | undefined {
    if (!this.isOpen || this.#session.room === 0) return undefined;
    // Idle no more.
    this.loop.clearDeadline(this);
    return this.#session.request(owner, request, this.backEnd.tls === undefined ? "http" : "https");
  }

  get sender() {
    return this.#session.sender;
  }

  consumed(stream: OwnStream, count: number): void {
    this.#session.consumed(stream, count);
    this.#output.written();
  }

  /** There is something to send. */
  written(): void {
    this.#output.written();
  }

  cancel(stream: OwnStream): void {
    this.#session.cancel(stream);
    this.#output.written();
    this.#lookWhetherIdle();
  }

  /** A request was kept waiting for too long: is anybody there? */
  doubt(): void {
    if (this.#isDoubted || !this.isOpen) return;
    this.#isDoubted = true;
    this.#session.ping();
    this.#output.written();
    this.loop.setDeadline(this, PING_TIMEOUT_MS);
  }

  /** Takes no more requests; those that it has go on. */
  retire(): void {
    this.#leavePool();
    this.#lookWhetherIdle();
  }

  #leavePool(): void {
    this.#isRetired = true;
    const at = this.backEnd.http2.indexOf(this);
    if (at >= 0) this.backEnd.http2.splice(at, 1);
  }

  protected override connected(): void {
    // Its SETTINGS are waited for as its handshake was: who sends none does not speak HTTP/2.
    this.#output.flush();
  }

  protected override connectFailed(): void {
    for (const stream of this.#waiting) stream.connectFailed();
  }

  settled(): void {
    this.loop.clearDeadline(this);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    const room = Math.min(this.#session.room, waiting.length);
    for (const [i, stream] of waiting.entries()) {
      if (i < room) stream.connected();
      else stream.searchOn();
    }
  }

  protected override onReady(): void {
    for (let reads = 0; this.isOpen; reads++) {
      if (reads === READS_A_TURN) return this.loop.again(this);
      const count = this.read();
      if (count === WOULD_BLOCK && !this.#isBroken) return;
      if (count <= 0) return this.#end();
      this.#receive(count);
    }
  }

  #receive(count: number): void {
    RECEIVED.set(count === INPUT.length ? INPUT : INPUT.subarray(0, count));
    if (this.#isDoubted) this.#believe();
    try {
      this.#session.receive(RECEIVED, 0, count);
      for (const stream of this.#drained.splice(0)) stream.drained();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#session.fail(error);
      this.#output.flushAll();
      return this.#end();
    }
    this.#output.written();
    this.#lookWhetherIdle();
  }

  #believe(): void {
    this.#isDoubted = false;
    this.loop.clearDeadline(this);
  }

  answered(): void {}

  interim(stream: OwnStream, response: ResponseHead): void {
    stream.owner!.interim(response);
  }

  response(stream: OwnStream, response: ResponseHead, isLast: boolean): void {
    stream.owner!.response(response, isLast);
  }

  body(stream: OwnStream, bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    stream.owner!.body(bytes, start, end, isLast);
  }

  gone(stream: OwnStream, code: number): void {
    stream.owner!.gone(code);
  }

  drained(stream: OwnStream): void {
    this.#drained.push(stream.owner!);
  }

  goingAway(lastId: number): void {
    this.#lastServed = Math.min(this.#lastServed, lastId);
    this.retire();
    for (const stream of [...this.#session.streams]) if (stream.id > lastId) stream.owner!.leftAlone();
  }

  /** A stream came to its end. */
  finished(): void {
    this.isReused = true;
  }

  #lookWhetherIdle(): void {
    if (!this.isOpen || this.#session.open > 0 || this.#waiting.size > 0) return;
    if (!this.isSettled) {
      if (this.#isRetired) this.close();
    } else if (this.#isRetired || this.pool.config.keepalive === 0) this.#endInOrder();
    else if (!this.#isDoubted) this.loop.setDeadline(this, this.pool.config.keepalive_timeout);
  }

  #endInOrder(): void {
    this.#session.end();
    this.#output.flushAll();
    this.close();
  }

  protected override onHangup(): void {}

  protected override onDrained(): void {
    this.#output.flush();
    if (this.isBlocked) return;
    for (const stream of [...this.#session.streams]) if (!stream.isWaiting) stream.owner!.drained();
  }

  /** What the back end said before it broke the connection is still read, in a turn of its own. */
  protected override onBroken(): void {
    this.#isBroken = true;
    this.wake();
  }

  override onTimeout(): void {
    if (!this.isSettled) return this.giveUpConnecting("it took too long");
    if (this.#isDoubted) return this.#end();
    if (this.isIdle) this.#endInOrder();
  }

  /** The connection is over, whatever is still on its way. */
  #end(): void {
    const wasSettled = this.isSettled;
    const streams = [...this.#session.streams];
    this.close();
    if (!wasSettled) return this.connectFailed();
    for (const stream of streams) {
      if (stream.id > this.#lastServed) stream.owner!.leftAlone();
      else stream.owner!.lost();
    }
  }

  override onDefect(error: unknown): void {
    const streams = [...this.#session.streams];
    super.onDefect(error);
    for (const stream of [...this.#waiting, ...streams.map(({ owner }) => owner!)]) stream.onDefect(error);
  }

  override close(): void {
    this.#leavePool();
    super.close();
  }
}
