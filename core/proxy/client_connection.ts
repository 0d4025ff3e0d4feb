/** A client's HTTP/1 connection: requests in, one at a time, responses out in their order; or a tunnel. */
import { Buffer } from "node:buffer";
import type { Config } from "../config/schema.ts";
import type { Dispatcher } from "./app.ts";
import type { BackEndTable } from "./back_end_table.ts";
import type { ClientIdentity } from "./client_identity.ts";
import { Connection, INPUT, OUTPUT, READS_A_TURN } from "./connection.ts";
import { type Downstream, Exchange } from "./exchange.ts";
import { giveBack, type HeadBlock, takeBlock } from "./head_block.ts";
import { IncomingBody } from "./http1/body.ts";
import { HeldBytes } from "./http1/held_bytes.ts";
import { encodeLatin1 } from "./http1/latin1.ts";
import { parseRequest, requestHeadEnd } from "./http1/request.ts";
import { writeAnswer } from "../speederize/answer.ts";
import type { Speederizer } from "../speederize/speederizer.ts";
import { BadMessage, CR, INCOMPLETE, LF } from "./http1/syntax.ts";
import { errorResponse } from "./http1/write.ts";
import type { EventLoop } from "./loop.ts";
import { type RequestHead, UNKNOWN_LENGTH } from "./message.ts";
import type { Handshaking, PendingHandshakes } from "./pending_handshakes.ts";
import type { Pool } from "./pool.ts";
import { FAILED, type Stream, WOULD_BLOCK } from "./stream.ts";

/** After its last response a connection is read and ignored for so long, ms, lest a reset overtake the response. */
const LINGER_MS = 2_000;
const HTTPS_PORT = 443;
/** Most heads are no longer, bytes: what is may have a body with it. */
const MOST_HEADS = 2_048;
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
  /** True while the server takes no more requests. */
  isStopping: boolean;
}

/** What a connection does: gets its handshake over, serves requests, passes bytes as they are, or ends when all is sent. */
type Phase = "handshake" | "requests" | "tunnel" | "drain" | "linger";

export class ClientConnection extends Connection implements Downstream, Handshaking {
  readonly responseLines: string;
  readonly #redirectPort: number | undefined;
  #context: ClientContext;
  #phase: Phase = "requests";
  /** Bytes that came and are not taken yet: the beginning of a head, or what follows a request. */
  #held: HeldBytes | null = null;
  /** {@linkcode #held} follows a request: nothing of it was read as a head yet. */
  #heldIsUnread = false;
  /** The CR of an empty line before a request came alone. */
  #sawCr = false;
  #request: RequestHead | null = null;
  #body = new IncomingBody();
  /** Bytes of the body so far. */
  #bodyBytes = 0;
  #exchange: Exchange | null = null;
  #isTaking = false;
  /** Bytes that the client had acknowledged when its time was over and he had not taken all. */
  #acknowledged = -1;
  /** The client will send no more through the tunnel. */
  #hasEnded = false;

  constructor(context: ClientContext, stream: Stream, readonly identity: ClientIdentity) {
    super(context.loop, stream);
    this.#context = context;
    this.responseLines = identity.isTls ? context.tlsLines : "";
    this.#redirectPort = identity.isTls ? undefined : context.redirectPort;
    context.clients.add(this);
    context.table.clients(1);
    if (identity.isTls) {
      this.#phase = "handshake";
      context.handshakes.begin(this);
      this.loop.setDeadline(this, context.handshakes.timeout);
    } else this.loop.setDeadline(this, context.limits.head_timeout);
  }

