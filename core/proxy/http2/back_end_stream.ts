/** A request on its way to a back end of HTTP/2: its stream stands to its exchange as an HTTP/1.1 connection does. */
import type { BackEnd } from "../back_end.ts";
import type { Exchange } from "../exchange.ts";
import type { HeadBlock } from "../head_block.ts";
import type { RequestHead, ResponseHead } from "../message.ts";
import { Timed } from "../timer_wheel.ts";
import type { Upstream } from "../upstream.ts";
import type { BackEndConnection } from "./back_end_connection.ts";
import type { Requester } from "./back_end_session.ts";
import { CANCEL, REFUSED_STREAM } from "./codes.ts";
import type { Http2Stream } from "./stream.ts";

const NOTHING = new Uint8Array(0);

export class BackEndStream extends Timed implements Upstream, Requester {
  /** Null once it is over. */
  #exchange: Exchange | null;
  /** Null until the request is sent. */
  #stream: Http2Stream<BackEndStream> | null = null;
  readonly method: string;
  /** Bytes of the response that the client has not taken: the back end may not send as many again. */
  #untaken = 0;

  constructor(readonly connection: BackEndConnection, exchange: Exchange) {
    super();
    this.#exchange = exchange;
    this.method = exchange.method;
    if (!connection.isSettled) connection.wait(this);
  }

  get backEnd(): BackEnd {
    return this.connection.backEnd;
  }

  get isConnected(): boolean {
    return this.connection.isSettled;
  }

  get isBlocked(): boolean {
    return this.connection.isBlocked || this.#stream?.isWaiting === true;
  }

  /** The connection takes requests. */
  connected(): void {
    this.#exchange?.connected();
  }

  connectFailed(): void {
    this.#leave()?.connectFailed(this.backEnd);
  }

  /** It takes no more than others already have. */
  searchOn(): void {
    this.#leave()?.searchOn();
  }

  sendRequest(
    request: RequestHead,
    body: Uint8Array<ArrayBuffer> | undefined,
    isComplete: boolean,
    trailers: HeadBlock | null,
  ): boolean {
    const stream = this.connection.request(this, request);
    if (stream === undefined) return false;
    this.#stream = stream;
    this.#postpone();
    if (!stream.isLocalDone && (body !== undefined || isComplete)) {
      this.connection.sender.body(stream, body ?? NOTHING, 0, body?.length ?? 0, isComplete, trailers);
    }
    this.connection.written();
    return true;
  }

  sendBody(
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
    isLast: boolean,
    trailers: HeadBlock | null,
  ): void {
    if (this.#stream === null || start === end && !isLast) return;
    this.connection.sender.body(this.#stream, bytes, start, end, isLast, trailers);
    this.connection.written();
    this.#postpone();
  }

  #postpone(): void {
    this.connection.loop.setDeadline(this, this.connection.pool.config.response_timeout);
  }

  interim(response: ResponseHead): void {
    this.#postpone();
    this.#exchange?.interimResponse(response);
  }

  response(response: ResponseHead, isLast: boolean): void {
    this.#postpone();
    this.#exchange?.responseHead(response);
    this.#toClient(NOTHING, 0, 0, isLast);
  }

  /** What the client does not take at once waits at its connection: as much as the stream's window holds. */
  body(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    this.#postpone();
    this.#untaken += end - start;
    this.#toClient(bytes, start, end, isLast);
    if (this.#exchange?.isClientBlocked === false) this.#grant();
  }

  #toClient(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    this.#exchange?.responseBody(bytes, start, end, isLast, this.#stream!.trailers);
    if (!isLast) return;
    const exchange = this.#leave();
    // The rest of a request that is answered is for nobody: RFC 9113 section 8.1.
    if (!this.#stream!.isLocalDone) this.connection.cancel(this.#stream!);
    exchange?.finished();
    this.connection.finished();
  }

  #grant(): void {
    const count = this.#untaken;
    this.#untaken = 0;
    if (count > 0) this.connection.consumed(this.#stream!, count);
  }

  resume(): void {
    if (this.#stream !== null) this.#grant();
  }

  /** The back end takes bytes again. */
  drained(): void {
    this.#exchange?.upstreamDrained();
  }

  /** The stream was reset, by the back end or for what it sent. */
  gone(code: number): void {
    const isUntouched = code === REFUSED_STREAM;
    this.#leave()?.upstreamFailed(
      isUntouched && this.connection.isReused,
      isUntouched,
      code === CANCEL ? code : undefined,
    );
  }

  /** The back end goes, and did nothing with it. */
  leftAlone(): void {
    const { connection } = this;
    const stream = this.#stream!;
    this.#leave()?.upstreamFailed(connection.isReused, true);
    connection.cancel(stream);
  }

  /** The connection is over. */
  lost(): void {
    this.#leave()?.upstreamFailed(this.connection.isReused);
  }

  close(): void {
    this.#leave();
    if (this.#stream !== null) this.connection.cancel(this.#stream);
  }

  override onTimeout(): void {
    if (this.#exchange?.isClientBlocked) return this.#postpone();
    const exchange = this.#leave();
    this.connection.cancel(this.#stream!);
    this.connection.doubt();
    exchange?.upstreamTimedOut();
  }

  override onDefect(error: unknown): void {
    const exchange = this.#exchange;
    this.close();
    exchange?.onDefect(error);
  }

  /** Whom it served, where it still did. */
  #leave(): Exchange | null {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.connection.stopWaiting(this);
    this.connection.loop.clearDeadline(this);
    return exchange;
  }
}
