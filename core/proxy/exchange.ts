/** One request and its response, between a client connection and a back end. */
import type { Downstream } from "./downstream.ts";
import type { LoggedExchange } from "./access_log/line.ts";
import type { BackEnd } from "./back_end.ts";
import { BackEndSearch } from "./back_end_search.ts";
import type { BackEndTable } from "./back_end_table.ts";
import { keepPrivate } from "./cookie_injection.ts";
import type { HeadBlock } from "./head_block.ts";
import { trimWhitespace } from "./http1/whitespace.ts";
import { finishRequest } from "./http1/write.ts";
import { BackEndConnection } from "./http2/back_end_connection.ts";
import { finishHttp2Request } from "./http2/request_writer.ts";
import type { EventLoop } from "./loop.ts";
import { isIdempotent, type RequestHead, type ResponseHead } from "./message.ts";
import type { Pool } from "./pool.ts";
import type { PoolPersistence, Verdict } from "./pool_persistence.ts";
import type { Passage } from "../speederize/passage.ts";
import { Tunnel, type TunnelSide } from "./tunnel.ts";
import type { Upstream } from "./upstream.ts";
import { UpstreamConnection } from "./upstream_connection.ts";

/** What a rewriter made of one read is sent in pieces of this size at most, bytes: with a head they fit in the output. */
const LARGEST_PIECE = 131_072;

/** Longest body of a request that is kept to be sent again, bytes: a message of most calls by gRPC. */
const MOST_KEPT = 65_536;

/** A response of this status and above is a failed request. */
const LEAST_FAILURE = 500;

export class Exchange extends BackEndSearch implements LoggedExchange {
  /** What of the body came with the head; undefined when nothing did. */
  #firstBody: Uint8Array<ArrayBuffer> | undefined;
  #isRequestComplete: boolean;
  /** More of the body was sent than {@linkcode #firstBody}: it cannot be sent again. */
  #sentBeyond = false;
  sentAt = 0;
  respondedAt = 0;
  status = 0;
  bytesOut = 0;
  /** How the back end was found, for the log. */
  verdict: Verdict = "none";
  #close = false;
  #hasResponded = false;
  /** A response of 1xx was passed on. */
  #hasInterim = false;
  /** Rewrites the response; null where it passes as it is. */
  #passage: Passage | null;
  /** Both sides went over to another protocol. */
  tunnel: Tunnel | null = null;

  constructor(
    loop: EventLoop,
    table: BackEndTable,
    readonly client: Downstream,
    request: RequestHead,
    pool: Pool,
    firstBody: Uint8Array<ArrayBuffer> | undefined,
    isRequestComplete: boolean,
  ) {
    super(loop, table, pool, request);
    this.#firstBody = firstBody;
    this.#isRequestComplete = isRequestComplete;
    let { cookie } = request;
    if (pool.persistence !== null) cookie = this.#readPersistence(pool.persistence);
    this.#passage = pool.speed === null ? null : pool.speed.begin(request, client.identity);
    let lines = client.requestLines;
    if (pool.requestRules !== null) {
      pool.requestRules.removeFrom(request.block);
      lines += pool.requestRules.lines;
    }
    if (pool.isHttp2) finishHttp2Request(request, cookie, lines);
    else finishRequest(request, cookie, lines, pool.config.keepalive > 0);
  }