  /** The handshake is over. */
  established(): void {
    this.#context.handshakes.end(this);
    this.#phase = "requests";
    this.loop.setDeadline(this, this.#context.isStopping ? LAST_REQUEST_MS : this.#context.limits.head_timeout);
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
    if (this.#phase !== "requests" && this.#phase !== "handshake") return;
    if (this.#request === null) {
      this.expectBytes();
      this.onReady();
    }
    if (!this.isOpen || this.#request !== null) return;
    if (this.isBlocked) this.#end();
    else if (this.#held === null) this.loop.setDeadline(this, LAST_REQUEST_MS);
  }

  /** The server ends: what is not sent will not be, and must not look whole. */
  endNow(): void {
    // A tunnel has no length that it could fall short of.
    const isCutShort = this.#phase !== "tunnel" && (this.#request !== null || this.isBlocked);
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
    switch (this.#phase) {
      case "handshake":
      case "requests":
        return this.#request === null ? this.#takeRequest() : this.#takeBody();
      case "tunnel":
        return this.#takeTunnel();
      case "drain":
        return false;
      case "linger":
        return this.#ignoreSome();
    }
  }

  #takeRequest(): boolean {
    // The client has not taken the last response: it can wait with its next request.
    if (this.isBlocked) return false;
    const held = this.#held;
    if (held !== null && this.#heldIsUnread) {
      this.#held = null;
      this.#takeHead(held.bytes, 0, held.length);
      return true;
    }
    const count = this.#readOrClose();
    if (count <= 0) return false;
    if (held === null) {
      INPUT[count] = 0;
      this.#takeHead(INPUT, 0, count);
      return true;
    }
    held.append(INPUT, 0, count);
    const headEnd = held.findHeadEnd();
    this.#checkHeadLength(headEnd === INCOMPLETE ? held.length : headEnd, held);
    if (headEnd !== INCOMPLETE) {
      this.#held = null;
      this.#readHead(held.bytes, 0, held.length, headEnd);
    }
    return true;
  }

  /** Bytes at the start of {@linkcode INPUT}, or 0 or less; at the client's end the connection is closed. */
  #readOrClose(): number {
    const count = this.read();
    if (count === 0 || count === FAILED) this.close();
    return count;
  }

  /** Takes the bytes from `start`, where a request begins, to `end`. */
  #takeHead(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    if (this.#sawCr) {
      if (bytes[start++] !== LF) throw new BadMessage(400, "CR without LF");
      this.#sawCr = false;
    }
    // An empty line before a request is to be ignored: RFC 9112 section 2.2.
    while (bytes[start] === CR && bytes[start + 1] === LF) start += 2;
    if (start >= end) return;
    if (bytes[start] === CR && start + 1 === end) this.#sawCr = true;
    else this.#readHead(bytes, start, end, end - start > MOST_HEADS ? headEndWithin(bytes, start, end) : end);
  }

  /** @param headEnd where the head ends at the latest */
  #readHead(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, headEnd: number): void {
    const block = takeBlock(headEnd - start);
    let request: RequestHead | undefined;
    try {
      request = parseRequest(bytes, start, end, block);
    } finally {
      if (request === undefined) giveBack(block);
    }
    if (request === undefined) {
      // The time for a head counts from its first byte.
      this.loop.setDeadline(this, this.#context.limits.head_timeout);
      this.#held = new HeldBytes(bytes, start, end);
      this.#heldIsUnread = false;
      this.#checkHeadLength(end - start, this.#held);
      // What is held is looked at once: later calls go on from its end.
      this.#held.findHeadEnd();
      return;
    }
    this.#request = request;
    const bodyAt = requestHeadEnd;
    this.#checkHeadLength(bodyAt - start, null);
    this.#checkBodyLength(request.bodyLength);
    this.#bodyBytes = 0;
    this.#body.begin(request.bodyLength, request.bodyLength === UNKNOWN_LENGTH);
    const dataEnd = this.#takeOfBody(bytes, bodyAt, end);
    const firstBody = dataEnd > bodyAt ? bytes.slice(bodyAt, dataEnd) : undefined;
    this.#context.table.request(false);
    if (this.#redirectPort !== undefined) return this.#redirect(request, this.#redirectPort);
    this.#context.dispatcher.dispatch(this, firstBody);
  }

  #checkHeadLength(bytes: number, held: HeldBytes | null): void {
    if (bytes <= this.#context.limits.max_head_bytes) return;
    const isInFirstLine = held !== null && !held.bytes.subarray(0, held.length).includes(LF);
    throw isInFirstLine ? new BadMessage(414, "target too long") : new BadMessage(431, "head too long");
  }

  #checkBodyLength(bytes: number): void {
    const { max_body_bytes } = this.#context.limits;
    if (max_body_bytes > 0 && bytes > max_body_bytes) throw new BadMessage(413, "body too long");
  }

