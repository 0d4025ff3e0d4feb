/** Messages on their way out: header blocks, DATA as far as the windows let it, the rest in turn as they open. RFC 9113 sections 5.2 and 6.9. */
import type { HeadBlock } from "../head_block.ts";
import type { RequestHead } from "../message.ts";
import { type Allowances, UPDATES_FOR_DATA } from "./abuse.ts";
import {
  CONTINUATION,
  DATA,
  DEFAULT_WINDOW,
  END_HEADERS,
  END_STREAM,
  FLOW_CONTROL_ERROR,
  FRAME_HEADER,
  FRAME_SIZE,
  HEADERS,
  LARGEST_WINDOW,
} from "./codes.ts";
import { ConnectionError } from "./errors.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { encodeLine, encodePseudo, encodeStatus, FIELD_GROWTH, NO_TABLE } from "./hpack/encoder.ts";
import type { Http2Stream } from "./stream.ts";

const LF = 10;
/** A line of a header block is no shorter. */
const SHORTEST_LINE = 5;
/** Pseudo-header fields of a message, and a change of the table's size. */
const MOST_PSEUDO = 6;

export interface SenderEvents<Owner> {
  /** END_STREAM was sent. */
  finished(stream: Http2Stream<Owner>): void;
  /** What waited is sent. */
  drained(stream: Http2Stream<Owner>): void;
}

export class Sender<Owner> {
  /** Bytes that may be sent on all streams together. */
  #window = DEFAULT_WINDOW;
  /** Streams that wait for the connection's window, in turn. */
  #waiting = new Set<Http2Stream<Owner>>();
  #isFirstBlock = true;

  constructor(
    readonly out: FrameWriter,
    readonly allowances: Allowances,
    readonly events: SenderEvents<Owner>,
  ) {}

  /** Writes a response's head: of the block, the lines behind its first one. */
  head(stream: Http2Stream<Owner>, status: number, block: HeadBlock, isLast: boolean): void {
    const at = this.#beginBlock(block, 0);
    const to = encodeStatus(this.out.bytes, at, status);
    this.#endBlock(stream, block, block.bytes.indexOf(LF) + 1, to, isLast);
  }

  /** Writes a request's head: of its block, the lines behind the first one. */
  request(stream: Http2Stream<Owner>, request: RequestHead, scheme: "http" | "https", isLast: boolean): void {
    const { method, target, host, block } = request;
    const { out } = this;
    let to = this.#beginBlock(block, host.length);
    to = encodePseudo(out.bytes, to, ":method", method);
    to = encodePseudo(out.bytes, to, ":scheme", scheme);
    if (host !== "") to = encodePseudo(out.bytes, to, ":authority", host);
    to = encodePseudo(out.bytes, to, ":path", target);
    this.#endBlock(stream, block, block.bytes.indexOf(LF) + 1, to, isLast);
  }