  #readPersistence(persistence: PoolPersistence): string {
    const { key, hash, verdict, cookie } = persistence.read(this.request);
    this.key = key;
    this.userHash = hash;
    this.verdict = verdict;
    if (verdict === "unknown") this.table.unknownKey();
    return cookie;
  }

  get method(): string {
    return this.request.method;
  }

  get poolName(): string {
    return this.pool.config.name;
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

  /** False while the client should not be read: its bytes have nowhere to go. */
  get takesBody(): boolean {
    return this.upstream !== null && this.upstream.isConnected && !this.upstream.isBlocked;
  }

  override onDefect(error: unknown): void {
    this.client.onDefect(error);
  }

  protected override fail(status: number): void {
    this.client.fail(status);
  }

  protected override connect(backEnd: BackEnd, needsFresh: boolean): Upstream | number {
    return this.pool.isHttp2
      ? BackEndConnection.stream(this.loop, this.pool, backEnd, this, needsFresh)
      : UpstreamConnection.connect(this.loop, this.pool, backEnd, this);
  }

  protected override takeUp(idle: UpstreamConnection): void {
    idle.begin(this);
  }

  override connected(): void {
    super.connected();
    if (!this.#isRequestComplete) this.client.resume();
  }

  /** False when the connection is broken and nothing was sent. */
  protected override sendRequest(): boolean {
    const upstream = this.upstream!;
    const isComplete = this.#isRequestComplete;
    if (!upstream.sendRequest(this.request, this.#firstBody, isComplete, this.client.requestTrailers)) return false;
    this.table.hit(upstream.backEnd.row, 1);
    this.sentAt = this.loop.now;
    return true;
  }

  /** A further piece of the request's body. */
  requestBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    if (!this.#sentBeyond) this.#keep(bytes, start, end);
    this.#isRequestComplete = isLast;
    this.upstream?.sendBody(bytes, start, end, isLast, this.client.requestTrailers);
  }

  /** A short body can be sent again to a back end that says it did nothing with it, as HTTP/2 can. */
  #keep(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const kept = this.#firstBody;
    const length = kept?.length ?? 0;
    if (!this.pool.isHttp2 || length + end - start > MOST_KEPT) this.#sentBeyond = true;
    else if (kept === undefined) this.#firstBody = bytes.slice(start, end);
    else {
      const joined = new Uint8Array(length + end - start);
      joined.set(kept);
      joined.set(bytes.subarray(start, end), length);
      this.#firstBody = joined;
    }
  }

  /** The back end has taken what it was sent. */
  upstreamDrained(): void {
    this.tunnel?.endIfDone();
    if (!this.#isRequestComplete || this.isTunnel) this.client.resume();
  }

  /** The client has taken what it was sent. */
  clientDrained(): void {
    this.tunnel?.endIfDone();
    this.upstream?.resume();
  }

  /** 1xx; an HTTP/1.0 client does not know them (RFC 9110 section 15.2). */
  interimResponse(response: ResponseHead): void {
    if (!this.request.isHttp11) return;
    this.#hasInterim = true;
    this.client.responses.interim(response);
  }

  /** The response's head, in a block on {@linkcode OUTPUT}; its body follows at once, before anybody else writes there. */
  responseHead(response: ResponseHead): void {
    const { request, client } = this;
    if (this.#passage !== null) response = this.#passage.head(response);
    this.#hasResponded = true;
    this.#takeResponse(response);
    this.#passage?.keepHead(response.block);
    const { responseRules } = this.pool;
    const lines = responseRules === null ? client.responseLines : client.responseLines + responseRules.lines;
    this.#close = client.responses.head(request, response, lines, this.#isRequestComplete);
  }

  #takeResponse(response: ResponseHead): void {
    const { backEnd } = this.upstream!;
    this.status = response.status;
    this.respondedAt = this.loop.now;
    const ms = this.loop.now - this.sentAt;
    this.table.responded(backEnd.row, ms);
    if (this.pool.measures) backEnd.responded(ms);
    if (this.pool.config.ejection !== undefined) this.#judge(backEnd, response.status < LEAST_FAILURE);
    this.#inject(response);
    this.pool.responseRules?.removeFrom(response.block);
  }

  /** A back end that fails too often is left out for a while. */
  #judge(backEnd: BackEnd, succeeded: boolean): void {
    if (succeeded) backEnd.countSuccess();
    else if (this.pool.failed(backEnd, this.loop.now)) this.table.ejected(backEnd.row);
  }

  #inject(response: ResponseHead): void {
    const { persistence } = this.pool;
    if (persistence === null) return;
    const { config, row } = this.upstream!.backEnd;
    if (!persistence.write(response, config.key, this.request)) return;
    if (persistence.injector.named) this.table.cookieSet(row);
    if (this.method === "GET" || this.method === "HEAD") keepPrivate(response.block);
  }

  /** A piece of the response's body, with the head where it is the first. */
  responseBody(
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
    isLast: boolean,
    trailers: HeadBlock | null,
  ): void {
    if (this.#passage !== null && this.#passage.isRewriting) {
      this.#rewriteBody(this.#passage, bytes, start, end, isLast);
    } else this.#sendBody(bytes, start, end, isLast, trailers);
  }

  /** Trailers are about the bytes that were. */
  #rewriteBody(passage: Passage, bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    const out = passage.body(bytes, start, end, isLast);
    for (let at = 0; at < out.length || at === 0 && (isLast || this.client.responses.holdsHead);) {
      const pieceEnd = Math.min(out.length, at + LARGEST_PIECE);
      this.#sendBody(out.bytes, at, pieceEnd, isLast && pieceEnd === out.length, null);
      if (pieceEnd === out.length) return;
      at = pieceEnd;
    }
  }

  #sendBody(
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
    isLast: boolean,
    trailers: HeadBlock | null,
  ): void {
    this.bytesOut += end - start;
    this.client.responses.body(bytes, start, end, isLast, trailers);
  }

  /** The response is complete; its connection is back in the pool or closed. */
  finished(): void {
    this.#passage?.close();
    this.release();
    this.client.exchangeFinished(this.#close || !this.#isRequestComplete);
  }

  /** The back end goes over to another protocol. False when that is not the one that the client asked for. */
  switchProtocols(response: ResponseHead, backEnd: TunnelSide): boolean {
    const wanted = this.request.upgrade.toLowerCase().split(",").map(trimWhitespace);
    if (response.upgrade === "" || !wanted.includes(response.upgrade.toLowerCase())) return false;
    this.#hasResponded = true;
    this.#takeResponse(response);
    this.client.responses.upgrade(response);
    this.tunnel = new Tunnel(this.client, backEnd);
    this.client.beginTunnel();
    return true;
  }

  get isTunnel(): boolean {
    return this.tunnel !== null;
  }

  /**
   * The back end broke the connection, or spoke what is not HTTP.
   * @param isUntouched it says that it did nothing with the request
   * @param code of HTTP/2, where it said one
   */
  upstreamFailed(wasReused: boolean, isUntouched = false, code?: number): void {
    this.#passage?.close();
    const { backEnd } = this.upstream!;
    // That its back end closed a kept-alive connection is no failure.
    if (!isUntouched && (!wasReused || this.#hasResponded)) this.#judge(backEnd, false);
    this.release();
    // A head that still waits for its body's first piece was not passed on.
    const { responses } = this.client;
    if (this.#hasResponded && !responses.holdsHead) return this.client.cut(code);
    this.#hasResponded = false;
    responses.dropHead();
    const mayRepeat = !this.wasRepeated && !this.#hasInterim && this.#isHeld(isUntouched);
    if (mayRepeat && (isUntouched || isIdempotent(this.method))) this.repeat(backEnd, wasReused);
    else this.client.fail(isUntouched ? 503 : 502);
  }

  /** All that was sent of the request is here. What the back end may have worked at is sent again as a whole alone. */
  #isHeld(isUntouched: boolean): boolean {
    return !this.#sentBeyond && (isUntouched || this.#isRequestComplete);
  }

  upstreamTimedOut(): void {
    this.#judge(this.upstream!.backEnd, false);
    this.#passage?.close();
    this.release();
    if (this.#hasResponded) this.client.cut();
    else this.client.fail(504);
  }

  /** The client is gone: what the back end still has to say is for nobody. */
  abandon(): void {
    this.#passage?.close();
    this.stopWaiting();
    const upstream = this.upstream;
    this.release();
    upstream?.close();
  }
}
