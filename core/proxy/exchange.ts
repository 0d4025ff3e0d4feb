/** One request and its response, between a client connection and a back end. */
import { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH } from "../../ffi/errno.ts";
import type { BackEndTable } from "./back_end_table.ts";
import type { ClientIdentity } from "./client_identity.ts";
import { Connection, OUTPUT } from "./connection.ts";
import { keepPrivate } from "./cookie_injection.ts";
import { SET_COOKIE } from "./field_names.ts";
import { writeBody } from "./http1/body.ts";
import type { HeadBlock } from "./head_block.ts";
import { trimWhitespace } from "./http1/whitespace.ts";
import { finishRequest, finishResponse, finishUpgrade } from "./http1/write.ts";
import type { EventLoop } from "./loop.ts";
import { isIdempotent, type RequestHead, type ResponseHead, UNKNOWN_LENGTH } from "./message.ts";
import { readPersistence } from "./persistence.ts";
import { type BackEnd, FULL, NONE, type Pool, RETRY_AFTER_MS, Waiting } from "./pool.ts";
import type { Passage } from "../speederize/passage.ts";
import { UpstreamConnection } from "./upstream_connection.ts";

/** What connect(2) says at once of a peer, not of this machine. */
const UNREACHABLE = new Set([ECONNREFUSED, EHOSTUNREACH, ENETUNREACH]);

/** What a rewriter made of one read is sent in pieces of this size at most, bytes: with a head they fit in {@linkcode OUTPUT}. */
const LARGEST_PIECE = 131_072;

const NOBODY: readonly BackEnd[] = [];

/** What an exchange needs of the client's side. */
export interface Downstream extends Connection {
  readonly identity: ClientIdentity;
  /** Fields of ours in every response, each with its CR LF. */
  readonly responseLines: string;
  /** The connection may serve another request after this one. */
  readonly mayKeepAlive: boolean;
  /** Trailers of a request body that is complete; null without. */
  readonly requestTrailers: HeadBlock | null;
  /** Answers by an error page; the request's body may still be coming. */
  fail(status: number): void;
  /** The response is sent; the connection ends with it when `close` is set. */
  exchangeFinished(close: boolean): void;
  /** The response cannot be completed: the connection is cut, so that the client sees it. */
  cut(): void;
  /** The back end takes bytes again. */
  resume(): void;
  /** The back end agreed to another protocol: from now on bytes pass as they are. */
  beginTunnel(): void;
  /** The back end sent something through the tunnel. */
  tunnelUsed(): void;
}

export class Exchange extends Waiting {
  #upstream: UpstreamConnection | null = null;
  #tried: readonly BackEnd[] = NOBODY;
  #key: number | undefined;
  /** What of the body came with the head; undefined when nothing did. */
  #firstBody: Uint8Array<ArrayBuffer> | undefined;
  #isRequestComplete: boolean;
  /** More of the body was sent than {@linkcode #firstBody}: it cannot be sent again. */
  #sentBeyond = false;
  #wasRepeated = false;
  /** Other kept-alive connections may be as dead as the one that failed. */
  #needsFresh = false;
  /** Where it waits for room: how long at most, on the loop's clock. */
  #waitsUntil = 0;
  #sentAt = 0;
  #isChunkedOut = false;
  #close = false;
  /** Bytes of {@linkcode OUTPUT} that hold a response head still to be sent, with the first piece of its body. */
  #headBytes = 0;
  #hasResponded = false;
  /** A response of 1xx was passed on. */
  #hasInterim = false;
  /** Rewrites the response; null where it passes as it is. */
  #passage: Passage | null;
  /** Sides of the tunnel that said they will send no more. */
  #ends = 0;

