/** The server's side of an HTTP/2 connection: requests in, their streams, and its end. RFC 9113. */
import { BadMessage } from "../http1/syntax.ts";
import type { RequestHead } from "../message.ts";
import { RESET_BY_US } from "./closed_streams.ts";
import {
  LARGEST_STREAM,
  NO_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_HEADER_LIST_SIZE,
  SETTINGS_NO_RFC7540_PRIORITIES,
} from "./codes.ts";
import { ConnectionError, StreamError } from "./errors.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { RequestReader } from "./request_reader.ts";
import { MAX_STREAMS, Session, STREAM_WINDOW, type StreamHandler } from "./session.ts";
import { Http2Stream } from "./stream.ts";

export interface SessionHandler<Owner> extends StreamHandler<Owner> {
  /** A request whose block is the handler's to give back. Its body follows unless `stream.isRemoteDone`. */
  request(stream: Http2Stream<Owner>, request: RequestHead): void;
  /** A request that is to be answered by an error page; no more of it comes. */
  badRequest(stream: Http2Stream<Owner>, status: number): void;
}

const REQUEST = new RequestReader();

export class ServerSession<Owner> extends Session<Owner> {
  /** The highest number of a stream that the client began. */
  #lastId = 0;
  /** Streams from the client above that number are not served any more. */
  #lastServed = LARGEST_STREAM;

  /**
   * @param now ms, and only grows
   * @param maxListBytes longest list of a request's fields; at most as RequestReader takes
   * @param isTrusted whether the client is a proxy that is believed
   */
  constructor(
    readonly handler: SessionHandler<Owner>,
    out: FrameWriter,
    now: () => number,
    readonly maxListBytes: number,
    readonly isTrusted = false,
  ) {
    super(handler, out, now, true, false);
    this.begin([
      [SETTINGS_MAX_CONCURRENT_STREAMS, MAX_STREAMS],
      [SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW],
      [SETTINGS_MAX_HEADER_LIST_SIZE, maxListBytes],
      [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1],
      [SETTINGS_NO_RFC7540_PRIORITIES, 1],
    ]);
  }

  protected override get lastTaken(): number {
    return Math.min(this.#lastId, this.#lastServed);
  }

  /** Asks the client to begin no more streams: those that are on their way are still served. RFC 9113 section 6.8. */
  announceEnd(): void {
    if (this.#lastServed === LARGEST_STREAM) this.out.goaway(LARGEST_STREAM, NO_ERROR);
  }

  /** Serves no more than the streams that have begun. */
  refuseMore(): void {
    this.#lastServed = this.lastTaken;
    this.out.goaway(this.#lastServed, NO_ERROR);
  }

  protected override headerBlock(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const id = this.blocks.streamId;
    const stream = this.byId.get(id);
    if (stream !== undefined) return this.trailers(stream, bytes, start, end);
    if (id <= this.#lastId) {
      this.blocks.skip(bytes, start, end);
      return this.onClosed(id, "HEADERS");
    }
    this.#lastId = id;
    if (id > this.#lastServed || this.byId.size >= MAX_STREAMS) {
      this.blocks.skip(bytes, start, end);
      // After GOAWAY the client knows.
      if (id <= this.#lastServed) this.#refuse(id, REFUSED_STREAM);
      return;
    }
    this.#begin(id, bytes, start, end);
  }

  #begin(id: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const isLast = this.blocks.endsStream;
    REQUEST.begin(this.isTrusted);
    this.blocks.decode(bytes, start, end, REQUEST, this.maxListBytes);
    let request: RequestHead | null = null;
    let status = 0;
    try {
      if (this.blocks.listIsTooLong) {
        this.allowances.spend("header list too long");
        throw new BadMessage(431, "header list too long");
      }
      request = REQUEST.finish(isLast);
    } catch (error) {
      if (error instanceof StreamError) return this.#refuse(id, error.code);
      if (!(error instanceof BadMessage)) throw error;
      status = error.status;
    }
    const stream = new Http2Stream<Owner>(id, this.peer.initialWindow, STREAM_WINDOW);
    stream.isRemoteDone = isLast;
    this.byId.set(id, stream);
    if (request === null) return this.handler.badRequest(stream, status);
    stream.bodyLeft = REQUEST.contentLength;
    this.handler.request(stream, request);
  }

  /** Ends a stream that never began. Each costs us a decoded block. */
  #refuse(id: number, code: number): void {
    this.closed.add(id, RESET_BY_US);
    this.out.reset(id, code);
    this.countReset();
  }

  protected override countReset(): void {
    this.allowances.spend("rapid reset");
  }

  /** A client that goes: RFC 9113 section 6.8. It begins no more, and is served what it began. */
  protected override goaway(): void {}

  protected override priorityUpdate(id: number): void {
    if (id === 0) throw new ConnectionError(PROTOCOL_ERROR, "PRIORITY_UPDATE of no stream");
  }

  /** Even numbers never are begun. */
  protected override isIdle(id: number): boolean {
    return id > this.#lastId || id % 2 === 0;
  }

  protected override isLeftOut(id: number): boolean {
    return id > this.#lastServed;
  }

  protected override localDone(stream: Http2Stream<Owner>): void {
    // A body that nobody wants any more: RFC 9113 section 8.1.
    if (!stream.isRemoteDone && !stream.isTunnel) this.reset(stream, NO_ERROR);
    else super.localDone(stream);
  }
}
