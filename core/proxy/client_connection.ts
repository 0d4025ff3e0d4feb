/** A client's connection: requests in, one at a time, responses out in their order. */
import type { Config } from "../config/schema.ts";
import type { Dispatcher } from "./app.ts";
import type { BackEndTable } from "./back_end_table.ts";
import { Connection, INPUT, OUTPUT } from "./connection.ts";
import { type Downstream, Exchange } from "./exchange.ts";
import { IncomingBody } from "./http1/body.ts";
import { encodeLatin1 } from "./http1/latin1.ts";
import { type Http1Request, parseRequest } from "./http1/request.ts";
import { BadMessage, headEnd } from "./http1/syntax.ts";
import { errorResponse } from "./http1/write.ts";
import type { EventLoop } from "./loop.ts";
import { UNKNOWN_LENGTH } from "./message.ts";
import type { Pool } from "./pool.ts";
import { FAILED, type Stream, WOULD_BLOCK } from "./stream.ts";

/** After its last response a connection is read and ignored for so long, ms, lest a reset overtake the response. */
const LINGER_MS = 2_000;
const CR = 13;
const LF = 10;

/** What every client connection of a server shares. */
export interface ClientContext {
  readonly loop: EventLoop;
  readonly limits: Config["proxy"];
  readonly dispatcher: Dispatcher;
  readonly table: BackEndTable;
  readonly clients: Set<ClientConnection>;
  /** True while the server takes no more requests. */
  isStopping: boolean;
}

export class ClientConnection extends Connection implements Downstream {
  readonly identity: string;
  #context: ClientContext;
  /** Bytes that came and are not taken yet: the beginning of a head, or what follows a request. */
  #held: Uint8Array<ArrayBuffer> | null = null;
  /** {@linkcode #held} may hold a whole head. */
  #heldIsNew = false;
  #request: Http1Request | null = null;
  #body: IncomingBody | null = null;
  #exchange: Exchange | null = null;
  #isTaking = false;
  /** No further request: `drain` until everything is sent, then `linger` until the client closes. */
  #ending: "no" | "drain" | "linger" = "no";

  constructor(context: ClientContext, stream: Stream, peer: string, isTls: boolean) {
    super(context.loop, stream);
    this.#context = context;
    this.identity = `x-forwarded-for: ${peer}\r\nx-forwarded-proto: ${isTls ? "https" : "http"}\r\n`;
    context.clients.add(this);
    context.table.clients(1);
    this.loop.setDeadline(this, context.limits.head_timeout);
  }

  get mayKeepAlive(): boolean {
    return this.#request!.keepAlive && !this.#context.isStopping;
  }

  /** Of the request being served, for the routes. */
  get request(): Http1Request {
    return this.#request!;
  }

