/** How a response goes to a client: what each wire format does its own way. */
import type { HeadBlock } from "./head_block.ts";
import type { RequestHead, ResponseHead } from "./message.ts";

export interface ResponseWriter {
  /** Sends a response of 1xx. */
  interim(response: ResponseHead): void;
  /**
   * Takes a head, in a block on the output, to send it with the first piece of its body, which follows at once. Returns whether the
   * client's connection ends with the response.
   * @param lines fields of ours, each with its CR LF
   */
  head(request: RequestHead, response: ResponseHead, lines: string, isRequestComplete: boolean): boolean;
  /** A head was taken and is not sent. */
  readonly holdsHead: boolean;
  /** Forgets it. */
  dropHead(): void;
  /** Sends a piece of the body, or its end; with the head where it is the first. Trailers go with the last. */
  body(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean, trailers: HeadBlock | null): void;
  /** Says that the back end goes over to the protocol that was asked for: bytes pass as they are from now on. */
  upgrade(response: ResponseHead): void;
}
