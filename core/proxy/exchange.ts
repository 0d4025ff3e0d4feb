/** One request and its response, between a client connection and a back end. */
import { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH } from "../../ffi/errno.ts";
import { Connection, OUTPUT } from "./connection.ts";
import type { BackEndTable } from "./back_end_table.ts";
import { writeBody } from "./http1/body.ts";
import { encodeLatin1 } from "./http1/latin1.ts";
import type { Http1Request } from "./http1/request.ts";
import { requestText, responseText } from "./http1/write.ts";
import type { EventLoop } from "./loop.ts";
import { isIdempotent, NO_BODY, type ResponseHead, UNKNOWN_LENGTH } from "./message.ts";
import { injectedCookie, readPersistence } from "./persistence.ts";
import type { BackEnd, Pool } from "./pool.ts";
import { UpstreamConnection } from "./upstream_connection.ts";

/** What connect(2) says at once of a peer, not of this machine. */
const UNREACHABLE = new Set([ECONNREFUSED, EHOSTUNREACH, ENETUNREACH]);

/** What an exchange needs of the client's side. */
export interface Downstream extends Connection {
  /** X-Forwarded-* lines. */
  readonly identity: string;
  /** The connection may serve another request after this one. */
  readonly mayKeepAlive: boolean;
  /** Answers by an error page; the request's body may still be coming. */
  fail(status: number): void;
  /** The response is sent; the connection ends with it when `close` is set. */
  exchangeFinished(close: boolean): void;
  /** The response cannot be completed: the connection is cut, so that the client sees it. */
  cut(): void;
  /** The back end takes body bytes again. */
  resume(): void;
}

export class Exchange {
  #upstream: UpstreamConnection | null = null;
  #tried: BackEnd[] = [];
  #key: number | undefined;
  #cookie: string;
  /** What of the body came with the head; undefined when nothing did. */
  #firstBody: Uint8Array<ArrayBuffer> | undefined;
  #isRequestComplete: boolean;
  /** More of the body was sent than {@linkcode #firstBody}: it cannot be sent again. */
  #sentBeyond = false;
  #wasRepeated = false;
  #sentAt = 0;
  #isChunkedOut = false;
  #close = false;
  /** Bytes of {@linkcode OUTPUT} that hold a response head still to be sent, with the first piece of its body. */
  #headBytes = 0;
  #hasResponded = false;

  constructor(
    readonly loop: EventLoop,
    readonly table: BackEndTable,
    readonly client: Downstream,
    readonly request: Http1Request,
    readonly pool: Pool,
    firstBody: Uint8Array<ArrayBuffer> | undefined,
    isRequestComplete: boolean,
  ) {
    this.#firstBody = firstBody;
    this.#isRequestComplete = isRequestComplete;
    const { persistence } = pool.config;
    if (persistence && request.cookie !== "") {
      const { key, cookie } = readPersistence(request.cookie, persistence);
      this.#key = key;
      this.#cookie = cookie;
    } else this.#cookie = request.cookie;
  }

  get method(): string {
    return this.request.method;
  }

  get isClientBlocked(): boolean {
    return this.client.isBlocked;
  }

  get isRequestSent(): boolean {
    return this.#isRequestComplete;
  }

  /** Some of the response was passed on already. */
  get hasResponded(): boolean {
    return this.#hasResponded;
  }

  /** False while the client should not be read: its body has nowhere to go. */
  get takesBody(): boolean {
    return this.#upstream !== null && this.#upstream.isConnected && !this.#upstream.isBlocked;
  }

