/** A client's HTTP/1 connection: requests in, one at a time, responses out in their order; or a tunnel. */
import { AnsweringConnection } from "./answering_connection.ts";
import type { ClientContext } from "./client_context.ts";
import type { ClientIdentity } from "./client_identity.ts";
import { INPUT, READS_A_TURN } from "./connection.ts";
import type { Downstream } from "./downstream.ts";
import { Exchange } from "./exchange.ts";
import type { HeadBlock } from "./head_block.ts";
import { Http1ResponseWriter } from "./http1/response_writer.ts";
import { BadMessage } from "./http1/syntax.ts";
import { ClientSession } from "./http2/client_session.ts";
import { HTTP2, NOT_HTTP2, PrefaceWait, UNDECIDED } from "./http2/preface.ts";
import { type RequestHead, UNKNOWN_LENGTH } from "./message.ts";
import type { Handshaking } from "./pending_handshakes.ts";
import type { Pool } from "./pool.ts";
import { ServedRequest } from "./served_request.ts";
import { FAILED, type Stream, WOULD_BLOCK } from "./stream.ts";

/** Once the server stops, an idle connection has so long to begin a request, ms: it may be on its way. */
const LAST_REQUEST_MS = 500;

export class ClientConnection extends AnsweringConnection implements Downstream, Handshaking {
  readonly responses = new Http1ResponseWriter(this);
  #exchange: Exchange | null = null;
  /** Nothing was read yet. */
  #isFresh = true;
  /** What was read so far may be the beginning of HTTP/2. */
  #preface: PrefaceWait | null = null;
  /** It speaks HTTP/2: this is all that it does. */
  #http2: ClientSession | null = null;
  #isTaking = false;
  /** Bytes that the client had acknowledged when its time was over and he had not taken all. */
  #acknowledged = -1;
  #isHandshaking = false;
  /** It went over to another protocol. */
  #isTunnel = false;
  /** The client will send no more through the tunnel. */
  #hasEnded = false;
  #isCut = false;

  constructor(context: ClientContext, stream: Stream, identity: ClientIdentity) {
    super(context, stream, identity);
    context.clients.add(this);
    context.table.clients(1);
    if (identity.isTls) {
      this.#isHandshaking = true;
      context.handshakes.begin(this);
      this.loop.setDeadline(this, context.handshakes.timeout);
    } else this.loop.setDeadline(this, context.limits.head_timeout);
  }

