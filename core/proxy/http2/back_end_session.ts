/** Our side of an HTTP/2 connection to a back end: requests out, responses in. RFC 9113. */
import { OUTPUT } from "../connection.ts";
import { HeadBlock, MAX_FIELDS } from "../head_block.ts";
import { NO_BODY, type RequestHead, type ResponseHead } from "../message.ts";
import {
  CANCEL,
  LARGEST_STREAM,
  NO_ERROR,
  PROTOCOL_ERROR,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_HEADER_LIST_SIZE,
} from "./codes.ts";
import { ConnectionError, StreamError } from "./errors.ts";
import { PREFACE } from "./frame_reader.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { ResponseReader } from "./response_reader.ts";
import { MAX_STREAMS, Session, STREAM_WINDOW, type StreamHandler } from "./session.ts";
import { Http2Stream } from "./stream.ts";

/** Longest list of a response's fields: as HTTP/1.1 takes of a head. */
const MAX_LIST_BYTES = 65_536;
/** A cookie of ours for each Set-Cookie, and Cache-Control. */
const ADDED_FIELDS = MAX_FIELDS + 4;
/** A response's head is written where it is sent from. */
const RESPONSE = new ResponseReader(new HeadBlock(OUTPUT, ADDED_FIELDS));
const PING_DATA = new Uint8Array(8);

export interface Requester {
  /** Of its request. */
  readonly method: string;
}

export interface BackEndHandler<Owner> extends StreamHandler<Owner> {
  /** The first SETTINGS came: it speaks HTTP/2, and has said how many streams it takes. */
  settled(): void;
  /** A response of 1xx. */
  interim(stream: Http2Stream<Owner>, response: ResponseHead): void;
  /** The final head, in a block on the output. Its body follows unless `isLast`. */
  response(stream: Http2Stream<Owner>, response: ResponseHead, isLast: boolean): void;
  /** The back end begins no more, and did nothing with the streams above that number. */
  goingAway(lastId: number): void;
  /** It answered our PING. */
  answered(): void;
}

export class BackEndSession<Owner extends Requester> extends Session<Owner> {
  #nextId = 1;
  #isSettled = false;
  /** PINGs of ours without an answer. */
  #pings = 0;

  /** @param now ms, and only grows */
  constructor(readonly handler: BackEndHandler<Owner>, out: FrameWriter, now: () => number) {
    super(handler, out, now, false, true);
    out.reserve(PREFACE.length);
    out.copy(PREFACE, 0, PREFACE.length);
    this.begin([
      [SETTINGS_ENABLE_PUSH, 0],
      [SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW],
      [SETTINGS_MAX_HEADER_LIST_SIZE, MAX_LIST_BYTES],
    ]);
  }

  protected override readonly lastTaken = 0;

  /** Streams that may be begun now; none are before the back end said how many it takes. */
  get room(): number {
    const most = this.#isSettled ? Math.min(this.peer.maxStreams, MAX_STREAMS) : 0;
    return this.#nextId > LARGEST_STREAM ? 0 : Math.max(0, most - this.byId.size);
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Begins a stream: sends the head of its request. */
  request(owner: Owner, request: RequestHead, scheme: "http" | "https"): Http2Stream<Owner> {
    const stream = new Http2Stream<Owner>(this.#nextId, this.peer.initialWindow, STREAM_WINDOW);
    this.#nextId += 2;
    stream.owner = owner;
    stream.takesData = false;
    this.byId.set(stream.id, stream);
    this.sender.request(stream, request, scheme, request.bodyLength === NO_BODY);
    return stream;
  }

  /** The request is not wanted any more. */
  cancel(stream: Http2Stream<Owner>): void {
    this.reset(stream, CANCEL);
  }

  /** Asks whether the back end is there: {@linkcode BackEndHandler.answered}. */
  ping(): void {
    this.#pings++;
    this.out.ping(0, PING_DATA, 0);
  }

  /** Says that no more will come of us. */
  end(): void {
    this.out.goaway(0, NO_ERROR);
  }

  protected override headerBlock(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const { streamId: id, endsStream } = this.blocks;
    if (this.isIdle(id)) throw new ConnectionError(PROTOCOL_ERROR, "HEADERS on a stream that was not begun");
    const stream = this.byId.get(id);
    if (stream === undefined) {
      this.blocks.skip(bytes, start, end);
      return this.onClosed(id, "HEADERS");
    }
    if (stream.takesData) return this.trailers(stream, bytes, start, end);
    RESPONSE.begin();
    this.blocks.decode(bytes, start, end, RESPONSE, MAX_LIST_BYTES);
    try {
      if (this.blocks.listIsTooLong) throw new StreamError(PROTOCOL_ERROR, "header list too long");
      const response = RESPONSE.finish(stream.owner!.method, endsStream);
      if (response.status < 200) this.handler.interim(stream, response);
      else this.#begin(stream, response, endsStream);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.failStream(stream, error);
    }
  }

  #begin(stream: Http2Stream<Owner>, response: ResponseHead, isLast: boolean): void {
    stream.takesData = true;
    stream.bodyLeft = response.bodyLength;
    stream.isRemoteDone = isLast;
    this.handler.response(stream, response, isLast);
    if (isLast) this.closeIfDone(stream);
  }

  protected override settingsChanged(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.handler.settled();
  }

  protected override pong(): void {
    if (this.#pings === 0) return super.pong();
    this.#pings--;
    this.handler.answered();
  }

  protected override goaway(lastId: number): void {
    this.handler.goingAway(lastId);
  }

  /** Its own limits, and its application, may have it reset as many as it likes. */
  protected override countReset(): void {}

  /** A server's alone to hear: RFC 9218 section 7.1. */
  protected override priorityUpdate(): void {
    throw new ConnectionError(PROTOCOL_ERROR, "PRIORITY_UPDATE from a server");
  }

  protected override isIdle(id: number): boolean {
    return id >= this.#nextId || id % 2 === 0;
  }

  protected override isLeftOut(): boolean {
    return false;
  }
}
