/** A request of an HTTP/2 client, scheduled on its own: its stream stands to its exchange as an HTTP/1.1 connection does. */
import type { Ending } from "../access_log/line.ts";
import type { Dispatched } from "../app.ts";
import type { ClientContext } from "../client_context.ts";
import type { ClientIdentity } from "../client_identity.ts";
import { OUTPUT } from "../connection.ts";
import type { Downstream } from "../downstream.ts";
import { Exchange } from "../exchange.ts";
import { giveBack, HeadBlock } from "../head_block.ts";
import { encodeLatin1 } from "../http1/latin1.ts";
import { errorResponse } from "../http1/write.ts";
import { NO_BODY, type RequestHead } from "../message.ts";
import type { Pool } from "../pool.ts";
import { writeAnswer } from "../../speederize/answer.ts";
import type { Speederizer } from "../../speederize/speederizer.ts";
import type { RateLimiter } from "../rate_limiter.ts";
import { Timed } from "../timer_wheel.ts";
import { CANCEL, INTERNAL_ERROR } from "./codes.ts";
import { Http2ResponseWriter } from "./response_writer.ts";
import type { ServerSession } from "./server_session.ts";
import type { Http2Stream } from "./stream.ts";

/** Heads of our own answers. */
const OWN = new HeadBlock(OUTPUT);
const WEBSOCKET_KEY_BYTES = 16;

/** The connection of a stream. */
export interface StreamHost {
  readonly context: ClientContext;
  readonly identity: ClientIdentity;
  readonly session: ServerSession<ClientStream>;
  readonly isBlocked: boolean;
  /** There is something to send. */
  written(): void;
  /** The stream's time is over: nothing of what waits was taken. */
  slowWindow(): void;
  onDefect(error: unknown): void;
}

export class ClientStream extends Timed implements Downstream, Dispatched {
  readonly responses: Http2ResponseWriter<ClientStream>;
  readonly identity: ClientIdentity;
  requestLines: string;
  responseLines: string;
  #host: StreamHost;
  #stream: Http2Stream<ClientStream>;
  #request: RequestHead | null;
  #exchange: Exchange | null = null;
  /** What of the body came while the back end took nothing. */
  #held: Uint8Array<ArrayBuffer>[] = [];
  /** The end of the body came behind what is held. */
  #owesEnd = false;
  #bodyBytes = 0;
  #isBodyDone: boolean;
  #startedAt: number;
  #requestId = "";
  #ownStatus = 0;
  /** Of the limiter that let it in; 0 without. */
  #network = 0;
  /** What waited when the deadline was set. */
  #sendWindow = 0;

  constructor(host: StreamHost, stream: Http2Stream<ClientStream>, request: RequestHead) {
    super();
    this.#host = host;
    this.#stream = stream;
    this.#request = request;
    const { context } = host;
    const identity = this.identity = host.identity.forStream();
    this.#startedAt = context.loop.now;
    this.#isBodyDone = stream.isRemoteDone || request.bodyLength === NO_BODY;
    this.responses = new Http2ResponseWriter(host.session.sender, stream, () => host.written());
    this.responseLines = identity.isTls ? context.tlsLines : "";
    this.requestLines = identity.linesFor(request);
    this.#name(request);
    context.loop.setDeadline(this, this.#isBodyDone ? context.limits.client_idle_timeout : context.limits.body_timeout);
  }

  /** Fields of ours for this request. */
  #name({ block, upgrade }: RequestHead): void {
    const { requestIds } = this.#host.context;
    if (requestIds !== null) {
      this.#requestId = requestIds.next(block);
      const line = `${requestIds.field}: ${this.#requestId}\r\n`;
      this.requestLines += line;
      this.responseLines += line;
    }
    if (upgrade === "") return;
    // HTTP/2 has none: RFC 8441 section 5.
    block.removeAll("sec-websocket-key");
    const key = crypto.getRandomValues(new Uint8Array(WEBSOCKET_KEY_BYTES)).toBase64();
    this.requestLines += `sec-websocket-key: ${key}\r\n`;
  }

  /** Has the request served. */
  begin(): void {
    const { context } = this.#host;
    const request = this.#request!;
    context.table.request(false);
    const { max_body_bytes } = context.limits;
    if (max_body_bytes > 0 && request.bodyLength > max_body_bytes) return this.fail(413);
    if (context.limiter !== null && !this.#mayEnter(context.limiter)) return;
    context.dispatcher.dispatch(this, undefined);
  }

  /** False when its network asks too often, or too much at a time: it is told so. */
  #mayEnter(limiter: RateLimiter): boolean {
    const { table, loop } = this.#host.context;
    const network = limiter.networkOf(this.identity.client);
    if (limiter.enter(network, loop.now)) {
      this.#network = network;
      return true;
    }
    table.limited();
    table.request(true);
    this.#answerByPage(429, `retry-after: 1\r\n${this.responseLines}`);
    return false;
  }