  /** Where plain HTTP is only told of HTTPS. */
  get #redirectPort(): number | undefined {
    return this.identity.isTls ? undefined : this.context.redirectPort;
  }

  /** The handshake is over. */
  established(): void {
    this.context.handshakes.end(this);
    this.#isHandshaking = false;
    this.loop.setDeadline(this, this.context.isStopping ? LAST_REQUEST_MS : this.limits.head_timeout);
  }

  giveUp(why: string): void {
    this.stream.giveUpHandshake(why);
    this.close();
  }

  get requestTrailers(): HeadBlock | null {
    return this.body.trailers;
  }

  /** The server stops: ends the connection if no request is on its way. One that is idle has a moment for a request that is. */
  endIfIdle(): void {
    if (this.isEnding || this.#isTunnel) return;
    if (this.#http2 !== null) {
      this.#http2.announceEnd();
      return this.loop.setDeadline(this, LAST_REQUEST_MS);
    }
    if (this.current === null) {
      this.expectBytes();
      this.onReady();
    }
    if (!this.isOpen || this.current !== null) return;
    if (this.isBlocked) this.end();
    else if (!this.holdsBytes) this.loop.setDeadline(this, LAST_REQUEST_MS);
  }

  /** The server ends: what is not sent will not be, and must not look whole. */
  endNow(): void {
    // A tunnel has no length that it could fall short of.
    const isServing = this.current !== null || this.#http2?.isIdle === false;
    const isCutShort = !this.#isTunnel && (isServing || this.isBlocked);
    if (isCutShort) this.cut();
    else this.close();
  }

  protected override onReady(): void {
    // A response that is made at once ends here again.
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      for (let reads = 0; this.isOpen && this.#takeSome();) {
        if (++reads === READS_A_TURN) return this.loop.again(this);
      }
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      this.#refuse(error.status);
    } finally {
      this.#isTaking = false;
    }
  }

  /** Takes what is there, if it may; false when there is nothing to do now. */
  #takeSome(): boolean {
    if (this.isEnding) return this.ignoreSome();
    if (this.#http2 !== null) return this.#takeHttp2(this.#http2);
    if (this.current === null) return this.readRequest();
    return this.#isTunnel ? this.#takeTunnel() : this.#takeBody();
  }

  protected override takeOther(count: number): boolean {
    if (!this.#isFresh) return false;
    if (this.identity.isTls) {
      this.#isFresh = false;
      if (this.stream.isHttp2) this.#beginHttp2(INPUT, count);
      return this.#http2 !== null;
    }
    return this.limits.http2_cleartext && this.#redirectPort === undefined && this.#lookForPreface(count);
  }

  /** With prior knowledge, or not; true when what was read is taken. */
  #lookForPreface(count: number): boolean {
    const preface = this.#preface ??= new PrefaceWait();
    const found = preface.take(INPUT, count);
    if (found === UNDECIDED) return true;
    this.#isFresh = false;
    this.#preface = null;
    if (found === NOT_HTTP2 && preface.seen === 0) return false;
    const bytes = preface.join(INPUT, count);
    if (found === HTTP2) this.#beginHttp2(bytes, bytes.length);
    else this.hold(bytes, 0, bytes.length);
    return true;
  }

  #beginHttp2(bytes: Uint8Array<ArrayBuffer>, count: number): void {
    this.#http2 = new ClientSession(this.context, this.identity, this);
    this.#postponeHttp2();
    this.#http2.receive(bytes, count);
  }

  #takeHttp2(http2: ClientSession): boolean {
    if (this.isBlocked) return false;
    const count = this.readOrClose();
    if (count <= 0) return false;
    this.#postponeHttp2();
    http2.receive(INPUT, count);
    return true;
  }

  #postponeHttp2(): void {
    this.loop.setDeadline(this, this.context.isStopping ? LAST_REQUEST_MS : this.limits.client_idle_timeout);
  }

  endAfterSending(): void {
    this.end();
  }

  protected override takeRequest(
    request: RequestHead,
    bytes: Uint8Array<ArrayBuffer>,
    bodyAt: number,
    end: number,
  ): void {
    const served = this.served = new ServedRequest(this.context, this.identity, request);
    this.#checkBodyLength(request.bodyLength);
    this.body.begin(request.bodyLength, request.bodyLength === UNKNOWN_LENGTH);
    const dataEnd = this.#takeOfBody(bytes, bodyAt, end);
    const firstBody = dataEnd > bodyAt ? bytes.slice(bodyAt, dataEnd) : undefined;
    this.context.table.request(false);
    if (!this.mayEnter(served)) return;
    const redirectPort = this.#redirectPort;
    if (redirectPort !== undefined) return this.redirectToHttps(request, redirectPort);
    this.context.dispatcher.dispatch(this, firstBody);
  }

  #checkBodyLength(bytes: number): void {
    const { max_body_bytes } = this.limits;
    if (max_body_bytes > 0 && bytes > max_body_bytes) throw new BadMessage(413, "body too long");
  }

  /** Takes the body's part of the bytes, keeps what follows it, and returns where the data ends, which begins at `start`. */
  #takeOfBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
    const dataEnd = this.body.take(bytes, start, end);
    const served = this.served!;
    served.bodyBytes += dataEnd - start;
    this.#checkBodyLength(served.bodyBytes);
    const { consumed } = this.body;
    if (consumed < end) this.hold(bytes, consumed, end);
    return dataEnd;
  }

  /** Called by the route of the request. */
  forward(pool: Pool, firstBody: Uint8Array<ArrayBuffer> | undefined): void {
    if (pool.speed !== null && this.answerFromCache(pool.speed, pool.responseRules?.lines ?? "")) return;
    const { loop, table } = this.context;
    const exchange = new Exchange(loop, table, this, this.current!, pool, firstBody, this.body.isDone);
    this.#exchange = exchange;
    if (!this.body.isDone) this.loop.setDeadline(this, this.limits.body_timeout);
    exchange.start();
  }

  #takeBody(): boolean {
    if (this.#exchange === null || this.body.isDone || !this.#exchange.takesBody) return false;
    const count = this.readOrClose();
    if (count <= 0) return false;
    this.loop.setDeadline(this, this.limits.body_timeout);
    const dataEnd = this.#takeOfBody(INPUT, 0, count);
    this.#exchange.requestBody(INPUT, 0, dataEnd, this.body.isDone);
    return true;
  }

  #takeTunnel(): boolean {
    if (this.#hasEnded || !this.#exchange!.takesBody) return false;
    const count = this.read();
    if (count === WOULD_BLOCK) return false;
    if (count === FAILED) {
      this.close();
      return false;
    }
    this.tunnelUsed();
    this.#hasEnded = count === 0;
    if (count === 0) this.#exchange!.tunnel!.clientEnded();
    else this.#exchange!.tunnel!.backEnd.send(INPUT, count);
    return true;
  }

  beginTunnel(): void {
    this.#isTunnel = true;
    this.tunnelUsed();
    const held = this.letGo();
    if (held !== null) this.#exchange!.tunnel!.backEnd.send(held.bytes, held.length);
  }

  tunnelUsed(): void {
    this.loop.setDeadline(this, this.limits.tunnel_timeout);
  }

  resume(): void {
    this.onReady();
  }

  exchangeFinished(close: boolean): void {
    const exchange = this.#exchange ?? undefined;
    this.#exchange = null;
    this.endRequest(undefined, exchange);
    if (close || this.context.isStopping) return this.end();
    this.loop.setDeadline(this, this.limits.client_idle_timeout);
    this.onReady();
  }

  /** Bytes that are not HTTP: nothing after them can be trusted. */
  #refuse(status: number): void {
    const hasResponded = this.#exchange?.hasResponded;
    this.#exchange?.abandon();
    // A response that began already cannot be taken back.
    if (hasResponded) return this.cut();
    this.answer(status, this.current?.method === "HEAD", true, this.responseLines);
    this.exchangeFinished(true);
  }

  override cut(): void {
    this.#isCut = true;
    super.cut();
  }

  protected override onHangup(): void {
    // What came before the end of a tunnel is still passed on.
    if (this.#exchange !== null && !this.#isTunnel) this.close();
  }

  protected override onDrained(): void {
    if (this.isEnding) this.end();
    else if (this.#http2 !== null) this.#http2.transportDrained();
    else this.#exchange?.clientDrained();
  }

  override onTimeout(): void {
    if (this.isBlocked || this.stream.finishesLater) {
      // The kernel's buffer may take minutes of a slow client's time: what counts is that he takes something.
      const acknowledged = this.stream.acknowledged();
      if (acknowledged === this.#acknowledged) return this.cut();
      this.#acknowledged = acknowledged;
      return this.loop.setDeadline(this, this.limits.client_idle_timeout);
    }
    if (this.#isHandshaking) return this.giveUp("it took too long");
    if (this.isEnding || this.#isTunnel) return this.close();
    if (this.#http2 !== null) {
      if (!this.#http2.isIdle) return this.#postponeHttp2();
      this.#http2.refuseMore();
      return this.end();
    }
    if (this.current === null) {
      // Nothing of a request came: there is nobody to tell.
      return !this.holdsBytes && this.#preface === null ? this.close() : this.#refuse(408);
    }
    if (!this.body.isDone && this.#exchange?.takesBody) this.#refuse(408);
    else this.loop.setDeadline(this, this.limits.client_idle_timeout);
  }

  override close(): void {
    if (!this.isOpen) return;
    super.close();
    this.context.handshakes.end(this);
    this.context.clients.delete(this);
    this.context.table.clients(-1);
    const exchange = this.#exchange ?? undefined;
    this.#exchange = null;
    exchange?.abandon();
    this.endRequest(this.#isTunnel ? "tunnel" : this.#isCut ? "cut" : "client_gone", exchange);
    this.#http2?.closed();
  }
}
