/** A client's connection as far as it answers itself: error pages, redirects, cached pages; and what it keeps of a request for log and limits. */
import { writeAnswer } from "../speederize/answer.ts";
import type { Speederizer } from "../speederize/speederizer.ts";
import type { Ending, LoggedExchange } from "./access_log/line.ts";
import type { ClientContext } from "./client_context.ts";
import type { ClientIdentity } from "./client_identity.ts";
import { OUTPUT } from "./connection.ts";
import { giveBack } from "./head_block.ts";
import { IncomingBody } from "./http1/body.ts";
import { encodeLatin1 } from "./http1/latin1.ts";
import { errorResponse } from "./http1/write.ts";
import type { RequestHead } from "./message.ts";
import type { RateLimiter } from "./rate_limiter.ts";
import { RequestConnection } from "./request_connection.ts";
import type { Stream } from "./stream.ts";

const HTTPS_PORT = 443;

export abstract class AnsweringConnection extends RequestConnection {
  /** Fields of ours, each with its CR LF: in responses, and in requests to back ends. */
  responseLines: string;
  requestLines: string;
  protected current: RequestHead | null = null;
  protected readonly body = new IncomingBody();
  /** Bytes of the body so far. */
  protected bodyBytes = 0;
  /** For the log: when the head of the request was there, on the loop's clock. */
  #startedAt = 0;
  /** Of our own answer to it; 0 without. */
  #ownStatus = 0;
  /** Whose request is counted as under way; 0 for nobody's. */
  #network = 0;
  #requestId = "";

  constructor(protected readonly context: ClientContext, stream: Stream, readonly identity: ClientIdentity) {
    super(context.loop, stream, context.limits, identity.isTrusted);
    this.responseLines = identity.isTls ? context.tlsLines : "";
    this.requestLines = identity.lines;
  }

  /** The request is answered; the connection ends with it when `close` is set. */
  abstract exchangeFinished(close: boolean): void;

  get mayKeepAlive(): boolean {
    return this.current!.keepAlive && !this.context.isStopping;
  }

  /** Of the request being served, for the routes. */
  get request(): RequestHead {
    return this.current!;
  }

  protected beginRequest(request: RequestHead): void {
    this.current = request;
    this.#startedAt = this.loop.now;
    this.#name(request);
  }

  /** Fields of ours for this request: those of the client may have changed with a handshake that ended. */
  #name(request: RequestHead): void {
    const { requestIds, tlsLines } = this.context;
    this.requestLines = this.identity.linesFor(request);
    if (requestIds === null) return;
    this.#requestId = requestIds.next(request.block);
    const line = `${requestIds.field}: ${this.#requestId}\r\n`;
    this.requestLines += line;
    this.responseLines = this.identity.isTls ? tlsLines + line : line;
  }

  /** False when its network asks too often, or too much at a time: it is told so. */
  protected mayEnter(limiter: RateLimiter): boolean {
    const network = limiter.networkOf(this.identity.client);
    if (limiter.enter(network, this.loop.now)) {
      this.#network = network;
      return true;
    }
    this.context.table.limited();
    this.#answerOurselves(429, `retry-after: 1\r\n${this.responseLines}`);
    return false;
  }

  /** False when a back end must be asked. */
  protected answerFromCache(speed: Speederizer, lines: string): boolean {
    const request = this.current!;
    const answer = this.body.isDone ? speed.answer(request, this.identity, Date.now()) : null;
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

  fail(status: number): void {
    this.#answerOurselves(status, this.responseLines);
  }

  redirect(status: number, location: string): void {
    this.#answerOurselves(status, `location: ${location}\r\n${this.responseLines}`);
  }

  /** To the same place by HTTPS; a method other than GET and HEAD must stay what it is (RFC 9110 section 15.4.9). */
  protected redirectToHttps({ method, host, target }: RequestHead, port: number): void {
    const name = host.replace(/:[0-9]*$/, "");
    const location = `https://${name}${port === HTTPS_PORT ? "" : `:${port}`}${target === "*" ? "/" : target}`;
    // Without a Host nobody knows where to.
    if (name === "") return this.fail(400);
    this.redirect(method === "GET" || method === "HEAD" ? 301 : 308, location);
  }

  #answerOurselves(status: number, lines: string): void {
    const close = !this.mayKeepAlive || !this.body.isDone;
    const keeps = !close && !this.current!.isHttp11 ? "connection: keep-alive\r\n" : "";
    this.answer(status, this.current!.method === "HEAD", close, lines + keeps);
    this.exchangeFinished(close);
  }

  protected answer(status: number, isHead: boolean, close: boolean, lines: string): void {
    const { table, errorPages } = this.context;
    table.request(true);
    this.#ownStatus = status;
    this.send(OUTPUT, encodeLatin1(errorResponse(status, isHead, close, lines, errorPages.get(status)), OUTPUT, 0));
  }

  /**
   * Writes the line of the request.
   * @param ending undefined where it ended as it should
   * @param exchange where one was begun
   */
  protected log(ending: Ending | undefined, exchange: LoggedExchange | undefined): void {
    const { identity } = this;
    const head = this.current ?? undefined;
    const isOwn = this.#ownStatus > 0;
    this.context.log!.write({
      client: identity,
      head,
      exchange,
      status: isOwn ? this.#ownStatus : exchange?.status ?? 0,
      bytesIn: head === undefined ? 0 : this.bodyBytes,
      startedAt: head === undefined ? this.loop.now : this.#startedAt,
      ending: ending ?? (isOwn ? "own_answer" : "done"),
      id: this.#requestId,
    });
    this.#ownStatus = 0;
  }

  protected dropRequest(): void {
    const request = this.current;
    if (request === null) return;
    this.current = null;
    giveBack(request.block);
    this.#requestId = "";
    if (this.#network === 0) return;
    this.context.limiter!.leave(this.#network);
    this.#network = 0;
  }
}
