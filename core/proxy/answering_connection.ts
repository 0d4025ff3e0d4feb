/** A client's connection as far as it answers itself: error pages, redirects, cached pages; and what it keeps of a request for log and limits. */
import { writeAnswer } from "../speederize/answer.ts";
import type { Speederizer } from "../speederize/speederizer.ts";
import type { Ending, LoggedExchange } from "./access_log/line.ts";
import type { Config } from "../config/schema.ts";
import type { ClientContext } from "./client_context.ts";
import type { ClientIdentity } from "./client_identity.ts";
import { OUTPUT } from "./connection.ts";
import { IncomingBody } from "./http1/body.ts";
import { encodeLatin1 } from "./http1/latin1.ts";
import { errorResponse } from "./http1/write.ts";
import type { RequestHead } from "./message.ts";
import { RequestConnection } from "./request_connection.ts";
import { logUnread, type ServedRequest } from "./served_request.ts";
import type { Stream } from "./stream.ts";

const HTTPS_PORT = 443;

export abstract class AnsweringConnection extends RequestConnection {
  protected served: ServedRequest | null = null;
  protected readonly body = new IncomingBody();

  constructor(protected readonly context: ClientContext, stream: Stream, readonly identity: ClientIdentity) {
    super(context.loop, stream, identity.isTrusted);
  }

  /** Fields of ours, each with its CR LF: in responses, and in requests to back ends. */
  get responseLines(): string {
    return this.served?.responseLines ?? (this.identity.isTls ? this.context.tlsLines : "");
  }

  get requestLines(): string {
    return this.served!.requestLines;
  }

  protected get current(): RequestHead | null {
    return this.served === null ? null : this.served.head;
  }

  protected override get limits(): Config["proxy"] {
    return this.context.limits;
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

  /** False when its network asks too often: it is told so. */
  protected mayEnter(served: ServedRequest): boolean {
    if (served.mayEnter()) return true;
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
    this.served!.ownStatus = answer.isUnchanged ? 304 : 200;
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
    if (this.served === null) logUnread(this.context, this.identity, status);
    else this.served.ownStatus = status;
    this.send(OUTPUT, encodeLatin1(errorResponse(status, isHead, close, lines, errorPages.get(status)), OUTPUT, 0));
  }

  /**
   * The request is over.
   * @param ending undefined where it ended as it should
   * @param exchange where one was begun
   */
  protected endRequest(ending: Ending | undefined, exchange: LoggedExchange | undefined): void {
    const { served } = this;
    if (served === null) return;
    this.served = null;
    served.log(ending ?? (served.ownStatus > 0 ? "own_answer" : "done"), exchange);
    served.end();
  }
}
