/** Responses to an HTTP/1 client, put together with the first piece of their body for one write. */
import { OUTPUT } from "../connection.ts";
import type { HeadBlock } from "../head_block.ts";
import { type RequestHead, type ResponseHead, UNKNOWN_LENGTH } from "../message.ts";
import type { ResponseWriter } from "../response_writer.ts";
import { writeBody } from "./body.ts";
import { finishResponse, finishUpgrade } from "./write.ts";

export interface Http1Client {
  /** The connection may serve another request after this one. */
  readonly mayKeepAlive: boolean;
  send(bytes: Uint8Array<ArrayBuffer>, length: number): void;
}

export class Http1ResponseWriter implements ResponseWriter {
  #client: Http1Client;
  #isChunked = false;
  /** Bytes of {@linkcode OUTPUT} that hold a head still to be sent. */
  #headBytes = 0;

  constructor(client: Http1Client) {
    this.#client = client;
  }

  get holdsHead(): boolean {
    return this.#headBytes > 0;
  }

  dropHead(): void {
    this.#headBytes = 0;
  }

  interim(response: ResponseHead): void {
    finishResponse(response, false, "", "");
    this.#client.send(OUTPUT, response.block.end);
  }

  head(request: RequestHead, response: ResponseHead, lines: string, isRequestComplete: boolean): boolean {
    const { isHttp11 } = request;
    const { block, bodyLength } = response;
    this.#isChunked = bodyLength === UNKNOWN_LENGTH && isHttp11;
    const endsByClose = bodyLength === UNKNOWN_LENGTH && !isHttp11;
    // A request body that was not read to its end would be taken for the next request.
    const close = endsByClose || !this.#client.mayKeepAlive || !isRequestComplete;
    finishResponse(response, this.#isChunked, lines, close ? "close" : isHttp11 ? "" : "keep-alive");
    this.#headBytes = block.end;
    return close;
  }

  body(
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
    isLast: boolean,
    trailers: HeadBlock | null,
  ): void {
    const head = this.#headBytes;
    this.#headBytes = 0;
    if (head === 0 && !this.#isChunked && start === 0) {
      if (end > 0) this.#client.send(bytes, end);
      return;
    }
    const length = writeBody(OUTPUT, head, bytes, start, end, this.#isChunked, isLast, trailers);
    if (length > 0) this.#client.send(OUTPUT, length);
  }

  upgrade(response: ResponseHead): void {
    finishUpgrade(response);
    this.#client.send(OUTPUT, response.block.end);
  }
}