  /** Trailers come without a status, and with no first line. */
  #trailers(stream: Http2Stream<Owner>, trailers: HeadBlock): void {
    this.#endBlock(stream, trailers, 0, this.#beginBlock(trailers, 0), true);
  }

  /** Makes room for a header block and returns where its payload goes on. @param more bytes beside the block's */
  #beginBlock(block: HeadBlock, more: number): number {
    const { out } = this;
    const most = more + block.end + FIELD_GROWTH * (MOST_PSEUDO + Math.ceil(block.end / SHORTEST_LINE));
    out.reserve(FRAME_HEADER + most);
    let to = out.end + FRAME_HEADER;
    if (this.#isFirstBlock) {
      this.#isFirstBlock = false;
      out.bytes[to++] = NO_TABLE;
    }
    return to;
  }

  /** Writes the lines from `start` on, from `to` on, and the frame's header before them. */
  #endBlock(stream: Http2Stream<Owner>, { bytes, end }: HeadBlock, start: number, to: number, isLast: boolean): void {
    const { out } = this;
    const headerAt = out.end;
    const payloadAt = headerAt + FRAME_HEADER;
    for (let at = start; at < end;) {
      const lineEnd = bytes.indexOf(LF, at) + 1;
      to = encodeLine(out.bytes, to, bytes, at, lineEnd);
      at = lineEnd;
    }
    const length = to - payloadAt;
    const flags = isLast ? END_STREAM : 0;
    if (length <= FRAME_SIZE) {
      out.headerAt(headerAt, length, HEADERS, flags | END_HEADERS, stream.id);
      out.end = to;
    } else this.#split(stream, out.bytes.slice(payloadAt, to), flags);
    if (isLast) this.#finish(stream);
  }

  /** A block that is longer than a frame. */
  #split(stream: Http2Stream<Owner>, payload: Uint8Array<ArrayBuffer>, flags: number): void {
    for (let at = 0; at < payload.length; at += FRAME_SIZE) {
      const end = Math.min(payload.length, at + FRAME_SIZE);
      const isLast = end === payload.length;
      this.out.header(
        end - at,
        at === 0 ? HEADERS : CONTINUATION,
        (at === 0 ? flags : 0) | (isLast ? END_HEADERS : 0),
        stream.id,
      );
      this.out.copy(payload, at, end);
    }
  }

  /** Sends a piece of a body, or keeps what the windows do not let out. Trailers follow the last piece. */
  body(
    stream: Http2Stream<Owner>,
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
    isLast: boolean,
    trailers: HeadBlock | null,
  ): void {
    if (stream.isClosed || stream.isLocalDone) return;
    if (!stream.isWaiting) start += this.#data(stream, bytes, start, end, isLast && trailers === null);
    if (start === end && !stream.isWaiting) {
      if (isLast) this.#end(stream, trailers);
      return;
    }
    stream.hold(bytes, start, end, isLast, trailers);
    this.#waiting.add(stream);
  }

  /** Writes as much as may be; END_STREAM with the last byte where `isLast`. Returns how much. */
  #data(stream: Http2Stream<Owner>, bytes: Uint8Array, start: number, end: number, isLast: boolean): number {
    const { out } = this;
    const count = Math.max(0, Math.min(end - start, stream.sendWindow, this.#window));
    for (let left = count; left > 0;) {
      const length = Math.min(left, FRAME_SIZE);
      const ends = isLast && length === end - start;
      out.header(length, DATA, ends ? END_STREAM : 0, stream.id);
      out.copy(bytes, start, start + length);
      if (ends) stream.isLocalDone = true;
      start += length;
      left -= length;
    }
    stream.sendWindow -= count;
    this.#window -= count;
    if (count > 0) this.allowances.earn("window update flood", UPDATES_FOR_DATA);
    return count;
  }

  /** All bytes are sent. */
  #end(stream: Http2Stream<Owner>, trailers: HeadBlock | null): void {
    if (trailers !== null) return this.#trailers(stream, trailers);
    if (!stream.isLocalDone) this.out.header(0, DATA, END_STREAM, stream.id);
    this.#finish(stream);
  }

  #finish(stream: Http2Stream<Owner>): void {
    stream.isLocalDone = true;
    this.events.finished(stream);
  }

  /** Sends what waits on the stream, as far as may be. */
  sendWaiting(stream: Http2Stream<Owner>): void {
    while (this.#sendPiece(stream, Infinity));
  }

  /** Sends of what waits on all streams, a frame each in turn. */
  sendAll(): void {
    let isMoving = true;
    while (isMoving && this.#window > 0) {
      isMoving = false;
      for (const stream of [...this.#waiting]) if (this.#sendPiece(stream, FRAME_SIZE)) isMoving = true;
    }
  }

  /** False when nothing more can be sent on it now. */
  #sendPiece(stream: Http2Stream<Owner>, most: number): boolean {
    const { first, sentOfFirst } = stream;
    if (stream.isClosed || !stream.isWaiting) return false;
    if (first !== undefined) {
      const isEnd = stream.isLastPiece && stream.endsAfterWaiting && stream.waitingTrailers === null;
      const end = Math.min(first.length, sentOfFirst + most);
      const count = this.#data(stream, first, sentOfFirst, end, isEnd && end === first.length);
      if (count === 0) return false;
      stream.sent(count);
    }
    if (stream.first !== undefined) return true;
    this.#waiting.delete(stream);
    if (stream.endsAfterWaiting) {
      const { waitingTrailers } = stream;
      stream.dropWaiting();
      this.#end(stream, waitingTrailers);
    }
    this.events.drained(stream);
    return stream.isWaiting;
  }

  /** The client takes so many bytes more on all streams together. */
  widen(increment: number): void {
    this.#window += increment;
    if (this.#window > LARGEST_WINDOW) throw new ConnectionError(FLOW_CONTROL_ERROR, "connection's window too large");
    this.sendAll();
  }

  /** The stream is closed: what waits on it is for nobody. */
  forget(stream: Http2Stream<Owner>): void {
    stream.dropWaiting();
    this.#waiting.delete(stream);
  }
}
