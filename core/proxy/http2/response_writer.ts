/** Responses to a stream of an HTTP/2 client. */
import { CONTENT_LENGTH } from "../field_names.ts";
import type { HeadBlock } from "../head_block.ts";
import type { RequestHead, ResponseHead } from "../message.ts";
import type { ResponseWriter } from "../response_writer.ts";
import type { Sender } from "./sender.ts";
import type { Http2Stream } from "./stream.ts";

const BAD_GATEWAY = 502;

export class Http2ResponseWriter<Owner> implements ResponseWriter {
  #head: ResponseHead | null = null;
  #status = 0;
  #lines = "";

  constructor(readonly sender: Sender<Owner>, readonly stream: Http2Stream<Owner>, readonly written: () => void) {}

  get holdsHead(): boolean {
    return this.#head !== null;
  }

  dropHead(): void {
    this.#head = null;
  }

  interim({ status, block }: ResponseHead): void {
    if (this.stream.isClosed) return;
    this.sender.head(this.stream, status, block, false);
    this.written();
  }

  /** The connection lives on, whatever becomes of a stream. */
  head(request: RequestHead, response: ResponseHead, lines: string): boolean {
    const { status } = response;
    this.#head = response;
    // To a client that asked for a tunnel any success would say that it has one: RFC 9110 section 9.3.6.
    this.#status = request.upgrade !== "" && status >= 200 && status < 300 ? BAD_GATEWAY : status;
    this.#lines = lines;
    return false;
  }

  body(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean, trailers: HeadBlock | null): void {
    const { stream, sender } = this;
    const head = this.#head;
    this.#head = null;
    if (stream.isClosed) return;
    const isEmpty = isLast && start === end && trailers === null;
    if (head !== null) this.#writeHead(head, isEmpty);
    if (!(head !== null && isEmpty) && (isLast || end > start)) {
      sender.body(stream, bytes, start, end, isLast, trailers);
    }
    this.written();
  }

  #writeHead({ block, status, statedLength }: ResponseHead, isLast: boolean): void {
    // As in HTTP/1.1: a response without a body may state the length that the body would have, but not 204.
    if (statedLength >= 0 && status !== 204) {
      const start = block.begin(CONTENT_LENGTH);
      block.decimal(statedLength);
      block.complete(CONTENT_LENGTH, start);
    }
    block.text(this.#lines);
    this.sender.head(this.stream, this.#status, block, isLast);
  }

  /** RFC 8441 section 5: success alone says that the tunnel stands. */
  upgrade({ block }: ResponseHead): void {
    if (this.stream.isClosed) return;
    block.removeAll("sec-websocket-accept");
    this.sender.head(this.stream, 200, block, false);
    this.written();
  }
}
