/** A connection to a back end: one request at a time, responses taken apart as they come. */
import { connectError, connectTo } from "../../ffi/socket.ts";
import { Connection, INPUT } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import { IncomingBody } from "./http1/body.ts";
import { type Http1Response, parseResponse } from "./http1/response.ts";
import { BadMessage, headEnd } from "./http1/syntax.ts";
import type { EventLoop } from "./loop.ts";
import type { BackEnd, Pool } from "./pool.ts";
import { FAILED, PlainStream, WOULD_BLOCK } from "./stream.ts";

/** Longest response head, bytes: twice what common servers send at most. */
const MAX_HEAD_BYTES = 65_536;

export class UpstreamConnection extends Connection {
  #exchange: Exchange | null;
  #isConnecting = true;
  /** The beginning of a head whose rest is still to come. */
  #partialHead: Uint8Array<ArrayBuffer> | null = null;
  #response: Http1Response | null = null;
  #body: IncomingBody | null = null;
  /** True once it carried a whole exchange: its back end may have closed it meanwhile. */
  isReused = false;

  private constructor(loop: EventLoop, fd: number, readonly backEnd: BackEnd, readonly pool: Pool, exchange: Exchange) {
    super(loop, new PlainStream(fd));
    this.#exchange = exchange;
    loop.setDeadline(this, pool.config.connect_timeout);
  }

  /**
   * Begins to connect; the errno when the system refuses at once. The exchange hears how it went by its `connected` or
   * `connectFailed`.
   */
  static connect(loop: EventLoop, pool: Pool, backEnd: BackEnd, exchange: Exchange): UpstreamConnection | number {
    const fd = connectTo(backEnd.address);
    return fd < 0 ? -fd : new UpstreamConnection(loop, fd, backEnd, pool, exchange);
  }

  /** Gives an idle connection its next exchange. */
  begin(exchange: Exchange): void {
    this.#exchange = exchange;
    this.postpone();
  }

  /** The request is still being sent: the time for the response counts from its end. */
  postpone(): void {
    this.loop.setDeadline(this, this.pool.config.response_timeout);
  }

  /** False while it connects: nothing can be sent yet. */
  get isConnected(): boolean {
    return !this.#isConnecting;
  }

  override onEvent(mask: number): void {
    if (this.#isConnecting && !this.#finishConnecting()) return;
    super.onEvent(mask);
  }

  #finishConnecting(): boolean {
    if (connectError(this.stream.fd) !== 0) {
      this.#failToConnect();
      return false;
    }
    this.#isConnecting = false;
    this.loop.setDeadline(this, this.pool.config.response_timeout);
    this.#exchange!.connected();
    return this.isOpen;
  }

  #failToConnect(): void {
    const exchange = this.#exchange!;
    this.close();
    exchange.connectFailed(this.backEnd);
  }

  /** Reads on: the client has taken what it had been sent. */
  resume(): void {
    this.onReady();
  }

  protected override onReady(): void {
    while (this.isOpen && !this.#exchange?.isClientBlocked) {
      const count = this.read();
      if (count === WOULD_BLOCK) return;
      if (count === 0 || count === FAILED) return this.#end(count === 0);
      // Idle, and yet it speaks: nobody asked.
      if (this.#exchange === null) return this.#leavePool();
      this.loop.setDeadline(this, this.pool.config.response_timeout);
      try {
        this.#take(count);
      } catch (error) {
        if (!(error instanceof BadMessage)) throw error;
        return this.#fail();
      }
    }
  }

  protected override onHangup(): void {}

  protected override onDrained(): void {
    this.#exchange?.upstreamDrained();
  }

  /** A back end may answer and close before it took the whole request: its answer is read first. */
  protected override onBroken(): void {
    this.onReady();
    if (this.isOpen) this.#end(false);
  }

  override onTimeout(): void {
    if (this.#isConnecting) this.#failToConnect();
    else if (this.#exchange === null) this.#leavePool();
    else if (this.#exchange.isClientBlocked) this.loop.setDeadline(this, this.pool.config.response_timeout);
    else {
      const exchange = this.#exchange;
      this.close();
      exchange.upstreamTimedOut();
    }
  }

  /** The back end ended the connection, in order or not. */
  #end(inOrder: boolean): void {
    if (this.#exchange === null) return this.#leavePool();
    if (inOrder && this.#response !== null && this.#body!.endsWithConnection) {
      const exchange = this.#exchange;
      this.close();
      exchange.responseBody(INPUT, 0, 0, true);
      return exchange.finished();
    }
    this.#fail();
  }

  #fail(): void {
    const exchange = this.#exchange!;
    this.close();
    exchange.upstreamFailed(this.isReused);
  }

  #leavePool(): void {
    const at = this.backEnd.idle.indexOf(this);
    if (at >= 0) this.backEnd.idle.splice(at, 1);
    this.close();
  }

  /** Takes `count` bytes of {@linkcode INPUT}. */
  #take(count: number): void {
    if (this.#response !== null) return this.#takeBody(INPUT, 0, count);
    let bytes = INPUT;
    if (this.#partialHead !== null) {
      bytes = new Uint8Array(this.#partialHead.length + count);
      bytes.set(this.#partialHead);
      bytes.set(INPUT.subarray(0, count), this.#partialHead.length);
      count = bytes.length;
      this.#partialHead = null;
    }
    this.#takeHeads(bytes, count);
  }

  /** Interim responses (1xx), the final one, and what follows it. */
  #takeHeads(bytes: Uint8Array<ArrayBuffer>, end: number): void {
    let at = 0;
    while (true) {
      const bodyAt = headEnd(bytes, at, end);
      if (bodyAt < 0) {
        if (end - at > MAX_HEAD_BYTES) throw new BadMessage(502, "response head too long");
        this.#partialHead = bytes.slice(at, end);
        return;
      }
      const exchange = this.#exchange!;
      const response = parseResponse(bytes, at, bodyAt, exchange.method);
      at = bodyAt;
      // Nobody asked for another protocol: Upgrade is not passed on.
      if (response.status === 101) throw new BadMessage(502, "101 to a request without Upgrade");
      if (response.status < 200) {
        exchange.interimResponse(response);
        continue;
      }
      this.#response = response;
      this.#body = new IncomingBody(response.bodyLength, response.isChunked);
      exchange.responseHead(response);
      return this.#takeBody(bytes, at, end);
    }
  }

  #takeBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const body = this.#body!;
    const dataEnd = body.take(bytes, start, end);
    const { isDone } = body;
    const exchange = this.#exchange!;
    exchange.responseBody(bytes, start, dataEnd, isDone);
    // The client may have gone while it was sent to.
    if (!isDone || !this.isOpen) return;
    const keep = this.#response!.keepAlive && body.consumed === end && !this.isBlocked && exchange.isRequestSent;
    this.#response = this.#body = this.#exchange = null;
    if (keep && this.backEnd.idle.length < this.pool.config.keepalive) {
      this.isReused = true;
      this.loop.setDeadline(this, this.pool.config.response_timeout);
      this.backEnd.idle.push(this);
    } else this.close();
    exchange.finished();
  }
}
