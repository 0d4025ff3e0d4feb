/** A request of an HTTP/2 client, scheduled on its own: its stream stands to its exchange as an HTTP/1.1 connection does. */
import type { Ending } from "../access_log/line.ts";
import type { Dispatched } from "../app.ts";
import type { ClientContext } from "../client_context.ts";
import type { ClientIdentity } from "../client_identity.ts";
import type { Downstream } from "../downstream.ts";
import { Exchange } from "../exchange.ts";
import type { HeadBlock } from "../head_block.ts";
import { NO_BODY, type RequestHead } from "../message.ts";
import type { Pool } from "../pool.ts";
import { ServedRequest } from "../served_request.ts";
import { Timed } from "../timer_wheel.ts";
import { CANCEL, INTERNAL_ERROR } from "./codes.ts";
import { answerByPage, answerFromCache } from "./own_answers.ts";
import { Http2ResponseWriter } from "./response_writer.ts";
import type { ServerSession } from "./server_session.ts";
import type { Http2Stream } from "./stream.ts";

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
  #host: StreamHost;
  #stream: Http2Stream<ClientStream>;
  /** Null once it is over. */
  #served: ServedRequest | null;
  #exchange: Exchange | null = null;
  /** What of the body came while the back end took nothing. */
  #held: Uint8Array<ArrayBuffer>[] = [];
  /** The end of the body came behind what is held. */
  #owesEnd = false;
  #isBodyDone: boolean;
  /** What waited when the deadline was set. */
  #sendWindow = 0;

  constructor(host: StreamHost, stream: Http2Stream<ClientStream>, request: RequestHead) {
    super();
    this.#host = host;
    this.#stream = stream;
    const { context } = host;
    this.identity = host.identity.forStream();
    this.#served = new ServedRequest(context, this.identity, request);
    this.#isBodyDone = stream.isRemoteDone || request.bodyLength === NO_BODY;
    this.responses = new Http2ResponseWriter(host.session.sender, stream, () => host.written());
    if (request.upgrade !== "") this.#addWebSocketKey(this.#served);
    context.loop.setDeadline(this, this.#isBodyDone ? context.limits.client_idle_timeout : context.limits.body_timeout);
  }

  /** HTTP/2 has none: RFC 8441 section 5. */
  #addWebSocketKey(served: ServedRequest): void {
    served.head.block.removeAll("sec-websocket-key");
    const key = crypto.getRandomValues(new Uint8Array(WEBSOCKET_KEY_BYTES)).toBase64();
    served.requestLines += `sec-websocket-key: ${key}\r\n`;
  }

  /** Has the request served. */
  begin(): void {
    const { context } = this.#host;
    const served = this.#served!;
    context.table.request(false);
    const { max_body_bytes } = context.limits;
    if (max_body_bytes > 0 && served.head.bodyLength > max_body_bytes) return this.fail(413);
    if (served.mayEnter()) context.dispatcher.dispatch(this, undefined);
    else this.#answer(429, "retry-after: 1\r\n");
  }

  get request(): RequestHead {
    return this.#served!.head;
  }

  get requestLines(): string {
    return this.#served!.requestLines;
  }

  get responseLines(): string {
    return this.#served!.responseLines;
  }

  get requestTrailers(): HeadBlock | null {
    return this.#stream.trailers;
  }

  get isBlocked(): boolean {
    return this.#stream.isWaiting || this.#host.isBlocked;
  }

  forward(pool: Pool): void {
    // WebSocket is for back ends of HTTP/1.1.
    if (pool.isHttp2 && this.wantsTunnel) return this.fail(501);
    const served = this.#served!;
    const { context, session } = this.#host;
    if (pool.speed !== null && this.#isBodyDone) {
      const lines = pool.responseRules?.lines ?? "";
      if (answerFromCache(session.sender, this.#stream, served, pool.speed, lines)) return this.#answered();
    }
    const { loop, table } = context;
    this.#exchange = new Exchange(loop, table, this, served.head, pool, undefined, this.#isBodyDone);
    this.#exchange.start();
  }

  fail(status: number): void {
    this.#answer(status, "");
  }

  redirect(status: number, location: string): void {
    this.#answer(status, `location: ${location}\r\n`);
  }

  /** @param lines further fields, each with its CR LF */
  #answer(status: number, lines: string): void {
    const { context, session } = this.#host;
    context.table.request(true);
    const served = this.#served!;
    answerByPage(session.sender, this.#stream, context, served, status, lines + served.responseLines);
    this.#answered();
  }

  #answered(): void {
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
    const served = this.#served!;
    served.bodyBytes += end - start;
    const { max_body_bytes, body_timeout } = this.#host.context.limits;
    if (!wantsTunnel) {
      this.#isBodyDone = isLast;
      this.#host.context.loop.setDeadline(this, body_timeout);
      if (max_body_bytes > 0 && served.bodyBytes > max_body_bytes) return this.#refuse(413);
    }
    if (this.#held.length === 0 && this.#mayPass(exchange)) return this.#pass(exchange, bytes, start, end, isLast);
    if (end > start) this.#held.push(bytes.slice(start, end));
    this.#owesEnd = isLast;
  }

  /** It is the client's half of a WebSocket, or will be. */
  get wantsTunnel(): boolean {
    return this.#served?.head.upgrade !== "";
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
    this.#leave(this.#served !== null && this.#served.ownStatus > 0 ? "own_answer" : "done");
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
    const served = this.#served;
    if (served === null) return;
    served.log(ending, this.#exchange ?? undefined);
    this.#exchange = null;
    this.#served = null;
    for (const piece of this.#held.splice(0)) this.#host.session.consumed(this.#stream, piece.length);
    // It may have been the last thing to wait for.
    if (this.#stream.isClosed) this.#host.context.loop.clearDeadline(this);
    served.end();
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