  get request(): RequestHead {
    return this.#request!;
  }

  get requestTrailers(): HeadBlock | null {
    return this.#stream.trailers;
  }

  get isBlocked(): boolean {
    return this.#stream.isWaiting || this.#host.isBlocked;
  }

  forward(pool: Pool): void {
    if (pool.speed !== null && this.#answerFromCache(pool.speed, pool.responseRules?.lines ?? "")) return;
    // WebSocket is for back ends of HTTP/1.1.
    if (pool.isHttp2 && this.wantsTunnel) return this.fail(501);
    const { loop, table } = this.#host.context;
    this.#exchange = new Exchange(loop, table, this, this.#request!, pool, undefined, this.#isBodyDone);
    this.#exchange.start();
  }

  /** False when a back end must be asked. */
  #answerFromCache(speed: Speederizer, lines: string): boolean {
    const request = this.#request!;
    const answer = this.#isBodyDone ? speed.answer(request, this.identity, Date.now()) : null;
    if (answer === null) return false;
    // Without the empty line.
    OWN.end = writeAnswer(answer, this.responseLines + lines, OUTPUT) - 2;
    const { body } = answer.page;
    this.#answer(answer.isUnchanged ? 304 : 200, request.method === "HEAD" || answer.isUnchanged ? null : body);
    return true;
  }

  fail(status: number): void {
    this.#host.context.table.request(true);
    this.#answerByPage(status, this.responseLines);
  }

  redirect(status: number, location: string): void {
    this.#host.context.table.request(true);
    this.#answerByPage(status, `location: ${location}\r\n${this.responseLines}`);
  }

  #answerByPage(status: number, lines: string): void {
    const isHead = this.#request?.method === "HEAD";
    const [head, page] = errorPage(status, lines, this.#host);
    OWN.end = encodeLatin1(head, OUTPUT, 0);
    this.#answer(status, isHead ? null : page);
  }

  /** With the head in {@linkcode OWN}. */
  #answer(status: number, body: Uint8Array<ArrayBuffer> | null): void {
    const { sender } = this.#host.session;
    this.#ownStatus = status;
    if (!this.#stream.isClosed) {
      const isLast = body === null || body.length === 0;
      sender.head(this.#stream, status, OWN, isLast);
      if (!isLast) sender.body(this.#stream, body, 0, body.length, true, null);
    }
    this.#host.written();
    this.exchangeFinished();
  }

  /** A piece of the body came. */
  takeBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    const exchange = this.#exchange;
    const { wantsTunnel } = this;
    if (exchange === null || this.#isBodyDone && !wantsTunnel) {
      return this.#host.session.consumed(this.#stream, end - start);
    }
    this.#bodyBytes += end - start;
    const { max_body_bytes, body_timeout } = this.#host.context.limits;
    if (!wantsTunnel) {
      this.#isBodyDone = isLast;
      this.#host.context.loop.setDeadline(this, body_timeout);
      if (max_body_bytes > 0 && this.#bodyBytes > max_body_bytes) return this.#refuse(413);
    }
    if (this.#held.length === 0 && this.#mayPass(exchange)) return this.#pass(exchange, bytes, start, end, isLast);
    if (end > start) this.#held.push(bytes.slice(start, end));
    this.#owesEnd = isLast;
  }

  /** It is the client's half of a WebSocket, or will be. */
  get wantsTunnel(): boolean {
    return this.#request?.upgrade !== "";
  }

  #mayPass(exchange: Exchange): boolean {
    return exchange.takesBody && (exchange.isTunnel || !this.wantsTunnel);
  }

  #pass(exchange: Exchange, bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    if (exchange.tunnel === null) exchange.requestBody(bytes, start, end, isLast);
    else {
      this.tunnelUsed();
      if (end > start) exchange.tunnel.backEnd.send(start === 0 ? bytes : bytes.subarray(start), end - start);
      if (isLast) exchange.tunnel.clientEnded();
    }
    this.#host.session.consumed(this.#stream, end - start);
    this.#host.written();
  }

