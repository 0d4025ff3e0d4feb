/** A client's request while it is served, whatever its wire format: its name, its place within the limits, its line in the log. */
import type { Ending, LoggedExchange } from "./access_log/line.ts";
import type { ClientContext } from "./client_context.ts";
import type { ClientIdentity } from "./client_identity.ts";
import { giveBack } from "./head_block.ts";
import type { RequestHead } from "./message.ts";
import type { RateLimiter } from "./rate_limiter.ts";

export class ServedRequest {
  /** Fields of ours, each with its CR LF: in its request to a back end, and in its response. */
  requestLines: string;
  responseLines: string;
  /** Bytes of its body so far. */
  bodyBytes = 0;
  /** Of our own answer to it; 0 without. */
  ownStatus = 0;
  /** When its head was there, on the loop's clock. */
  readonly #startedAt: number;
  /** Whose request is counted as under way, and by whom; null for nobody's. */
  #network = 0;
  #limiter: RateLimiter | null = null;
  #id = "";

  /** @param head whose block is this object's to give back */
  constructor(readonly context: ClientContext, readonly identity: ClientIdentity, readonly head: RequestHead) {
    const { requestIds, tlsLines, loop } = context;
    this.#startedAt = loop.now;
    this.requestLines = identity.linesFor(head);
    this.responseLines = identity.isTls ? tlsLines : "";
    if (requestIds === null) return;
    this.#id = requestIds.next(head.block);
    const line = `${requestIds.field}: ${this.#id}\r\n`;
    this.requestLines += line;
    this.responseLines += line;
  }

  /** False when its network asks too often, or too much at a time: it is to be told so. */
  mayEnter(): boolean {
    const { limiter, loop, table } = this.context;
    if (limiter === null) return true;
    const network = limiter.networkOf(this.identity.client);
    if (!limiter.enter(network, loop.now)) {
      table.limited();
      return false;
    }
    this.#network = network;
    this.#limiter = limiter;
    return true;
  }

  /** Writes its line, where there is a log. @param exchange where one was begun */
  log(ending: Ending, exchange: LoggedExchange | undefined): void {
    const { context, identity, head, ownStatus, bodyBytes } = this;
    context.log?.write({
      client: identity,
      head,
      exchange,
      status: ownStatus > 0 ? ownStatus : exchange?.status ?? 0,
      bytesIn: bodyBytes,
      startedAt: this.#startedAt,
      ending,
      id: this.#id,
    });
  }

  /** To be called once. */
  end(): void {
    giveBack(this.head.block);
    this.#limiter?.leave(this.#network);
  }
}

/** Writes the line of what could not be read as a request. */
export function logUnread({ log, loop }: ClientContext, identity: ClientIdentity, status: number): void {
  log?.write({
    client: identity,
    head: undefined,
    exchange: undefined,
    status,
    bytesIn: 0,
    startedAt: loop.now,
    ending: "own_answer",
    id: "",
  });
}