  /** Sends the request to a back end: over an idle connection, or a new one. */
  start(): void {
    while (true) {
      const backEnd = this.pool.choose(this.#key, this.#tried, this.loop.now);
      if (backEnd === undefined) return this.client.fail(this.#tried.length > 0 ? 502 : 503);
      // A request that is sent again goes over a fresh connection: other idle ones may be as dead as the first.
      const idle = this.#wasRepeated ? undefined : backEnd.idle.pop();
      if (idle) {
        this.#upstream = idle;
        idle.begin(this);
        return this.#sendRequest();
      }
      const connection = UpstreamConnection.connect(this.loop, this.pool, backEnd, this);
      if (typeof connection !== "number") {
        this.#upstream = connection;
        return;
      }
      // Out of descriptors, ports or memory: that is our trouble, not the back end's.
      if (!UNREACHABLE.has(connection)) return this.client.fail(503);
      this.#passOver(backEnd);
    }
  }

  /** The back end cannot be connected: the request goes to another at once. */
  connectFailed(backEnd: BackEnd): void {
    this.#upstream = null;
    this.#passOver(backEnd);
    this.start();
  }

  #passOver(backEnd: BackEnd): void {
    backEnd.failed(this.loop.now);
    this.table.connectFailed(backEnd.row);
    this.#tried.push(backEnd);
  }

  connected(): void {
    this.#sendRequest();
    if (!this.#isRequestComplete) this.client.resume();
  }

  #sendRequest(): void {
    const upstream = this.#upstream!;
    const { request } = this;
    const { row } = upstream.backEnd;
    this.table.hit(row);
    this.table.opened(row, 1);
    this.#sentAt = this.loop.now;
    const keepAlive = this.pool.config.keepalive > 0;
    const { identity } = this.client;
    let end = encodeLatin1(requestText({ request, cookie: this.#cookie, identity, keepAlive }), OUTPUT, 0);
    const body = this.#firstBody;
    if (body || (this.#isRequestComplete && request.bodyLength === UNKNOWN_LENGTH)) {
      const isChunked = request.bodyLength === UNKNOWN_LENGTH;
      end = writeBody(OUTPUT, end, body ?? OUTPUT, 0, body?.length ?? 0, isChunked, this.#isRequestComplete);
    }
    upstream.send(OUTPUT, end);
  }

  /** A further piece of the request's body. */
  requestBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    this.#sentBeyond = true;
    this.#isRequestComplete = isLast;
    const isChunked = this.request.bodyLength === UNKNOWN_LENGTH;
    const length = writeBody(OUTPUT, 0, bytes, start, end, isChunked, isLast);
    if (length === 0) return;
    this.#upstream?.send(OUTPUT, length);
    this.#upstream?.postpone();
  }

  upstreamDrained(): void {
    if (!this.#isRequestComplete) this.client.resume();
  }

  /** The client has taken what it was sent. */
  clientDrained(): void {
    this.#upstream?.resume();
  }

  /** 1xx; an HTTP/1.0 client does not know them (RFC 9110 section 15.2). */
  interimResponse(response: ResponseHead): void {
    if (!this.request.isHttp11) return;
    const plan = { response, isChunked: false, injected: [], close: false, confirmKeepAlive: false };
    this.client.send(OUTPUT, encodeLatin1(responseText(plan), OUTPUT, 0));
  }

  responseHead(response: ResponseHead): void {
    const { request, client } = this;
    this.#hasResponded = true;
    this.table.responded(this.#upstream!.backEnd.row, this.loop.now - this.#sentAt);
    this.#isChunkedOut = response.bodyLength === UNKNOWN_LENGTH && request.isHttp11;
    const endsByClose = response.bodyLength === UNKNOWN_LENGTH && !request.isHttp11;
    // A request body that was not read to its end would be taken for the next request.
    this.#close = endsByClose || !client.mayKeepAlive || !this.#isRequestComplete;
    const text = responseText({
      response,
      isChunked: this.#isChunkedOut,
      injected: this.#injected(response),
      close: this.#close,
      confirmKeepAlive: !request.isHttp11,
    });
    this.#headBytes = encodeLatin1(text, OUTPUT, 0);
    // Without a body none of it follows.
    if (response.bodyLength === NO_BODY) this.#isChunkedOut = false;
  }

  /** By index of the response's fields: the cookie to set beside each. */
  #injected({ fields }: ResponseHead): (string | undefined)[] {
    const { persistence } = this.pool.config;
    if (!persistence) return [];
    const injected: (string | undefined)[] = [];
    for (let i = 0; i < fields.names.length; i++) {
      if (fields.names[i] !== "set-cookie") continue;
      injected[i] = injectedCookie(fields.values[i]!, persistence, this.#upstream!.backEnd.config.key);
    }
    return injected;
  }

  /** A piece of the response's body, with the head where it is the first. */
  responseBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    const head = this.#headBytes;
    this.#headBytes = 0;
    if (head === 0 && !this.#isChunkedOut && start === 0) {
      if (end > 0) this.client.send(bytes, end);
      return;
    }
    const length = writeBody(OUTPUT, head, bytes, start, end, this.#isChunkedOut, isLast);
    if (length > 0) this.client.send(OUTPUT, length);
  }

  /** The response is complete; its connection is back in the pool or closed. */
  finished(): void {
    this.#release();
    this.client.exchangeFinished(this.#close || !this.#isRequestComplete);
  }

  /** The back end broke the connection, or spoke what is not HTTP. */
  upstreamFailed(wasReused: boolean): void {
    const { backEnd } = this.#upstream!;
    this.#release();
    if (this.#hasResponded) return this.client.cut();
    const mayRepeat = !this.#wasRepeated && this.#isRequestComplete && !this.#sentBeyond && isIdempotent(this.method);
    if (!mayRepeat) return this.client.fail(502);
    this.#wasRepeated = true;
    // A kept-alive connection that was closed says nothing of its back end; a fresh one that broke does.
    if (!wasReused) this.#tried.push(backEnd);
    this.start();
  }

  upstreamTimedOut(): void {
    this.#release();
    if (this.#hasResponded) this.client.cut();
    else this.client.fail(504);
  }

  /** The client is gone: what the back end still has to say is for nobody. */
  abandon(): void {
    const upstream = this.#upstream;
    this.#release();
    upstream?.close();
  }

  #release(): void {
    if (this.#upstream?.isConnected) this.table.opened(this.#upstream.backEnd.row, -1);
    this.#upstream = null;
  }
}
