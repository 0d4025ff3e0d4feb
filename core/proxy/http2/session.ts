/**
 * One side of an HTTP/2 connection, without I/O: bytes in, frames out into a {@linkcode FrameWriter}, bodies to a handler. What
 * the two sides have in common: RFC 9113.
 */
import { Allowances } from "./abuse.ts";
import { ClosedStreams, ENDED, RESET_BY_US } from "./closed_streams.ts";
import {
  ACK,
  CONTINUATION,
  DATA,
  DEFAULT_WINDOW,
  END_STREAM,
  ENHANCE_YOUR_CALM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  LARGEST_WINDOW,
  PADDED,
  PING,
  PRIORITY,
  PRIORITY_BYTES,
  PRIORITY_UPDATE,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from "./codes.ts";
import { ConnectionError, StreamError } from "./errors.ts";
import { FrameReader, type FrameSink, readUint31, readUint32 } from "./frame_reader.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { HeaderBlocks } from "./header_blocks.ts";
import { Sender } from "./sender.ts";
import { PeerSettings } from "./settings.ts";
import type { Http2Stream } from "./stream.ts";
import { MAX_TRAILER_LIST, TrailerReader } from "./trailer_reader.ts";

/** Streams at a time: as many as browsers want, and RFC 9113 section 6.5.2 recommends at least. */
export const MAX_STREAMS = 100;
/** What a stream's body may hold on its way here, and all bodies of a connection, bytes. */
export const STREAM_WINDOW = 262_144;
export const CONNECTION_WINDOW = 1_048_576;

export interface StreamHandler<Owner> {
  /** A piece of the body: who has taken it says so by {@linkcode Session.consumed}. */
  body(stream: Http2Stream<Owner>, bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void;
  /** The stream was ended out of order, by either side, with that code: nothing can be sent on it any more. */
  gone(stream: Http2Stream<Owner>, code: number): void;
  /** All that waited on the stream for windows is sent. */
  drained(stream: Http2Stream<Owner>): void;
}

export abstract class Session<Owner> implements FrameSink {
  readonly #frames: FrameReader;
  protected readonly blocks: HeaderBlocks;
  protected readonly peer: PeerSettings;
  protected readonly allowances: Allowances;
  protected readonly closed = new ClosedStreams();
  protected readonly byId = new Map<number, Http2Stream<Owner>>();
  readonly sender: Sender<Owner>;
  #sawSettings = false;
  /** What the other side may send in all. */
  #receiveWindow = CONNECTION_WINDOW;
  #ungranted = 0;

  /**
   * @param now ms, and only grows
   * @param isServer false: the other side is
   * @param grantsAtOnce whether the connection's window is opened again before who a body is for has taken it: so no stream ever
   *   waits for another, and each may hold as much as its own window
   */
  constructor(
    readonly streamHandler: StreamHandler<Owner>,
    readonly out: FrameWriter,
    now: () => number,
    isServer: boolean,
    readonly grantsAtOnce: boolean,
  ) {
    this.#frames = new FrameReader(isServer);
    this.peer = new PeerSettings(!isServer);
    this.allowances = new Allowances(now);
    this.blocks = new HeaderBlocks(this.allowances, (bytes, start, end) => this.headerBlock(bytes, start, end));
    this.sender = new Sender(out, this.allowances, {
      finished: (stream) => this.localDone(stream),
      drained: (stream) => streamHandler.drained(stream),
    });
  }

  /** To be called once, before anything else is written. */
  protected begin(settings: readonly (readonly [id: number, value: number])[]): void {
    this.out.settings(0, settings);
    this.out.windowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW);
  }

  /** A whole header block, of `blocks.streamId`. */
  protected abstract headerBlock(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void;

  /** Not begun yet, or never to be. */
  protected abstract isIdle(id: number): boolean;

  /** Frames for a stream that is not there are nothing wrong. */
  protected abstract isLeftOut(id: number): boolean;

  /** A stream was ended by the other side's doing: each costs us something. */
  protected abstract countReset(): void;

  protected abstract goaway(lastId: number, code: number): void;

  protected abstract priorityUpdate(id: number, bytes: Uint8Array, start: number, end: number): void;

  /** SETTINGS came, and count. */
  protected settingsChanged(): void {}

  /** Its answer to a PING of ours. */
  protected pong(): void {
    this.allowances.spend("ping flood");
  }

  /** The highest stream of the other side that we took up. */
  protected abstract readonly lastTaken: number;

  /** Streams that are not closed. */
  get open(): number {
    return this.byId.size;
  }

  get streams(): IterableIterator<Http2Stream<Owner>> {
    return this.byId.values();
  }

  /** Takes what came. Throws ConnectionError: then {@linkcode fail} says so to the other side. */
  receive(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    this.#frames.read(bytes, start, end, this);
  }

  /** Tells the other side why the connection ends. */
  fail(error: ConnectionError): void {
    this.out.goaway(this.lastTaken, error.code);
  }

  frame(type: number, flags: number, id: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    if (!this.#sawSettings) {
      if (type !== SETTINGS || flags & ACK) throw new ConnectionError(PROTOCOL_ERROR, "no SETTINGS at first");
      this.#sawSettings = true;
    }
    this.blocks.check(type === CONTINUATION, id);
    switch (type) {
      case DATA:
        return this.#data(flags, id, bytes, start, end);
      case HEADERS:
        if (id === 0 || id % 2 === 0) throw new ConnectionError(PROTOCOL_ERROR, "HEADERS on no stream of a client");
        return this.blocks.headers(flags, id, bytes, start, end);
      case PRIORITY:
        return this.#priority(id, end - start);
      case RST_STREAM:
        return this.#reset(id, bytes, start, end);
      case SETTINGS:
        return this.#settings(flags, id, bytes, start, end);
      case PUSH_PROMISE:
        // From a client never, from a server not to one that sets ENABLE_PUSH to 0.
        throw new ConnectionError(PROTOCOL_ERROR, "PUSH_PROMISE");
      case PING:
        return this.#ping(flags, id, bytes, start, end);
      case GOAWAY:
        checkNoStream(id);
        if (end - start < 8) throw new ConnectionError(FRAME_SIZE_ERROR, "GOAWAY too short");
        this.allowances.spend("useless frames");
        return this.goaway(readUint31(bytes, start), readUint32(bytes, start + 4));
      case WINDOW_UPDATE:
        return this.#windowUpdate(id, bytes, start, end);
      case CONTINUATION:
        return this.blocks.continuation(flags, bytes, start, end);
      case PRIORITY_UPDATE:
        checkNoStream(id);
        if (end - start < 4) throw new ConnectionError(FRAME_SIZE_ERROR, "PRIORITY_UPDATE too short");
        this.allowances.spend("useless frames");
        return this.priorityUpdate(readUint31(bytes, start), bytes, start + 4, end);
      default:
        // RFC 9113 section 5.5
        return this.allowances.spend("useless frames");
    }
  }

  #data(flags: number, id: number, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    if (id === 0 || this.isIdle(id)) throw new ConnectionError(PROTOCOL_ERROR, "DATA on no stream");
    const length = end - start;
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) throw new ConnectionError(FLOW_CONTROL_ERROR, "more than the connection's window");
    const padding = flags & PADDED ? (length > 0 ? bytes[start]! : 0) + 1 : 0;
    if (padding > length) throw new ConnectionError(PROTOCOL_ERROR, "padding longer than its frame");
    const stream = this.byId.get(id);
    if (stream === undefined || stream.isRemoteDone) {
      this.#grant(length);
      if (stream !== undefined) return this.failStream(stream, new StreamError(STREAM_CLOSED, "DATA behind the end"));
      return this.onClosed(id, "DATA");
    }
    if (this.grantsAtOnce) this.#grant(length);
    const isLast = (flags & END_STREAM) !== 0;
    if (length === padding && !isLast) this.allowances.spend("empty frames");
    stream.receiveWindow -= length;
    stream.unconsumed += length;
    if (stream.receiveWindow < 0) {
      return this.failStream(stream, new StreamError(FLOW_CONTROL_ERROR, "more than the stream's window"));
    }
    if (!stream.takesData) return this.failStream(stream, new StreamError(PROTOCOL_ERROR, "DATA before HEADERS"));
    const dataLength = length - padding;
    if (stream.bodyLeft >= 0) {
      stream.bodyLeft -= dataLength;
      if (stream.bodyLeft < 0 || isLast && stream.bodyLeft > 0) {
        return this.failStream(stream, new StreamError(PROTOCOL_ERROR, "Content-Length and DATA differ"));
      }
    }
    if (padding > 0) this.consumed(stream, padding);
    const dataAt = start + (flags & PADDED ? 1 : 0);
    if (isLast) stream.isRemoteDone = true;
    if (dataLength > 0 || isLast) this.streamHandler.body(stream, bytes, dataAt, dataAt + dataLength, isLast);
    if (isLast) this.closeIfDone(stream);
  }

  /** So many bytes of the body were taken: the other side may send as many again. */
  consumed(stream: Http2Stream<Owner>, count: number): void {
    if (stream.isClosed) return;
    stream.unconsumed -= count;
    if (!this.grantsAtOnce) this.#grant(count);
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

  /** The block that ends a body. */
  protected trailers(stream: Http2Stream<Owner>, bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const reader = new TrailerReader();
    this.blocks.decode(bytes, start, end, reader, MAX_TRAILER_LIST);
    if (stream.isRemoteDone) return this.failStream(stream, new StreamError(STREAM_CLOSED, "HEADERS behind the end"));
    const isMalformed = reader.isMalformed || !this.blocks.endsStream || stream.isTunnel || stream.bodyLeft > 0;
    if (isMalformed) return this.failStream(stream, new StreamError(PROTOCOL_ERROR, "malformed trailers"));
    if (this.blocks.listIsTooLong) {
      this.allowances.spend("header list too long");
      return this.failStream(stream, new StreamError(ENHANCE_YOUR_CALM, "trailers too long"));
    }
    if (reader.block.count > 0) stream.trailers = reader.block;
    stream.isRemoteDone = true;
    this.streamHandler.body(stream, bytes, end, end, true);
    this.closeIfDone(stream);
  }

  #priority(id: number, length: number): void {
    if (id === 0) throw new ConnectionError(PROTOCOL_ERROR, "PRIORITY of no stream");
    this.allowances.spend("useless frames");
    if (length === PRIORITY_BYTES) return;
    const stream = this.byId.get(id);
    const error = new StreamError(FRAME_SIZE_ERROR, "PRIORITY of a wrong size");
    if (stream !== undefined) this.failStream(stream, error);
    // A stream that has not begun cannot be reset: RFC 9113 section 6.4.
    else if (this.isIdle(id)) throw new ConnectionError(error.code, error.message);
    else this.out.reset(id, error.code);
  }

  #reset(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(FRAME_SIZE_ERROR, "RST_STREAM of a wrong size");
    if (id === 0 || this.isIdle(id)) throw new ConnectionError(PROTOCOL_ERROR, "RST_STREAM of no stream");
    this.countReset();
    const stream = this.byId.get(id);
    if (stream === undefined) return;
    this.close(stream, ENDED);
    this.streamHandler.gone(stream, readUint32(bytes, start));
  }

  #settings(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    checkNoStream(id);
    const length = end - start;
    if (flags & ACK ? length > 0 : length % 6 > 0) {
      throw new ConnectionError(FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
    }
    this.allowances.spend("settings flood");
    if (flags & ACK) return;
    const before = this.peer.initialWindow;
    this.peer.take(bytes, start, end);
    this.out.settings(ACK, []);
    const change = this.peer.initialWindow - before;
    for (const stream of change === 0 ? [] : this.byId.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > LARGEST_WINDOW) throw new ConnectionError(FLOW_CONTROL_ERROR, "a window too large");
    }
    if (change > 0) this.sender.sendAll();
    this.settingsChanged();
  }

  #ping(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    checkNoStream(id);
    if (end - start !== 8) throw new ConnectionError(FRAME_SIZE_ERROR, "PING of a wrong size");
    if (flags & ACK) return this.pong();
    this.allowances.spend("ping flood");
    this.out.ping(ACK, bytes, start);
  }

  #windowUpdate(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong size");
    const increment = readUint31(bytes, start);
    this.allowances.spend("window update flood");
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
      return this.sender.widen(increment);
    }
    if (this.isIdle(id)) throw new ConnectionError(PROTOCOL_ERROR, "WINDOW_UPDATE of no stream");
    const stream = this.byId.get(id);
    if (stream === undefined) return;
    if (increment === 0) return this.failStream(stream, new StreamError(PROTOCOL_ERROR, "WINDOW_UPDATE of 0"));
    stream.sendWindow += increment;
    if (stream.sendWindow > LARGEST_WINDOW) {
      return this.failStream(stream, new StreamError(FLOW_CONTROL_ERROR, "window too large"));
    }
    this.sender.sendWaiting(stream);
  }

  /** A frame for a stream that was closed, or left out. */
  protected onClosed(id: number, what: string): void {
    const how = this.closed.how(id);
    if (how === RESET_BY_US || this.isLeftOut(id)) return;
    const code = how === ENDED || what === "DATA" ? STREAM_CLOSED : PROTOCOL_ERROR;
    throw new ConnectionError(code, `${what} on a closed stream`);
  }

  /** By the other side's fault: RFC 9113 section 5.4.2. */
  protected failStream(stream: Http2Stream<Owner>, error: StreamError): void {
    this.reset(stream, error.code);
    this.streamHandler.gone(stream, error.code);
    this.countReset();
  }

  /** Ends the stream by RST_STREAM; the handler does not hear of it. */
  reset(stream: Http2Stream<Owner>, code: number): void {
    if (stream.isClosed) return;
    this.out.reset(stream.id, code);
    this.close(stream, RESET_BY_US);
  }

  /** Our END_STREAM is sent. */
  protected localDone(stream: Http2Stream<Owner>): void {
    this.closeIfDone(stream);
  }

  protected closeIfDone(stream: Http2Stream<Owner>): void {
    if (stream.isLocalDone && stream.isRemoteDone) this.close(stream, ENDED);
  }

  protected close(stream: Http2Stream<Owner>, how: typeof ENDED | typeof RESET_BY_US): void {
    if (stream.isClosed) return;
    stream.isClosed = true;
    this.byId.delete(stream.id);
    this.closed.add(stream.id, how);
    this.sender.forget(stream);
    if (!this.grantsAtOnce) this.#grant(stream.unconsumed);
    stream.unconsumed = 0;
  }
}

function checkNoStream(id: number): void {
  if (id !== 0) throw new ConnectionError(PROTOCOL_ERROR, "frame of the connection on a stream");
}
