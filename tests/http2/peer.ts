/** A client of a session, frame by frame: what it sends is bytes of any kind, what it gets is read by plain code of its own. */
import { giveBack } from "../../core/proxy/head_block.ts";
import { decodeLatin1 } from "../../core/proxy/http1/latin1.ts";
import { ConnectionError } from "../../core/proxy/http2/errors.ts";
import { FrameWriter } from "../../core/proxy/http2/frame_writer.ts";
import { ServerSession, type SessionHandler } from "../../core/proxy/http2/server_session.ts";
import type { Http2Stream } from "../../core/proxy/http2/stream.ts";
import type { RequestHead } from "../../core/proxy/message.ts";

export const PREFACE = ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

/** A frame with any header; the payload's length may be said otherwise than it is. */
export function frame(
  type: number,
  flags: number,
  id: number,
  payload: readonly number[] = [],
  length?: number,
): number[] {
  const said = length ?? payload.length;
  return [said >>> 16, (said >>> 8) & 255, said & 255, type, flags, ...uint32(id), ...payload];
}

export function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** Literals without indexing. */
export function block(fields: readonly (readonly [name: string, value: string])[]): number[] {
  return fields.flatMap(([name, value]) => [0, ...string(name), ...string(value)]);
}

function string(text: string): number[] {
  const length: number[] = [];
  if (text.length < 127) length.push(text.length);
  else {
    length.push(127);
    let rest = text.length - 127;
    for (; rest >= 128; rest >>>= 7) length.push(128 | (rest & 127));
    length.push(rest);
  }
  return [...length, ...ascii(text)];
}

export const REQUEST: readonly (readonly [string, string])[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "shop.example"],
  [":path", "/"],
];

export const POST: readonly (readonly [string, string])[] = [[":method", "POST"], ...REQUEST.slice(1)];

export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

export function readFrames(bytes: Uint8Array): ReceivedFrame[] {
  const frames: ReceivedFrame[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at) >>> 8;
    const payload = bytes.slice(at + 9, at + 9 + length);
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, id: view.getUint32(at + 5), payload });
    at += 9 + length;
  }
  return frames;
}

/** Those that are there to their end. */
export function wholeFrames(bytes: Uint8Array): ReceivedFrame[] {
  let end = 0;
  const view = new DataView(bytes.buffer);
  while (bytes.length - end >= 9) {
    const next = end + 9 + (view.getUint32(end) >>> 8);
    if (next > bytes.length) break;
    end = next;
  }
  return readFrames(bytes.slice(0, end));
}

/** What became of a stream or the connection, as text: "goaway 1", "reset 3 8", "request 1 GET /", "body 1 abc end". */
export class Peer implements SessionHandler<null> {
  readonly out = new FrameWriter();
  readonly session: ServerSession<null>;
  readonly events: string[] = [];
  readonly requests: RequestHead[] = [];
  readonly heads: string[] = [];
  readonly streams = new Map<number, Http2Stream<null>>();
  /** ms. */
  now = 0;
  #error: ConnectionError | null = null;
  /** Bodies are taken as they come. */
  consumes = true;

  constructor() {
    this.session = new ServerSession<null>(this, this.out, () => this.now, 16_384);
  }

  get error(): ConnectionError | null {
    return this.#error;
  }

  request(stream: Http2Stream<null>, request: RequestHead): void {
    this.streams.set(stream.id, stream);
    this.requests.push(request);
    this.heads.push(decodeLatin1(request.block.bytes, 0, request.block.end));
    this.events.push(`request ${stream.id} ${request.method} ${request.target}${stream.isRemoteDone ? " end" : ""}`);
    giveBack(request.block);
  }

  badRequest(stream: Http2Stream<null>, status: number): void {
    this.streams.set(stream.id, stream);
    this.events.push(`bad ${stream.id} ${status}`);
  }

  body(stream: Http2Stream<null>, bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): void {
    this.events.push(`body ${stream.id} ${decodeLatin1(bytes, start, end)}${isLast ? " end" : ""}`);
    if (this.consumes) this.session.consumed(stream, end - start);
  }

  gone(stream: Http2Stream<null>): void {
    this.events.push(`gone ${stream.id}`);
  }

  drained(stream: Http2Stream<null>): void {
    this.events.push(`drained ${stream.id}`);
  }

  /** Sends these bytes as they are. */
  send(...parts: readonly (readonly number[])[]): this {
    for (const part of parts) this.sendBytes(Uint8Array.from(part));
    return this;
  }

  sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#error !== null) return;
    try {
      this.session.receive(bytes, 0, bytes.length);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#error = error;
      this.session.fail(error);
    }
  }

  /** Preface and empty SETTINGS; what the server says to it is taken away. */
  begin(): this {
    this.send(PREFACE, frame(4, 0, 0));
    this.frames();
    return this;
  }

  /** What came since the last call. */
  frames(): ReceivedFrame[] {
    const frames = readFrames(this.out.bytes.slice(0, this.out.end));
    this.out.clear();
    return frames;
  }

  /** Errors that the server told since the last call: "goaway 1", "reset 3 8". */
  errors(): string[] {
    return this.frames().flatMap(({ type, id, payload }) => {
      const view = new DataView(payload.buffer);
      if (type === 3) return [`reset ${id} ${view.getUint32(0)}`];
      return type === 7 ? [`goaway ${view.getUint32(4)}`] : [];
    });
  }
}