  /** Takes the body's part of the bytes, keeps what follows it, and returns where the data ends, which begins at `start`. */
  #takeOfBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
    const dataEnd = this.#body.take(bytes, start, end);
    this.#bodyBytes += dataEnd - start;
    this.#checkBodyLength(this.#bodyBytes);
    const { consumed } = this.#body;
    if (consumed < end) {
      this.#held = new HeldBytes(bytes, consumed, end);
      this.#heldIsUnread = true;
    }
    return dataEnd;
  }

  /** Called by the route of the request. */
  forward(pool: Pool, firstBody: Uint8Array<ArrayBuffer> | undefined): void {
    if (pool.speed !== null && this.#answerFromCache(pool.speed)) return;
    const { loop, table } = this.#context;
    const exchange = new Exchange(loop, table, this, this.#request!, pool, firstBody, this.#body.isDone);
    this.#exchange = exchange;
    if (!this.#body.isDone) this.loop.setDeadline(this, this.#context.limits.body_timeout);
    exchange.start();
  }

  /** False when a back end must be asked. */
  #answerFromCache(speed: Speederizer): boolean {
    const request = this.#request!;
    const answer = this.#body.isDone ? speed.answer(request, this.identity, Date.now()) : null;
    if (answer === null) return false;
    const close = !this.mayKeepAlive;
    const connection = close ? "connection: close\r\n" : request.isHttp11 ? "" : "connection: keep-alive\r\n";
    const length = writeAnswer(answer, this.responseLines + connection, OUTPUT);
    const { body } = answer.page;
    const hasBody = request.method !== "HEAD" && !answer.isUnchanged;
    if (hasBody && length + body.length <= OUTPUT.length) {
      OUTPUT.set(body, length);
      this.send(OUTPUT, length + body.length);
    } else {
      this.send(OUTPUT, length);
      if (hasBody) this.send(body, body.length);
    }
    this.exchangeFinished(close);
    return true;
  }

  #takeBody(): boolean {
    if (this.#exchange === null || this.#body.isDone || !this.#exchange.takesBody) return false;
    const count = this.#readOrClose();
    if (count <= 0) return false;
    this.loop.setDeadline(this, this.#context.limits.body_timeout);
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
    if (count === 0) this.#exchange!.tunnelClientEnded();
    else this.#exchange!.tunnelToBackEnd(INPUT, count);
    return true;
  }

  beginTunnel(): void {
    this.#phase = "tunnel";
    this.tunnelUsed();
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#exchange!.tunnelToBackEnd(held.bytes, held.length);
  }

  tunnelUsed(): void {
    this.loop.setDeadline(this, this.#context.limits.tunnel_timeout);
  }

  resume(): void {
    this.onReady();
  }

  exchangeFinished(close: boolean): void {
    this.#exchange = null;
    this.#dropRequest();
    if (close || this.#context.isStopping) return this.#end();
    this.loop.setDeadline(this, this.#context.limits.client_idle_timeout);
    this.onReady();
  }

  #dropRequest(): void {
    const request = this.#request;
    if (request === null) return;
    this.#request = null;
    giveBack(request.block);
  }

  fail(status: number): void {
    this.#answerOurselves(status, this.responseLines);
  }

  /** To the same place by HTTPS; a method other than GET and HEAD must stay what it is (RFC 9110 section 15.4.9). */
  #redirect({ method, host, target }: RequestHead, port: number): void {
    const name = host.replace(/:[0-9]*$/, "");
    const location = `https://${name}${port === HTTPS_PORT ? "" : `:${port}`}${target === "*" ? "/" : target}`;
    // Without a Host nobody knows where to.
    if (name === "") return this.fail(400);
    this.#answerOurselves(method === "GET" || method === "HEAD" ? 301 : 308, `location: ${location}\r\n`);
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
    this.#context.table.request(true);
    this.send(OUTPUT, encodeLatin1(errorResponse(status, isHead, close, lines), OUTPUT, 0));
  }

  /** Ends the connection once everything is sent. */
  #end(): void {
    if (!this.isOpen) return;
    this.#held = null;
    if (this.isBlocked) {
      this.#phase = "drain";
      return;
    }
    this.#phase = "linger";
    this.stream.finish();
    this.loop.setDeadline(this, LINGER_MS);
    this.onReady();
  }

  #ignoreSome(): boolean {
    return this.#readOrClose() > 0;
  }

  cut(): void {
    if (this.isOpen) this.stream.resetOnClose();
    this.close();
  }

  protected override onHangup(): void {
    // What came before the end of a tunnel is still passed on.
    if (this.#exchange !== null && this.#phase !== "tunnel") this.close();
  }

  protected override onDrained(): void {
    if (this.#phase === "drain") this.#end();
    else this.#exchange?.clientDrained();
  }

  protected override onBroken(): void {
    this.close();
  }

  override onTimeout(): void {
    if (this.isBlocked) {
      // The kernel's buffer may take minutes of a slow client's time: what counts is that he takes something.
      const acknowledged = this.stream.acknowledged();
      if (acknowledged === this.#acknowledged) return this.cut();
      this.#acknowledged = acknowledged;
      return this.loop.setDeadline(this, this.#context.limits.client_idle_timeout);
    }
    if (this.#phase === "handshake") return this.giveUp("it took too long");
    if (this.#phase !== "requests") return this.close();
    if (this.#request === null) {
      // Nothing of a request came: there is nobody to tell.
      return this.#held === null ? this.close() : this.#refuse(408);
    }
    if (!this.#body.isDone && this.#exchange?.takesBody) this.#refuse(408);
    else this.loop.setDeadline(this, this.#context.limits.client_idle_timeout);
  }

  override close(): void {
    if (!this.isOpen) return;
    super.close();
    this.#context.handshakes.end(this);
    this.#context.clients.delete(this);
    this.#context.table.clients(-1);
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.abandon();
    this.#dropRequest();
  }
}

/** Where the first empty line ends, or `end` where there is none. */
function headEndWithin(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, end).indexOf("\r\n\r\n", start, "latin1");
  return at < 0 ? end : at + 4;
}