  constructor(
    readonly loop: EventLoop,
    readonly table: BackEndTable,
    readonly client: Downstream,
    readonly request: RequestHead,
    readonly pool: Pool,
    firstBody: Uint8Array<ArrayBuffer> | undefined,
    isRequestComplete: boolean,
  ) {
    super();
    this.#firstBody = firstBody;
    this.#isRequestComplete = isRequestComplete;
    const { persistence, keepalive } = pool.config;
    let { cookie } = request;
    if (persistence && cookie !== "") {
      const persisted = readPersistence(cookie, persistence);
      this.#key = persisted.key;
      cookie = persisted.cookie;
    }
    this.#passage = pool.speed === null ? null : pool.speed.begin(request, client.identity);
    finishRequest(request, cookie, client.identity.lines, keepalive > 0);
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

  /** False while the client should not be read: its bytes have nowhere to go. */
  get takesBody(): boolean {
    return this.#upstream !== null && this.#upstream.isConnected && !this.#upstream.isBlocked;
  }

  /** Sends the request to a back end: over an idle connection, or a new one. */
  start(): void {
    this.#startWith(this.#choose());
  }

  override tryStart(): boolean {
    const choice = this.#choose();
    if (choice === FULL) return false;
    this.#stopWaiting();
    this.#startWith(choice);
    return true;
  }

  #choose() {
    return this.pool.choose(this.#key, this.#tried, this.loop.now);
  }

  #startWith(choice: ReturnType<Pool["choose"]>): void {
    while (choice !== NONE && choice !== FULL) {
      if (this.#startOn(choice)) return;
      choice = this.#choose();
    }
    if (choice === NONE) return this.client.fail(this.#tried.length > 0 ? 502 : 503);
    if (this.#waitsUntil === 0) this.#waitsUntil = this.loop.now + this.pool.config.queue_timeout;
    this.#waitOn();
    this.pool.wait(this);
  }

  /** Looks again now and then: a back end that was passed over may be back, and nobody says so. */
  #waitOn(): void {
    this.loop.setDeadline(this, Math.min(RETRY_AFTER_MS, Math.max(0, this.#waitsUntil - this.loop.now)));
  }

  override onTimeout(): void {
    if (this.loop.now < this.#waitsUntil) {
      // One that refused it may be back as well; a repetition goes to another all the same.
      if (!this.#wasRepeated) this.#tried = NOBODY;
      if (!this.tryStart()) this.#waitOn();
      return;
    }
    this.#stopWaiting();
    this.client.fail(503);
  }

  override onDefect(error: unknown): void {
    this.client.onDefect(error);
  }

  #stopWaiting(): void {
    this.loop.clearDeadline(this);
    this.pool.stopWaiting(this);
  }

  /** False when the back end cannot be connected: another is to be tried. */
  #startOn(backEnd: BackEnd): boolean {
    while (!this.#needsFresh) {
      const idle = backEnd.idle.pop();
      if (idle === undefined) break;
      // What may not be sent twice is not sent into a connection that its back end closed already.
      if (!isIdempotent(this.method) && !idle.isAlive()) {
        idle.close();
        continue;
      }
      this.#use(idle);
      idle.begin(this);
      if (this.#sendRequest()) return true;
      // Its room remains this request's.
      this.#detach();
      idle.close();
    }
    const connection = UpstreamConnection.connect(this.loop, this.pool, backEnd, this);
    if (typeof connection !== "number") {
      this.#use(connection);
      return true;
    }
    // Out of descriptors, ports or memory: that is our trouble, not the back end's.
    if (!UNREACHABLE.has(connection)) {
      this.client.fail(503);
      this.pool.gaveRoom();
      return true;
    }
    this.#passOver(backEnd);
    this.pool.gaveRoom();
    return false;
  }

  #use(upstream: UpstreamConnection): void {
    this.#upstream = upstream;
    upstream.backEnd.inUse++;
    this.table.opened(upstream.backEnd.row, 1);
  }

  /** The back end cannot be connected: the request goes to another at once. */
  connectFailed(backEnd: BackEnd): void {
    this.#release();
    this.#passOver(backEnd);
    this.start();
  }

  #passOver(backEnd: BackEnd): void {
    backEnd.failed(this.loop.now);
    this.table.connectFailed(backEnd.row);
    this.#tried = [...this.#tried, backEnd];
  }

  connected(): void {
    const upstream = this.#upstream!;
    if (!this.#sendRequest()) {
      upstream.close();
      return this.connectFailed(upstream.backEnd);
    }
    if (!this.#isRequestComplete) this.client.resume();
  }

  /** False when the connection is broken and nothing was sent. */
  #sendRequest(): boolean {
    const upstream = this.#upstream!;
    const { block, bodyLength } = this.request;
    const isChunked = bodyLength === UNKNOWN_LENGTH;
    const body = this.#firstBody;
    let bytes = block.bytes;
    let { end } = block;
    if (body || (this.#isRequestComplete && isChunked)) {
      OUTPUT.set(bytes.subarray(0, end));
      bytes = OUTPUT;
      const { requestTrailers } = this.client;
      const isLast = this.#isRequestComplete;
      end = writeBody(OUTPUT, end, body ?? OUTPUT, 0, body?.length ?? 0, isChunked, isLast, requestTrailers);
    }
    if (!upstream.trySend(bytes, end)) return false;
    this.table.hit(upstream.backEnd.row, 1);
    this.#sentAt = this.loop.now;
    return true;
  }

  /** A further piece of the request's body. */
  requestBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    this.#sentBeyond = true;
    this.#isRequestComplete = isLast;
    const isChunked = this.request.bodyLength === UNKNOWN_LENGTH;
    const length = writeBody(OUTPUT, 0, bytes, start, end, isChunked, isLast, this.client.requestTrailers);
    if (length === 0) return;
    this.#upstream?.send(OUTPUT, length);
    this.#upstream?.postpone();
  }

  /** The back end has taken what it was sent. */
  upstreamDrained(): void {
    if (this.isTunnel) this.#endTunnelIfDone();
    if (!this.#isRequestComplete || this.isTunnel) this.client.resume();
  }

  /** The client has taken what it was sent. */
  clientDrained(): void {
    if (this.isTunnel) this.#endTunnelIfDone();
    this.#upstream?.resume();
  }

  /** 1xx; an HTTP/1.0 client does not know them (RFC 9110 section 15.2). */
  interimResponse(response: ResponseHead): void {
    if (!this.request.isHttp11) return;
    finishResponse(response, false, "", "");
    this.#hasInterim = true;
    this.client.send(OUTPUT, response.block.end);
  }

  /** The response's head, in a block on {@linkcode OUTPUT}; its body follows at once, before anybody else writes there. */
  responseHead(response: ResponseHead): void {
    const { request, client } = this;
    if (this.#passage !== null) response = this.#passage.head(response);
    const { block, bodyLength } = response;
    this.#hasResponded = true;
    this.table.responded(this.#upstream!.backEnd.row, this.loop.now - this.#sentAt);
    this.#inject(response);
    this.#passage?.keepHead(block);
    this.#isChunkedOut = bodyLength === UNKNOWN_LENGTH && request.isHttp11;
    const endsByClose = bodyLength === UNKNOWN_LENGTH && !request.isHttp11;
    // A request body that was not read to its end would be taken for the next request.
    this.#close = endsByClose || !client.mayKeepAlive || !this.#isRequestComplete;
    finishResponse(
      response,
      this.#isChunkedOut,
      client.responseLines,
      this.#close ? "close" : request.isHttp11 ? "" : "keep-alive",
    );
    this.#headBytes = block.end;
  }

  #inject({ block }: ResponseHead): void {
    const { injector } = this.pool;
    if (injector === null || !block.had(SET_COOKIE)) return;
    const { backEnd } = this.#upstream!;
    if (!injector.inject(block, backEnd.config.key)) return;
    if (injector.named) this.table.cookieSet(backEnd.row);
    if (this.method === "GET" || this.method === "HEAD") keepPrivate(block);
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
    for (let at = 0; at < out.length || at === 0 && (isLast || this.#headBytes > 0);) {
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
    const head = this.#headBytes;
    this.#headBytes = 0;
    if (head === 0 && !this.#isChunkedOut && start === 0) {
      if (end > 0) this.client.send(bytes, end);
      return;
    }
    const length = writeBody(OUTPUT, head, bytes, start, end, this.#isChunkedOut, isLast, trailers);
    if (length > 0) this.client.send(OUTPUT, length);
  }

  /** The response is complete; its connection is back in the pool or closed. */
  finished(): void {
    this.#release();
    this.client.exchangeFinished(this.#close || !this.#isRequestComplete);
  }

  /** The back end goes over to another protocol. False when that is not the one that the client asked for. */
  switchProtocols(response: ResponseHead): boolean {
    const wanted = this.request.upgrade.toLowerCase().split(",").map(trimWhitespace);
    if (response.upgrade === "" || !wanted.includes(response.upgrade.toLowerCase())) return false;
    this.#hasResponded = true;
    this.table.responded(this.#upstream!.backEnd.row, this.loop.now - this.#sentAt);
    this.#inject(response);
    finishUpgrade(response);
    this.client.send(OUTPUT, response.block.end);
    this.client.beginTunnel();
    return true;
  }

  /** The client's bytes, as they are. */
  tunnelToBackEnd(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.#upstream?.send(bytes, length);
  }

  /** The back end's bytes, as they are. */
  tunnelToClient(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.client.send(bytes, length);
    this.client.tunnelUsed();
  }

  /** The client will send no more. */
  tunnelClientEnded(): void {
    this.#ends++;
    this.#upstream?.finish();
    this.#endTunnelIfDone();
  }

  /** The back end will send no more. */
  tunnelBackEndEnded(): void {
    this.#ends++;
    this.client.finish();
    this.#endTunnelIfDone();
  }

  #endTunnelIfDone(): void {
    if (this.#ends === 2 && !this.client.isBlocked && !this.#upstream?.isBlocked) this.client.close();
  }

  get isTunnel(): boolean {
    return this.#upstream !== null && this.#upstream.isTunnel;
  }

  /**
   * The back end broke the connection, or spoke what is not HTTP. An idempotent request that is still held is sent again: after a
   * kept-alive connection, which its back end may have closed in time, over a fresh one to whoever it is for; after a fresh one,
   * once, to another back end where there is one.
   */
  upstreamFailed(wasReused: boolean): void {
    const { backEnd } = this.#upstream!;
    this.#release();
    // A head that still waits for its body's first piece was not passed on.
    if (this.#hasResponded && this.#headBytes === 0) return this.client.cut();
    this.#hasResponded = false;
    this.#headBytes = 0;
    const isHeld = this.#isRequestComplete && !this.#sentBeyond;
    const mayRepeat = !this.#wasRepeated && !this.#hasInterim && isHeld && isIdempotent(this.method);
    if (!mayRepeat) return this.client.fail(502);
    this.table.hit(backEnd.row, -1);
    this.#needsFresh = true;
    if (!wasReused) {
      this.#wasRepeated = true;
      if (this.pool.hasOther(backEnd, this.#tried, this.loop.now)) this.#tried = [...this.#tried, backEnd];
    }
    this.start();
  }

  upstreamTimedOut(): void {
    this.#release();
    if (this.#hasResponded) this.client.cut();
    else this.client.fail(504);
  }

  /** The client is gone: what the back end still has to say is for nobody. */
  abandon(): void {
    this.#stopWaiting();
    const upstream = this.#upstream;
    this.#release();
    upstream?.close();
  }

  #release(): void {
    if (this.#upstream === null) return;
    this.#detach();
    this.pool.gaveRoom();
  }

  #detach(): void {
    const { backEnd } = this.#upstream!;
    this.#upstream = null;
    backEnd.inUse--;
    this.table.opened(backEnd.row, -1);
  }
}