  /** A request whose body breaks a rule of ours. */
  #refuse(status: number): void {
    const hasResponded = this.#exchange?.hasResponded;
    this.#exchange?.abandon();
    if (hasResponded) this.cut();
    else this.fail(status);
  }

  /** The back end takes bytes again. */
  resume(): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    while (this.#exchange === exchange && this.#mayPass(exchange) && (this.#held.length > 0 || this.#owesEnd)) {
      const piece = this.#held.shift() ?? NOTHING;
      const isLast = this.#owesEnd && this.#held.length === 0;
      if (isLast) this.#owesEnd = false;
      this.#pass(exchange, piece, 0, piece.length, isLast);
    }
  }

  beginTunnel(): void {
    this.#stream.isTunnel = true;
    this.tunnelUsed();
    this.resume();
  }

  tunnelUsed(): void {
    this.#host.context.loop.setDeadline(this, this.#host.context.limits.tunnel_timeout);
  }

  /** The back end's bytes through the tunnel. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.#host.session.sender.body(this.#stream, bytes, 0, length, false, null);
    this.#host.written();
  }

  /** The back end will send no more through the tunnel. */
  finish(): void {
    this.#host.session.sender.body(this.#stream, NOTHING, 0, 0, true, null);
    this.#host.written();
  }

  /** Both sides of the tunnel are done. */
  close(): void {
    this.#endBy("tunnel", CANCEL);
  }

  exchangeFinished(): void {
    this.#leave(this.#ownStatus > 0 ? "own_answer" : "done");
    const { loop, limits } = this.#host.context;
    if (this.#stream.isWaiting) this.#watchWindow();
    else if (!this.#stream.isClosed) loop.setDeadline(this, limits.client_idle_timeout);
  }

  /** The response cannot be completed. */
  cut(code = INTERNAL_ERROR): void {
    this.#endBy("cut", code);
  }

  #endBy(ending: Ending, code: number): void {
    this.#host.session.reset(this.#stream, code);
    this.#host.written();
    const exchange = this.#exchange;
    this.#leave(ending);
    this.#host.context.loop.clearDeadline(this);
    exchange?.abandon();
  }

  /** The client, or its connection, is gone. */
  abandon(): void {
    const exchange = this.#exchange;
    this.#leave(exchange?.isTunnel ? "tunnel" : "client_gone");
    this.#host.context.loop.clearDeadline(this);
    exchange?.abandon();
  }

  /** Nothing of it is left but what waits to be sent. */
  #leave(ending: Ending): void {
    const request = this.#request;
    if (request === null) return;
    const { log, loop } = this.#host.context;
    const exchange = this.#exchange ?? undefined;
    log?.write({
      client: this.identity,
      head: request,
      exchange,
      status: this.#ownStatus > 0 ? this.#ownStatus : exchange?.status ?? 0,
      bytesIn: this.#bodyBytes,
      startedAt: this.#startedAt,
      ending,
      id: this.#requestId,
    });
    this.#exchange = null;
    this.#request = null;
    for (const piece of this.#held.splice(0)) this.#host.session.consumed(this.#stream, piece.length);
    // It may have been the last thing to wait for.
    if (this.#stream.isClosed) loop.clearDeadline(this);
    giveBack(request.block);
    if (this.#network === 0) return;
    this.#host.context.limiter!.leave(this.#network);
    this.#network = 0;
  }

  /** The client takes bytes again. */
  drained(): void {
    if (this.#stream.isClosed) this.#host.context.loop.clearDeadline(this);
    this.#exchange?.clientDrained();
  }

  #watchWindow(): void {
    this.#sendWindow = this.#stream.waitingBytes;
    this.#host.context.loop.setDeadline(this, this.#host.context.limits.client_idle_timeout);
  }

  override onTimeout(): void {
    const stream = this.#stream;
    if (stream.isClosed) return;
    if (stream.isWaiting) {
      if (stream.waitingBytes !== this.#sendWindow) return this.#watchWindow();
      this.#host.slowWindow();
      return this.#endBy("cut", CANCEL);
    }
    if (stream.isTunnel) return this.close();
    if (!this.#isBodyDone && this.#exchange?.takesBody) return this.#refuse(408);
    if (this.#exchange === null) return this.#endBy("cut", CANCEL);
    this.#host.context.loop.setDeadline(this, this.#host.context.limits.client_idle_timeout);
  }

  override onDefect(error: unknown): void {
    this.#host.onDefect(error);
  }
}

const NOTHING = new Uint8Array(0);

/** Head without the empty line, and page. */
export function errorPage(status: number, lines: string, { context }: StreamHost): [string, Uint8Array<ArrayBuffer>] {
  const text = errorResponse(status, false, false, lines, context.errorPages.get(status));
  const end = text.indexOf("\r\n\r\n") + 2;
  const page = new Uint8Array(text.length - end - 2);
  encodeLatin1(text.slice(end + 2), page, 0);
  return [text.slice(0, end), page];
}
