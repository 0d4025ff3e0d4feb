/**
 * The server's side of an HTTP/2 connection, without I/O: bytes in, frames out into a {@linkcode FrameWriter}, requests and bodies to
 * a handler. RFC 9113.
 */
import { BadMessage } from "../http1/syntax.ts";
import { HeldBytes } from "../http1/held_bytes.ts";
import type { RequestHead } from "../message.ts";
import { Allowances } from "./abuse.ts";
import { ClosedStreams, ENDED, RESET_BY_US } from "./closed_streams.ts";
import {
  ACK,
  COMPRESSION_ERROR,
  CONTINUATION,
  DATA,
  DEFAULT_WINDOW,
  END_HEADERS,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HAS_PRIORITY,
  HEADERS,
  LARGEST_STREAM,
  LARGEST_WINDOW,
  NO_ERROR,
  PADDED,
  PING,
  PRIORITY,
  PRIORITY_UPDATE,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_HEADER_LIST_SIZE,
  SETTINGS_NO_RFC7540_PRIORITIES,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from "./codes.ts";
import { ConnectionError, StreamError } from "./errors.ts";
import { FrameReader, type FrameSink, readUint31 } from "./frame_reader.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { HpackDecoder, MAX_BLOCK_BYTES } from "./hpack/decoder.ts";
import { HpackError } from "./hpack/error.ts";
import type { FieldSink } from "./hpack/field_lines.ts";
import { RequestReader } from "./request_reader.ts";
import { Sender } from "./sender.ts";
import { PeerSettings } from "./settings.ts";
import { Http2Stream } from "./stream.ts";
import { MAX_TRAILER_LIST, TrailerReader } from "./trailer_reader.ts";

/** Streams at a time: as many as browsers want, and RFC 9113 section 6.5.2 recommends at least. */
export const MAX_STREAMS = 100;
/** What a stream's body may hold on its way here, and all bodies of a connection, bytes. */
export const STREAM_WINDOW = 262_144;
export const CONNECTION_WINDOW = 1_048_576;
const PRIORITY_BYTES = 5;

export interface SessionHandler<Owner> {
  /** A request whose block is the handler's to give back. Its body follows unless `stream.isRemoteDone`. */
  request(stream: Http2Stream<Owner>, request: RequestHead): void;
  /** A request that is to be answered by an error page; no more of it comes. */
  badRequest(stream: Http2Stream<Owner>, status: number): void;
  /** A piece of the body: who has taken it says so by {@linkcode ServerSession.consumed}. */
  body(stream: Http2Stream<Owner>, bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void;
  /** The stream was ended out of order, by either side: nothing can be sent on it any more. */
  gone(stream: Http2Stream<Owner>): void;
  /** All that waited on the stream for windows is sent. */
  drained(stream: Http2Stream<Owner>): void;
}

/** Decoded for the tables alone. */
const NOWHERE: FieldSink = { field() {} };
const REQUEST = new RequestReader();

export class ServerSession<Owner> implements FrameSink {
  readonly #frames = new FrameReader(true);
  readonly #decoder = new HpackDecoder();
  readonly #peer = new PeerSettings();
  readonly #allowances: Allowances;
  readonly #closed = new ClosedStreams();
  readonly #streams = new Map<number, Http2Stream<Owner>>();
  readonly sender: Sender<Owner>;
  /** The highest number of a stream that the client began. */
  #lastId = 0;
  #sawSettings = false;
  /** What the client may send in all. */
  #receiveWindow = CONNECTION_WINDOW;
  #ungranted = 0;
  /** A header block whose rest is to come in CONTINUATION frames, of that stream; END_STREAM stood in its first frame. */
  #block: HeldBytes | null = null;
  #blockStream = 0;
  #blockEnds = false;
  /** Streams from the client above that number are not served any more. */
  #lastServed = LARGEST_STREAM;

  /**
   * @param now ms, and only grows
   * @param maxListBytes longest list of a request's fields; at most as RequestReader takes
   * @param isTrusted whether the client is a proxy that is believed
   */
  constructor(
    readonly handler: SessionHandler<Owner>,
    readonly out: FrameWriter,
    readonly now: () => number,
    readonly maxListBytes: number,
    readonly isTrusted = false,
  ) {
    this.#allowances = new Allowances(now);
    this.sender = new Sender(out, this.#allowances, {
      finished: (stream) => this.#localDone(stream),
      drained: (stream) => this.handler.drained(stream),
    });
    out.settings(0, [
      [SETTINGS_MAX_CONCURRENT_STREAMS, MAX_STREAMS],
      [SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW],
      [SETTINGS_MAX_HEADER_LIST_SIZE, maxListBytes],
      [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1],
      [SETTINGS_NO_RFC7540_PRIORITIES, 1],
    ]);
    out.windowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW);
  }

  /** Streams that are not closed. */
  get open(): number {
    return this.#streams.size;
  }

  get streams(): IterableIterator<Http2Stream<Owner>> {
    return this.#streams.values();
  }

  /** Takes what came. Throws ConnectionError: then {@linkcode fail} says so to the client. */
  receive(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    this.#frames.read(bytes, start, end, this);
  }

  /** Tells the client why the connection ends. */
  fail(error: ConnectionError): void {
    this.out.goaway(Math.min(this.#lastId, this.#lastServed), error.code);
  }

  /** Asks the client to begin no more streams: those that are on their way are still served. RFC 9113 section 6.8. */
  announceEnd(): void {
    if (this.#lastServed === LARGEST_STREAM) this.out.goaway(LARGEST_STREAM, NO_ERROR);
  }

  /** Serves no more than the streams that have begun. */
  refuseMore(): void {
    this.#lastServed = Math.min(this.#lastServed, this.#lastId);
    this.out.goaway(this.#lastServed, NO_ERROR);
  }

  frame(type: number, flags: number, id: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    if (!this.#sawSettings) {
      if (type !== SETTINGS || flags & ACK) throw new ConnectionError(PROTOCOL_ERROR, "no SETTINGS at first");
      this.#sawSettings = true;
    }
    if (this.#block !== null && (type !== CONTINUATION || id !== this.#blockStream)) {
      throw new ConnectionError(PROTOCOL_ERROR, "frame within a header block");
    }
    switch (type) {
      case DATA:
        return this.#data(flags, id, bytes, start, end);
      case HEADERS:
        return this.#headers(flags, id, bytes, start, end);
      case PRIORITY:
        return this.#priority(id, end - start);
      case RST_STREAM:
        return this.#reset(id, end - start);
      case SETTINGS:
        return this.#settings(flags, id, bytes, start, end);
      case PUSH_PROMISE:
        throw new ConnectionError(PROTOCOL_ERROR, "PUSH_PROMISE from a client");
      case PING:
        return this.#ping(flags, id, bytes, start, end);
      case GOAWAY:
        checkNoStream(id);
        if (end - start < 8) throw new ConnectionError(FRAME_SIZE_ERROR, "GOAWAY too short");
        return this.#allowances.spend("useless frames");
      case WINDOW_UPDATE:
        return this.#windowUpdate(id, bytes, start, end);
      case CONTINUATION:
        return this.#continuation(flags, bytes, start, end);
      case PRIORITY_UPDATE:
        return this.#priorityUpdate(id, bytes, start, end);
      default:
        // RFC 9113 section 5.5
        return this.#allowances.spend("useless frames");
    }
  }

  #data(flags: number, id: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    if (id === 0 || this.#isIdle(id)) throw new ConnectionError(PROTOCOL_ERROR, "DATA on no stream");
    const length = end - start;
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) throw new ConnectionError(FLOW_CONTROL_ERROR, "more than the connection's window");
    const padding = flags & PADDED ? (length > 0 ? bytes[start]! : 0) + 1 : 0;
    if (padding > length) throw new ConnectionError(PROTOCOL_ERROR, "padding longer than its frame");
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isRemoteDone) {
      this.#grant(length);
      if (stream !== undefined) return this.#failStream(stream, new StreamError(STREAM_CLOSED, "DATA behind the end"));
      return this.#onClosed(id, "DATA");
    }
    const isLast = (flags & END_STREAM) !== 0;
    if (length === padding && !isLast) this.#allowances.spend("empty frames");
    stream.receiveWindow -= length;
    stream.unconsumed += length;
    if (stream.receiveWindow < 0) {
      return this.#failStream(stream, new StreamError(FLOW_CONTROL_ERROR, "more than the stream's window"));
    }
    const dataLength = length - padding;
    if (stream.bodyLeft >= 0) {
      stream.bodyLeft -= dataLength;
      if (stream.bodyLeft < 0 || isLast && stream.bodyLeft > 0) {
        return this.#failStream(stream, new StreamError(PROTOCOL_ERROR, "Content-Length and DATA differ"));
      }
    }
    if (padding > 0) this.consumed(stream, padding);
    const dataAt = start + (flags & PADDED ? 1 : 0);
    if (isLast) stream.isRemoteDone = true;
    if (dataLength > 0 || isLast) this.handler.body(stream, bytes, dataAt, dataAt + dataLength, isLast);
    if (isLast) this.#closeIfDone(stream);
  }

  /** So many bytes of the body were taken: the client may send as many again. */
  consumed(stream: Http2Stream<Owner>, count: number): void {
    if (stream.isClosed) return;
    stream.unconsumed -= count;
    this.#grant(count);
    if (stream.isRemoteDone) return;
    stream.ungranted += count;
    if (stream.ungranted < STREAM_WINDOW / 2) return;
    this.out.windowUpdate(stream.id, stream.ungranted);
    stream.receiveWindow += stream.ungranted;
    stream.ungranted = 0;
  }

  #grant(count: number): void {
    this.#ungranted += count;
    if (this.#ungranted < CONNECTION_WINDOW / 2) return;
    this.out.windowUpdate(0, this.#ungranted);
    this.#receiveWindow += this.#ungranted;
    this.#ungranted = 0;
  }

  #headers(flags: number, id: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    if (id === 0 || id % 2 === 0) throw new ConnectionError(PROTOCOL_ERROR, "HEADERS on no stream of a client");
    let at = start;
    let padding = 0;
    if (flags & PADDED) padding = at < end ? bytes[at++]! : 1;
    if (flags & HAS_PRIORITY) at += PRIORITY_BYTES;
    if (at > end) throw new ConnectionError(FRAME_SIZE_ERROR, "HEADERS too short");
    if (padding > end - at) throw new ConnectionError(PROTOCOL_ERROR, "padding longer than its frame");
    this.#blockStream = id;
    this.#blockEnds = (flags & END_STREAM) !== 0;
    if (flags & END_HEADERS) this.#headerBlock(bytes, at, end - padding);
    else this.#block = new HeldBytes(bytes, at, end - padding);
  }

  #continuation(flags: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const block = this.#block;
    if (block === null) throw new ConnectionError(PROTOCOL_ERROR, "CONTINUATION of nothing");
    this.#allowances.spend("continuation flood");
    if (block.length + end - start > MAX_BLOCK_BYTES) {
      throw new ConnectionError(ENHANCE_YOUR_CALM, "header block too long");
    }
    block.append(bytes, start, end);
    if (!(flags & END_HEADERS)) return;
    this.#block = null;
    this.#headerBlock(block.bytes, 0, block.length);
  }

  /** A whole header block, of {@linkcode #blockStream}. */
  #headerBlock(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const id = this.#blockStream;
    const stream = this.#streams.get(id);
    if (stream !== undefined) return this.#trailers(stream, bytes, start, end);
    if (id <= this.#lastId) {
      this.#decode(bytes, start, end, NOWHERE, 0);
      return this.#onClosed(id, "HEADERS");
    }
    this.#lastId = id;
    if (id > this.#lastServed || this.#streams.size >= MAX_STREAMS) {
      this.#decode(bytes, start, end, NOWHERE, 0);
      // After GOAWAY the client knows.
      if (id <= this.#lastServed) this.#refuse(id, REFUSED_STREAM);
      return;
    }
    this.#begin(id, bytes, start, end);
  }

  #begin(id: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const isLast = this.#blockEnds;
    REQUEST.begin(this.isTrusted);
    this.#decode(bytes, start, end, REQUEST, this.maxListBytes);
    let request: RequestHead | null = null;
    let status = 0;
    try {
      if (this.#decoder.listIsTooLong) {
        this.#allowances.spend("header list too long");
        throw new BadMessage(431, "header list too long");
      }
      request = REQUEST.finish(isLast);
    } catch (error) {
      if (error instanceof StreamError) return this.#refuse(id, error.code);
      if (!(error instanceof BadMessage)) throw error;
      status = error.status;
    }
    const stream = new Http2Stream<Owner>(id, this.#peer.initialWindow, STREAM_WINDOW);
    stream.isRemoteDone = isLast;
    this.#streams.set(id, stream);
    if (request === null) return this.handler.badRequest(stream, status);
    stream.bodyLeft = REQUEST.contentLength;
    this.handler.request(stream, request);
  }

  /** Ends a stream that never began. Each costs us a decoded block. */
  #refuse(id: number, code: number): void {
    this.#closed.add(id, RESET_BY_US);
    this.out.reset(id, code);
    this.#allowances.spend("rapid reset");
  }

  #trailers(stream: Http2Stream<Owner>, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const reader = new TrailerReader();
    this.#decode(bytes, start, end, reader, MAX_TRAILER_LIST);
    if (stream.isRemoteDone) return this.#failStream(stream, new StreamError(STREAM_CLOSED, "HEADERS behind the end"));
    const isMalformed = reader.isMalformed || !this.#blockEnds || stream.isTunnel || stream.bodyLeft > 0;
    if (isMalformed) return this.#failStream(stream, new StreamError(PROTOCOL_ERROR, "malformed trailers"));
    if (this.#decoder.listIsTooLong) {
      this.#allowances.spend("header list too long");
      return this.#failStream(stream, new StreamError(ENHANCE_YOUR_CALM, "trailers too long"));
    }
    if (reader.block.count > 0) stream.trailers = reader.block;
    stream.isRemoteDone = true;
    this.handler.body(stream, bytes, end, end, true);
    this.#closeIfDone(stream);
  }

  #decode(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, sink: FieldSink, maxListBytes: number): void {
    try {
      this.#decoder.decode(bytes, start, end, sink, maxListBytes);
    } catch (error) {
      if (error instanceof HpackError) throw new ConnectionError(COMPRESSION_ERROR, error.message);
      throw error;
    }
  }

  #priority(id: number, length: number): void {
    if (id === 0) throw new ConnectionError(PROTOCOL_ERROR, "PRIORITY of no stream");
    this.#allowances.spend("useless frames");
    if (length === PRIORITY_BYTES) return;
    const stream = this.#streams.get(id);
    const error = new StreamError(FRAME_SIZE_ERROR, "PRIORITY of a wrong size");
    if (stream !== undefined) this.#failStream(stream, error);
    // A stream that has not begun cannot be reset: RFC 9113 section 6.4.
    else if (this.#isIdle(id)) throw new ConnectionError(error.code, error.message);
    else this.out.reset(id, error.code);
  }

  #priorityUpdate(id: number, bytes: Uint8Array, start: number, end: number): void {
    checkNoStream(id);
    if (end - start < 4) throw new ConnectionError(FRAME_SIZE_ERROR, "PRIORITY_UPDATE too short");
    if (readUint31(bytes, start) === 0) throw new ConnectionError(PROTOCOL_ERROR, "PRIORITY_UPDATE of no stream");
    this.#allowances.spend("useless frames");
  }

  #reset(id: number, length: number): void {
    if (length !== 4) throw new ConnectionError(FRAME_SIZE_ERROR, "RST_STREAM of a wrong size");
    if (id === 0 || this.#isIdle(id)) throw new ConnectionError(PROTOCOL_ERROR, "RST_STREAM of no stream");
    this.#allowances.spend("rapid reset");
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#close(stream, ENDED);
    this.handler.gone(stream);
  }

  #settings(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    checkNoStream(id);
    const length = end - start;
    if (flags & ACK ? length > 0 : length % 6 > 0) {
      throw new ConnectionError(FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
    }
    this.#allowances.spend("settings flood");
    if (flags & ACK) return;
    const before = this.#peer.initialWindow;
    this.#peer.take(bytes, start, end);
    this.out.settings(ACK, []);
    const change = this.#peer.initialWindow - before;
    if (change === 0) return;
    for (const stream of this.#streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > LARGEST_WINDOW) throw new ConnectionError(FLOW_CONTROL_ERROR, "a window too large");
    }
    if (change > 0) this.sender.sendAll();
  }

  #ping(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    checkNoStream(id);
    if (end - start !== 8) throw new ConnectionError(FRAME_SIZE_ERROR, "PING of a wrong size");
    this.#allowances.spend("ping flood");
    if (!(flags & ACK)) this.out.ping(ACK, bytes, start);
  }

  #windowUpdate(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong size");
    const increment = readUint31(bytes, start);
    this.#allowances.spend("window update flood");
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
      return this.sender.widen(increment);
    }
    if (this.#isIdle(id)) throw new ConnectionError(PROTOCOL_ERROR, "WINDOW_UPDATE of no stream");
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (increment === 0) return this.#failStream(stream, new StreamError(PROTOCOL_ERROR, "WINDOW_UPDATE of 0"));
    stream.sendWindow += increment;
    if (stream.sendWindow > LARGEST_WINDOW) {
      return this.#failStream(stream, new StreamError(FLOW_CONTROL_ERROR, "window too large"));
    }
    this.sender.sendWaiting(stream);
  }

  /** Not begun yet; even numbers never are. */
  #isIdle(id: number): boolean {
    return id > this.#lastId || id % 2 === 0;
  }

  /** A frame for a stream that was closed, or left out by the client. */
  #onClosed(id: number, what: string): void {
    const how = this.#closed.how(id);
    if (how === RESET_BY_US || id > this.#lastServed) return;
    const code = how === ENDED || what === "DATA" ? STREAM_CLOSED : PROTOCOL_ERROR;
    throw new ConnectionError(code, `${what} on a closed stream`);
  }

  /** By the client's fault: RFC 9113 section 5.4.2. */
  #failStream(stream: Http2Stream<Owner>, error: StreamError): void {
    this.reset(stream, error.code);
    this.handler.gone(stream);
    this.#allowances.spend("rapid reset");
  }

  /** Ends the stream by RST_STREAM; the handler does not hear of it. */
  reset(stream: Http2Stream<Owner>, code: number): void {
    if (stream.isClosed) return;
    this.out.reset(stream.id, code);
    this.#close(stream, RESET_BY_US);
  }

  #localDone(stream: Http2Stream<Owner>): void {
    // A body that nobody wants any more: RFC 9113 section 8.1.
    if (!stream.isRemoteDone && !stream.isTunnel) this.reset(stream, NO_ERROR);
    else this.#closeIfDone(stream);
  }

  #closeIfDone(stream: Http2Stream<Owner>): void {
    if (stream.isLocalDone && stream.isRemoteDone) this.#close(stream, ENDED);
  }

  #close(stream: Http2Stream<Owner>, how: typeof ENDED | typeof RESET_BY_US): void {
    if (stream.isClosed) return;
    stream.isClosed = true;
    this.#streams.delete(stream.id);
    this.#closed.add(stream.id, how);
    this.sender.forget(stream);
    this.#grant(stream.unconsumed);
    stream.unconsumed = 0;
  }
}

function checkNoStream(id: number): void {
  if (id !== 0) throw new ConnectionError(PROTOCOL_ERROR, "frame of the connection on a stream");
}
