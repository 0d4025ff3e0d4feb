/** A client's HTTP/1 connection: requests in, one at a time, responses out in their order; or a tunnel. */
import type { Config } from "../config/schema.ts";
import type { Ending } from "./access_log/line.ts";
import type { AccessLog } from "./access_log/access_log.ts";
import type { Dispatcher } from "./app.ts";
import type { BackEndTable } from "./back_end_table.ts";
import type { ClientIdentity, IdentityRules } from "./client_identity.ts";
import { INPUT, OUTPUT, READS_A_TURN } from "./connection.ts";
import type { ErrorPage } from "./error_pages.ts";
import { type Downstream, Exchange } from "./exchange.ts";
import { giveBack, type HeadBlock } from "./head_block.ts";
import { IncomingBody } from "./http1/body.ts";
import { encodeLatin1 } from "./http1/latin1.ts";
import { writeAnswer } from "../speederize/answer.ts";
import type { Speederizer } from "../speederize/speederizer.ts";
import { BadMessage } from "./http1/syntax.ts";
import { errorResponse } from "./http1/write.ts";
import type { EventLoop } from "./loop.ts";
import { type RequestHead, UNKNOWN_LENGTH } from "./message.ts";
import type { Handshaking, PendingHandshakes } from "./pending_handshakes.ts";
import type { Pool } from "./pool.ts";
import type { RateLimiter } from "./rate_limiter.ts";
import type { RequestIds } from "./request_ids.ts";
import { RequestConnection } from "./request_connection.ts";
import { FAILED, type Stream, WOULD_BLOCK } from "./stream.ts";

const HTTPS_PORT = 443;
/** Once the server stops, an idle connection has so long to begin a request, ms: it may be on its way. */
const LAST_REQUEST_MS = 500;

/** What every client connection of a server shares. */
export interface ClientContext {
  readonly loop: EventLoop;
  readonly limits: Config["proxy"];
  readonly dispatcher: Dispatcher;
  readonly table: BackEndTable;
  readonly clients: Set<ClientConnection>;
  readonly mostClients: number;
  /** Fields of ours in every response over TLS, each with its CR LF. */
  readonly tlsLines: string;
  /** Of TLS connections. */
  readonly handshakes: PendingHandshakes;
  /** Clients are asked for certificates. */
  readonly asksForCertificates: boolean;
  /** Port of HTTPS where plain HTTP is only told of it. */
  readonly redirectPort: number | undefined;
  readonly log: AccessLog | null;
  readonly requestIds: RequestIds | null;
  readonly errorPages: ReadonlyMap<number, ErrorPage>;
  /** Null where no proxy before us is believed. */
  readonly identityRules: IdentityRules | null;
  readonly limiter: RateLimiter | null;
  /** True while the server takes no more requests. */
  isStopping: boolean;
}

export class ClientConnection extends RequestConnection implements Downstream, Handshaking {
  responseLines: string;
  requestLines: string;
  readonly #redirectPort: number | undefined;
  #context: ClientContext;
  #request: RequestHead | null = null;
  #body = new IncomingBody();
  /** Bytes of the body so far. */
  #bodyBytes = 0;
  #exchange: Exchange | null = null;
  #isTaking = false;
  /** Bytes that the client had acknowledged when its time was over and he had not taken all. */
  #acknowledged = -1;
  #isHandshaking = false;
  /** It went over to another protocol. */
  #isTunnel = false;
  /** The client will send no more through the tunnel. */
  #hasEnded = false;
  /** For the log: when the head of the request was there, on the loop's clock. */
  #startedAt = 0;
  /** Of our own answer to it; 0 without. */
  #ownStatus = 0;
  #isCut = false;
  /** Whose request is counted as under way; 0 for nobody's. */
  #network = 0;
  #requestId = "";

  constructor(context: ClientContext, stream: Stream, readonly identity: ClientIdentity) {
    super(context.loop, stream, context.limits, identity.isTrusted);
    this.#context = context;
    this.responseLines = identity.isTls ? context.tlsLines : "";
    this.requestLines = identity.lines;
    this.#redirectPort = identity.isTls ? undefined : context.redirectPort;
    context.clients.add(this);
    context.table.clients(1);
    if (identity.isTls) {
      this.#isHandshaking = true;
      context.handshakes.begin(this);
      this.loop.setDeadline(this, context.handshakes.timeout);
    } else this.loop.setDeadline(this, context.limits.head_timeout);
  }