  /** Ends the connection if no request is on its way; the server stops. */
  endIfIdle(): void {
    if (this.#request === null) this.close();
  }

  protected override onReady(): void {
    // A response that is made at once ends here again.
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      while (this.isOpen && this.#takeSome());
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      this.#refuse(error.status);
    } finally {
      this.#isTaking = false;
    }
  }

  /** Takes what is there, if it may; false when there is nothing to do now. */
  #takeSome(): boolean {
    if (this.#ending === "linger") return this.#ignoreSome();
    if (this.#ending === "drain") return false;
    if (this.#request !== null) return this.#takeBody();
    // The client has not taken the last response: it can wait with its next request.
    if (this.isBlocked) return false;
    if (this.#heldIsNew) {
      const held = this.#held!;
      this.#held = null;
      this.#heldIsNew = false;
      this.#takeHead(held, held.length, false);
      return true;
    }
    const count = this.read();
    if (count === WOULD_BLOCK) return false;
    if (count === 0 || count === FAILED) {
      this.close();
      return false;
    }
    if (this.#held === null) this.#takeHead(INPUT, count, false);
    else {
      const joined = new Uint8Array(this.#held.length + count);
      joined.set(this.#held);
      joined.set(INPUT.subarray(0, count), this.#held.length);
      this.#held = null;
      this.#takeHead(joined, joined.length, true);
    }
    return true;
  }

  #takeHead(bytes: Uint8Array<ArrayBuffer>, end: number, isContinued: boolean): void {
    let start = 0;
    // An empty line before a request is to be ignored: RFC 9112 section 2.2.
    while (start + 1 < end && bytes[start] === CR && bytes[start + 1] === LF) start += 2;
    const bodyAt = headEnd(bytes, start, end);
    const { max_head_bytes, head_timeout } = this.#context.limits;
    if ((bodyAt < 0 ? end : bodyAt) - start > max_head_bytes) throw new BadMessage(431, "head too long");
    if (bodyAt < 0) {
      // The time for a head counts from its first byte.
      if (!isContinued) this.loop.setDeadline(this, head_timeout);
      this.#held = bytes.slice(start, end);
      return;
    }
    const request = parseRequest(bytes, start, bodyAt);
    this.#request = request;
    const body = this.#body = new IncomingBody(request.bodyLength, request.bodyLength === UNKNOWN_LENGTH);
    const dataEnd = body.take(bytes, bodyAt, end);
    const firstBody = dataEnd > bodyAt ? bytes.slice(bodyAt, dataEnd) : undefined;
    this.#hold(bytes, end);
    this.#context.table.request(false);
    this.#context.dispatcher.dispatch(this, firstBody);
  }

  /** Keeps what follows the request. */
  #hold(bytes: Uint8Array<ArrayBuffer>, end: number): void {
    const { consumed } = this.#body!;
    if (consumed >= end) return;
    this.#held = bytes.slice(consumed, end);
    this.#heldIsNew = true;
  }

  /** Called by the route of the request. */
  forward(pool: Pool, firstBody: Uint8Array<ArrayBuffer> | undefined): void {
    const { loop, table } = this.#context;
    const exchange = new Exchange(loop, table, this, this.#request!, pool, firstBody, this.#body!.isDone);
    this.#exchange = exchange;
    exchange.start();
  }

  #takeBody(): boolean {
    const body = this.#body!;
    if (this.#exchange === null || body.isDone || !this.#exchange.takesBody) return false;
    const count = this.read();
    if (count === WOULD_BLOCK) return false;
    if (count === 0 || count === FAILED) {
      this.close();
      return false;
    }
    this.loop.setDeadline(this, this.#context.limits.client_idle_timeout);
    const dataEnd = body.take(INPUT, 0, count);
    this.#hold(INPUT, count);
    this.#exchange.requestBody(INPUT, 0, dataEnd, body.isDone);
    return true;
  }

  resume(): void {
    this.onReady();
  }

  exchangeFinished(close: boolean): void {
    this.#exchange = null;
    this.#request = null;
    this.#body = null;
    if (close) return this.#end();
    this.loop.setDeadline(this, this.#context.limits.client_idle_timeout);
    this.onReady();
  }

  fail(status: number): void {
    const close = !this.mayKeepAlive || !this.#body!.isDone;
    this.#answerError(status, this.#request!.method === "HEAD", close);
    this.exchangeFinished(close);
  }

  /** Bytes that are not HTTP: nothing after them can be trusted. */
  #refuse(status: number): void {
    const hasResponded = this.#exchange?.hasResponded;
    this.#exchange?.abandon();
    // A response that began already cannot be taken back.
    if (hasResponded) return this.cut();
    this.#answerError(status, false, true);
    this.exchangeFinished(true);
  }

  #answerError(status: number, isHead: boolean, close: boolean): void {
    this.#context.table.request(true);
    this.send(OUTPUT, encodeLatin1(errorResponse(status, isHead, close), OUTPUT, 0));
  }

  /** Ends the connection once everything is sent. */
  #end(): void {
    if (!this.isOpen) return;
    this.#held = null;
    if (this.isBlocked) {
      this.#ending = "drain";
      return;
    }
    this.#ending = "linger";
    this.stream.finish();
    this.loop.setDeadline(this, LINGER_MS);
    this.onReady();
  }

  #ignoreSome(): boolean {
    const count = this.read();
    if (count === WOULD_BLOCK) return false;
    if (count > 0) return true;
    this.close();
    return false;
  }

  cut(): void {
    if (this.isOpen) this.stream.resetOnClose();
    this.close();
  }

  protected override onHangup(): void {
    if (this.#exchange !== null) this.close();
  }

  protected override onDrained(): void {
    if (this.#ending === "drain") this.#end();
    else this.#exchange?.clientDrained();
  }

  protected override onBroken(): void {
    this.close();
  }

  override onTimeout(): void {
    if (this.#request === null) {
      // Nothing of a request came: there is nobody to tell.
      if (this.#ending !== "no" || this.#held === null) this.close();
      else this.#refuse(408);
      return;
    }
    if (this.isBlocked) this.cut();
    else if (!this.#body!.isDone && this.#exchange?.takesBody) this.#refuse(408);
    else this.loop.setDeadline(this, this.#context.limits.client_idle_timeout);
  }

  override close(): void {
    if (!this.isOpen) return;
    super.close();
    this.#context.clients.delete(this);
    this.#context.table.clients(-1);
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.abandon();
  }
}
