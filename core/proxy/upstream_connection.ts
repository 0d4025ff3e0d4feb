/** A connection to a back end of HTTP/1.1: one request at a time, responses taken apart as they come. */
import { connectTo } from "../../ffi/socket.ts";
import type { BackEnd } from "./back_end.ts";
import { INPUT, OUTPUT, READS_A_TURN } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import { HeadBlock, MAX_FIELDS } from "./head_block.ts";
import { IncomingBody, writeBody } from "./http1/body.ts";
import { HeldBytes } from "./http1/held_bytes.ts";
import { parseResponse } from "./http1/response.ts";
import { BadMessage, INCOMPLETE } from "./http1/syntax.ts";
import type { EventLoop } from "./loop.ts";
import { type RequestHead, UNKNOWN_LENGTH } from "./message.ts";
import { OutgoingConnection } from "./outgoing_connection.ts";
import type { Pool } from "./pool.ts";
import { FAILED, WOULD_BLOCK } from "./stream.ts";
import type { Upstream } from "./upstream.ts";

/** Longest response head, bytes: twice what common servers send at most. */
const MAX_HEAD_BYTES = 65_536;
/** A cookie of ours for each Set-Cookie, and Cache-Control. */
const ADDED_FIELDS = MAX_FIELDS + 4;
/** A response's head is written where it is sent from. */
const HEAD = new HeadBlock(OUTPUT, ADDED_FIELDS);
const PROBE = new Uint8Array(1);

export class UpstreamConnection extends OutgoingConnection implements Upstream {
  #exchange: Exchange | null;
  /** The beginning of a head whose rest is still to come. */
  #partialHead: HeldBytes | null = null;
  #inBody = false;
  #body = new IncomingBody();
  /** The response lets the connection be used again. */
  #mayReuse = false;
  #isTunnel = false;
  /** The back end will send no more through the tunnel. */
  #hasEnded = false;

  private constructor(loop: EventLoop, fd: number, backEnd: BackEnd, pool: Pool, exchange: Exchange) {
    super(loop, fd, backEnd, pool, exchange.client.identity);
    this.#exchange = exchange;
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
    this.pool = exchange.pool;
    this.#postpone();
  }

  sendRequest(
    { block, bodyLength }: RequestHead,
    body: Uint8Array<ArrayBuffer> | undefined,
    isComplete: boolean,
    trailers: HeadBlock | null,
  ): boolean {
    const isChunked = bodyLength === UNKNOWN_LENGTH;
    if (!body && !(isComplete && isChunked)) return this.trySend(block.bytes, block.end);
    OUTPUT.set(block.bytes.subarray(0, block.end));
    const length = body?.length ?? 0;
    return this.trySend(
      OUTPUT,
      writeBody(OUTPUT, block.end, body ?? OUTPUT, 0, length, isChunked, isComplete, trailers),
    );
  }

  sendBody(
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
    isLast: boolean,
    trailers: HeadBlock | null,
  ): void {
    const isChunked = this.#exchange?.request.bodyLength === UNKNOWN_LENGTH;
    const length = writeBody(OUTPUT, 0, bytes, start, end, isChunked, isLast, trailers);
    if (length === 0) return;
    this.send(OUTPUT, length);
    this.#postpone();
  }

