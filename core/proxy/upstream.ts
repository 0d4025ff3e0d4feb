/** A request's way to its back end. */
import type { BackEnd } from "./back_end.ts";
import type { HeadBlock } from "./head_block.ts";
import type { RequestHead } from "./message.ts";

/** A connection of HTTP/1.1, or a stream of HTTP/2. Its exchange hears of the response, and of the end. */
export interface Upstream {
  readonly backEnd: BackEnd;
  /** False while it connects: nothing can be sent yet. */
  readonly isConnected: boolean;
  /** Bytes wait for the back end to take others first: nothing more should be sent. */
  readonly isBlocked: boolean;
  /**
   * Sends the head, and what is there of the body; trailers with its end. False when the connection is broken and nothing was sent.
   */
  sendRequest(
    request: RequestHead,
    body: Uint8Array<ArrayBuffer> | undefined,
    isComplete: boolean,
    trailers: HeadBlock | null,
  ): boolean;
  /** Sends a further piece of the body, or its end; trailers with the last. */
  sendBody(
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
    isLast: boolean,
    trailers: HeadBlock | null,
  ): void;
  /** The client has taken what it had been sent. */
  resume(): void;
  /** Gives the request up; the exchange hears no more. */
  close(): void;
}