  /** The handshake is over. */
  established(): void {
    this.#context.handshakes.end(this);
    this.#isHandshaking = false;
    this.loop.setDeadline(this, this.#context.isStopping ? LAST_REQUEST_MS : this.limits.head_timeout);
  }

  giveUp(why: string): void {
    this.stream.giveUpHandshake(why);
    this.close();
  }

  get mayKeepAlive(): boolean {
    return this.#request!.keepAlive && !this.#context.isStopping;
  }

  /** Of the request being served, for the routes. */
  get request(): RequestHead {
    return this.#request!;
  }

  get requestTrailers(): HeadBlock | null {
    return this.#body.trailers;
  }

  /** The server stops: ends the connection if no request is on its way. One that is idle has a moment for a request that is. */
  endIfIdle(): void {
    if (this.isEnding || this.#isTunnel) return;
    if (this.#request === null) {
      this.expectBytes();
      this.onReady();
    }
    if (!this.isOpen || this.#request !== null) return;
    if (this.isBlocked) this.end();
    else if (!this.holdsBytes) this.loop.setDeadline(this, LAST_REQUEST_MS);
  }

  /** The server ends: what is not sent will not be, and must not look whole. */
  endNow(): void {
    // A tunnel has no length that it could fall short of.
    const isCutShort = !this.#isTunnel && (this.#request !== null || this.isBlocked);
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
    if (this.#request === null) return this.readRequest();
    return this.#isTunnel ? this.#takeTunnel() : this.#takeBody();
  }

  protected override takeRequest(
    request: RequestHead,
    bytes: Uint8Array<ArrayBuffer>,
    bodyAt: number,
    end: number,
  ): void {
    this.#request = request;
    this.#startedAt = this.loop.now;
    this.#name(request);
    this.#checkBodyLength(request.bodyLength);
    this.#bodyBytes = 0;
    this.#body.begin(request.bodyLength, request.bodyLength === UNKNOWN_LENGTH);
    const dataEnd = this.#takeOfBody(bytes, bodyAt, end);
    const firstBody = dataEnd > bodyAt ? bytes.slice(bodyAt, dataEnd) : undefined;
    this.#context.table.request(false);
    if (this.#context.limiter !== null && !this.#mayEnter(this.#context.limiter)) return;
    if (this.#redirectPort !== undefined) return this.#redirectToHttps(request, this.#redirectPort);
    this.#context.dispatcher.dispatch(this, firstBody);
  }

  /** False when its network asks too often, or too much at a time: it is told so. */
  #mayEnter(limiter: RateLimiter): boolean {
    const network = limiter.networkOf(this.identity.client);
    if (limiter.enter(network, this.loop.now)) {
      this.#network = network;
      return true;
    }
    this.#context.table.limited();
    this.#answerOurselves(429, `retry-after: 1\r\n${this.responseLines}`);
    return false;
  }

  /** Fields of ours for this request: those of the client may have changed with a handshake that ended. */
  #name(request: RequestHead): void {
    const { requestIds, tlsLines } = this.#context;
    this.requestLines = this.identity.linesFor(request);
    if (requestIds === null) return;
    this.#requestId = requestIds.next(request.block);
    const line = `${requestIds.field}: ${this.#requestId}\r\n`;
    this.requestLines += line;
    this.responseLines = this.identity.isTls ? tlsLines + line : line;
  }

  #checkBodyLength(bytes: number): void {
    const { max_body_bytes } = this.limits;
    if (max_body_bytes > 0 && bytes > max_body_bytes) throw new BadMessage(413, "body too long");
  }

  /** Takes the body's part of the bytes, keeps what follows it, and returns where the data ends, which begins at `start`. */
  #takeOfBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
    const dataEnd = this.#body.take(bytes, start, end);
    this.#bodyBytes += dataEnd - start;
    this.#checkBodyLength(this.#bodyBytes);
    const { consumed } = this.#body;
    if (consumed < end) this.hold(bytes, consumed, end);
    return dataEnd;
  }

  /** Called by the route of the request. */
  forward(pool: Pool, firstBody: Uint8Array<ArrayBuffer> | undefined): void {
    if (pool.speed !== null && this.#answerFromCache(pool.speed, pool.responseRules?.lines ?? "")) return;
    const { loop, table } = this.#context;
    const exchange = new Exchange(loop, table, this, this.#request!, pool, firstBody, this.#body.isDone);
    this.#exchange = exchange;
    if (!this.#body.isDone) this.loop.setDeadline(this, this.limits.body_timeout);
    exchange.start();
  }

  /** False when a back end must be asked. */
  #answerFromCache(speed: Speederizer, lines: string): boolean {
    const request = this.#request!;
    const answer = this.#body.isDone ? speed.answer(request, this.identity, Date.now()) : null;
    if (answer === null) return false;
    const close = !this.mayKeepAlive;
    const connection = close ? "connection: close\r\n" : request.isHttp11 ? "" : "connection: keep-alive\r\n";
    const length = writeAnswer(answer, this.responseLines + lines + connection, OUTPUT);
    const { body } = answer.page;
    const hasBody = request.method !== "HEAD" && !answer.isUnchanged;
    if (hasBody && length + body.length <= OUTPUT.length) {
      OUTPUT.set(body, length);
      this.send(OUTPUT, length + body.length);
    } else {
      this.send(OUTPUT, length);
      if (hasBody) this.send(body, body.length);
    }
    this.#ownStatus = answer.isUnchanged ? 304 : 200;
    this.exchangeFinished(close);
    return true;
  }

  #takeBody(): boolean {
    if (this.#exchange === null || this.#body.isDone || !this.#exchange.takesBody) return false;
    const count = this.readOrClose();
    if (count <= 0) return false;
    this.loop.setDeadline(this, this.limits.body_timeout);
    const dataEnd = this.#takeOfBody(INPUT, 0, count);
    this.#exchange.requestBody(INPUT, 0, dataEnd, this.#body.isDone);
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
    if (this.#context.log !== null) this.#log(this.#ownStatus > 0 ? "own_answer" : "done");
    this.#exchange = null;
    this.#dropRequest();
    if (close || this.#context.isStopping) return this.end();
    this.loop.setDeadline(this, this.limits.client_idle_timeout);
    this.onReady();
  }

  #log(ending: Ending): void {
    const { identity } = this;
    const request = this.#request ?? undefined;
    const exchange = this.#exchange ?? undefined;
    const status = this.#ownStatus > 0 ? this.#ownStatus : exchange?.status ?? 0;
    const startedAt = request === undefined ? this.loop.now : this.#startedAt;
    this.#context.log!.write(
      identity,
      request,
      exchange,
      status,
      request === undefined ? 0 : this.#bodyBytes,
      startedAt,
      ending,
      this.#requestId,
    );
    this.#ownStatus = 0;
  }

  #dropRequest(): void {
    const request = this.#request;
    if (request === null) return;
    this.#request = null;
    giveBack(request.block);
    if (this.#network === 0) return;
    this.#context.limiter!.leave(this.#network);
    this.#network = 0;
  }

  fail(status: number): void {
    this.#answerOurselves(status, this.responseLines);
  }

  redirect(status: number, location: string): void {
    this.#answerOurselves(status, `location: ${location}\r\n${this.responseLines}`);
  }

  /** To the same place by HTTPS; a method other than GET and HEAD must stay what it is (RFC 9110 section 15.4.9). */
  #redirectToHttps({ method, host, target }: RequestHead, port: number): void {
    const name = host.replace(/:[0-9]*$/, "");
    const location = `https://${name}${port === HTTPS_PORT ? "" : `:${port}`}${target === "*" ? "/" : target}`;
    // Without a Host nobody knows where to.
    if (name === "") return this.fail(400);
    this.redirect(method === "GET" || method === "HEAD" ? 301 : 308, location);
  }

  #answerOurselves(status: number, lines: string): void {
    const close = !this.mayKeepAlive || !this.#body.isDone;
    const keeps = !close && !this.#request!.isHttp11 ? "connection: keep-alive\r\n" : "";
    this.#answer(status, this.#request!.method === "HEAD", close, lines + keeps);
    this.exchangeFinished(close);
  }

  /** Bytes that are not HTTP: nothing after them can be trusted. */
  #refuse(status: number): void {
    const hasResponded = this.#exchange?.hasResponded;
    this.#exchange?.abandon();
    // A response that began already cannot be taken back.
    if (hasResponded) return this.cut();
    this.#answer(status, this.#request?.method === "HEAD", true, this.responseLines);
    this.exchangeFinished(true);
  }

  #answer(status: number, isHead: boolean, close: boolean, lines: string): void {
    const { table, errorPages } = this.#context;
    table.request(true);
    this.#ownStatus = status;
    this.send(OUTPUT, encodeLatin1(errorResponse(status, isHead, close, lines, errorPages.get(status)), OUTPUT, 0));
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
    else this.#exchange?.clientDrained();
  }

  override onTimeout(): void {
    if (this.isBlocked) {
      // The kernel's buffer may take minutes of a slow client's time: what counts is that he takes something.
      const acknowledged = this.stream.acknowledged();
      if (acknowledged === this.#acknowledged) return this.cut();
      this.#acknowledged = acknowledged;
      return this.loop.setDeadline(this, this.limits.client_idle_timeout);
    }
    if (this.#isHandshaking) return this.giveUp("it took too long");
    if (this.isEnding || this.#isTunnel) return this.close();
    if (this.#request === null) {
      // Nothing of a request came: there is nobody to tell.
      return !this.holdsBytes ? this.close() : this.#refuse(408);
    }
    if (!this.#body.isDone && this.#exchange?.takesBody) this.#refuse(408);
    else this.loop.setDeadline(this, this.limits.client_idle_timeout);
  }

  override close(): void {
    if (!this.isOpen) return;
    super.close();
    if (this.#request !== null && this.#context.log !== null) {
      this.#log(this.#isTunnel ? "tunnel" : this.#isCut ? "cut" : "client_gone");
    }
    this.#context.handshakes.end(this);
    this.#context.clients.delete(this);
    this.#context.table.clients(-1);
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.abandon();
    this.#dropRequest();
  }
}
