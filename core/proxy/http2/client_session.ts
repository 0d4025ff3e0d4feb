/** An HTTP/2 client on its connection: bytes to its session, frames from it, one write a turn of the loop. */
import type { ClientContext } from "../client_context.ts";
import type { ClientIdentity } from "../client_identity.ts";
import { INPUT } from "../connection.ts";
import type { RequestHead } from "../message.ts";
import { logUnread } from "../served_request.ts";
import { ClientStream, type StreamHost } from "./client_stream.ts";
import { AbuseError, ConnectionError } from "./errors.ts";
import { PREFACE } from "./frame_reader.ts";
import { FrameOutput, type Transport } from "./frame_output.ts";
import { answerByPage } from "./own_answers.ts";
import { ServerSession, type SessionHandler } from "./server_session.ts";
import type { Http2Stream } from "./stream.ts";

/** What is read is copied: a stream that goes on meanwhile may have its back end read. */
const RECEIVED = new Uint8Array(INPUT.length + PREFACE.length);
/** The connection under it. */
export interface ClientTransport extends Transport {
  /** Nothing more is to be sent. */
  endAfterSending(): void;
}

export class ClientSession implements SessionHandler<ClientStream>, StreamHost {
  readonly session: ServerSession<ClientStream>;
  #transport: ClientTransport;
  #output: FrameOutput;
  /** Streams whose exchanges are to go on once what was read is taken. */
  #drained: ClientStream[] = [];
  #hasFailed = false;

  constructor(readonly context: ClientContext, readonly identity: ClientIdentity, transport: ClientTransport) {
    this.#transport = transport;
    const { loop, limits } = context;
    this.#output = new FrameOutput(loop, transport, () => this.isIdle);
    const { frames } = this.#output;
    this.session = new ServerSession(this, frames, () => loop.now, limits.max_head_bytes, identity.isTrusted);
    this.written();
  }

  get isIdle(): boolean {
    return this.session.open === 0;
  }

  get isBlocked(): boolean {
    return this.#transport.isBlocked;
  }

  /** Takes what was read: the first `count` bytes, no more than an input holds. */
  receive(bytes: Uint8Array<ArrayBuffer>, count: number): void {
    if (this.#hasFailed) return;
    RECEIVED.set(count === bytes.length ? bytes : bytes.subarray(0, count));
    try {
      this.session.receive(RECEIVED, 0, count);
      for (const stream of this.#drained.splice(0)) stream.drained();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(error);
    }
    this.written();
  }

  #fail(error: ConnectionError): void {
    this.#hasFailed = true;
    if (error instanceof AbuseError) this.context.abuse.add(error.abuse, this.identity.peer);
    this.session.fail(error);
    this.closed();
    this.#output.flushAll();
    this.#transport.endAfterSending();
  }

  written(): void {
    this.#output.written();
  }

  onDefect(error: unknown): void {
    this.#transport.onDefect(error);
  }

  slowWindow(): void {
    this.context.abuse.add("slow window", this.identity.peer);
  }

  request(stream: Http2Stream<ClientStream>, request: RequestHead): void {
    stream.owner = new ClientStream(this, stream, request);
    stream.owner.begin();
  }

  badRequest(stream: Http2Stream<ClientStream>, status: number): void {
    const { context, identity } = this;
    context.table.request(false);
    context.table.request(true);
    const lines = identity.isTls ? context.tlsLines : "";
    answerByPage(this.session.sender, stream, context, null, status, lines);
    logUnread(context, identity, status);
  }

  body(
    stream: Http2Stream<ClientStream>,
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
    isLast: boolean,
  ): void {
    if (stream.owner === null) this.session.consumed(stream, end - start);
    else stream.owner.takeBody(bytes, start, end, isLast);
  }

  gone(stream: Http2Stream<ClientStream>): void {
    stream.owner?.abandon();
  }

  drained(stream: Http2Stream<ClientStream>): void {
    if (stream.owner !== null) this.#drained.push(stream.owner);
  }

  /** The client has taken what it was sent. */
  transportDrained(): void {
    this.#output.flush();
    if (this.#transport.isBlocked) return;
    for (const stream of [...this.session.streams]) if (!stream.isWaiting) stream.owner?.drained();
  }

  /** The server stops. */
  announceEnd(): void {
    this.session.announceEnd();
    this.written();
  }

  /** Serves no more than what has begun. */
  refuseMore(): void {
    this.session.refuseMore();
    this.#output.flush();
  }

  /** The connection is gone, or will be. */
  closed(): void {
    for (const stream of [...this.session.streams]) stream.owner?.abandon();
  }
}