  /** The request is still being sent: the time for the response counts from its end. */
  #postpone(): void {
    this.loop.setDeadline(this, this.pool.config.response_timeout);
  }

  /** In the pool, without a request. */
  get isIdle(): boolean {
    return this.#exchange === null;
  }

  get isConnected(): boolean {
    return !this.isConnecting;
  }

  /** Bytes pass as they are: the back end went over to another protocol. */
  get isTunnel(): boolean {
    return this.#isTunnel;
  }

  /** Asks the system whether an idle connection still stands; no event may have told yet. */
  isAlive(): boolean {
    return this.stream.read(PROBE, PROBE.length) === WOULD_BLOCK;
  }

  protected override connected(): void {
    this.#postpone();
    this.#exchange!.connected();
  }

  protected override connectFailed(): void {
    this.#exchange!.connectFailed(this.backEnd);
  }

  resume(): void {
    this.onReady();
  }

  protected override onReady(): void {
    for (let reads = 0; this.isOpen && !this.#hasEnded && !this.#exchange?.isClientBlocked; reads++) {
      if (reads === READS_A_TURN) return this.loop.again(this);
      const count = this.read();
      if (count === WOULD_BLOCK) return;
      if (count === 0 || count === FAILED) return this.#end(count === 0);
      // Idle, and yet it speaks: nobody asked.
      if (this.#exchange === null) return this.#leavePool();
      if (this.#isTunnel) this.#exchange.tunnel!.toClient(INPUT, count);
      else this.#takeOrFail(count);
    }
  }

  #takeOrFail(count: number): void {
    // A head has its time as a whole, a body from read to read.
    if (this.#inBody) this.#postpone();
    try {
      this.#take(count);
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      this.#fail();
    }
  }

  protected override onHangup(): void {}

  override onDefect(error: unknown): void {
    const exchange = this.#exchange;
    super.onDefect(error);
    exchange?.onDefect(error);
  }

  protected override onDrained(): void {
    this.#exchange?.upstreamDrained();
  }

  /** A back end may answer and close before it took the whole request: its answer is read first. */
  protected override onBroken(): void {
    this.onReady();
    // While the client cannot take it the rest waits in the system.
    if (this.isOpen && !this.#exchange?.isClientBlocked) this.#end(false);
  }

  override onTimeout(): void {
    if (this.isConnecting) this.giveUpConnecting("it took too long");
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
    const exchange = this.#exchange;
    if (this.#isTunnel && inOrder) {
      this.#hasEnded = true;
      return exchange.tunnel!.backEndEnded();
    }
    if (inOrder && this.#inBody && this.#body.endsWithConnection) {
      this.close();
      exchange.responseBody(INPUT, 0, 0, true, null);
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
    if (this.#inBody) return this.#takeBody(INPUT, 0, count);
    if (this.#partialHead === null) {
      INPUT[count] = 0;
      return this.#takeHeads(INPUT, count);
    }
    const held = this.#partialHead;
    held.append(INPUT, 0, count);
    const headEnd = held.findHeadEnd();
    checkLength(headEnd === INCOMPLETE ? held.length : headEnd);
    if (headEnd === INCOMPLETE) return;
    this.#partialHead = null;
    this.#takeHeads(held.bytes, held.length);
  }

  /** Interim responses (1xx), the final one, and what follows it. */
  #takeHeads(bytes: Uint8Array<ArrayBuffer>, end: number): void {
    let at = 0;
    while (true) {
      const exchange = this.#exchange!;
      const response = parseResponse(bytes, at, end, exchange.method, HEAD);
      if (response === undefined) {
        checkLength(end - at);
        if (end > at) this.#partialHead = new HeldBytes(bytes, at, end);
        // What is held is looked at once: later calls go on from its end.
        this.#partialHead?.findHeadEnd();
        return;
      }
      at = response.headEnd;
      if (response.status === 101) {
        if (!exchange.switchProtocols(response, this)) throw new BadMessage(502, "101 to what was not asked for");
        return this.#beginTunnel(bytes, at, end);
      }
      if (response.status < 200) {
        exchange.interimResponse(response);
        if (!this.isOpen) return;
        this.#postpone();
        continue;
      }
      this.#inBody = true;
      this.#postpone();
      this.#mayReuse = response.keepAlive;
      this.#body.begin(response.bodyLength, response.isChunked);
      exchange.responseHead(response);
      return this.#takeBody(bytes, at, end);
    }
  }

  #beginTunnel(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    this.#isTunnel = true;
    // The client's side keeps the time from now on.
    this.loop.clearDeadline(this);
    if (end > start) this.#exchange?.tunnel?.toClient(bytes.slice(start, end), end - start);
    this.#exchange?.upstreamDrained();
  }

  #takeBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const body = this.#body;
    const dataEnd = body.take(bytes, start, end);
    const { isDone } = body;
    const exchange = this.#exchange!;
    exchange.responseBody(bytes, start, dataEnd, isDone, body.trailers);
    // The client may have gone while it was sent to.
    if (!isDone || !this.isOpen) return;
    // A byte beyond the response would be taken for the next one.
    const isClean = body.consumed === end && (!this.mayHoldBytes || this.isAlive());
    const keep = this.#mayReuse && isClean && !this.isBlocked && exchange.isRequestSent;
    this.#inBody = false;
    this.#exchange = null;
    if (keep && this.backEnd.idle.length < this.pool.config.keepalive) {
      this.isReused = true;
      this.loop.setDeadline(this, this.pool.config.keepalive_timeout);
      this.backEnd.idle.push(this);
    } else this.close();
    exchange.finished();
  }
}

function checkLength(headBytes: number): void {
  if (headBytes > MAX_HEAD_BYTES) throw new BadMessage(502, "response head too long");
}
