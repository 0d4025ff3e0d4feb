/** What a request and a response mean, apart from how a wire format writes them. */
import type { HeadBlock } from "./head_block.ts";

/** How long a body is: not there, so many bytes, or told only by its end. */
export const NO_BODY = 0;
export const UNKNOWN_LENGTH = -1;

export interface RequestHead {
  readonly method: string;
  /** Origin-form, or `*` of OPTIONS: RFC 9112 section 3.2. */
  readonly target: string;
  /** The Host field, or the authority of an absolute-form target; with its port. */
  readonly host: string;
  /**
   * The request line for the back end, Host and the other end-to-end fields, without those that stand apart here. Whoever holds
   * the request gives the block back.
   */
  readonly block: HeadBlock;
  /** All Cookie fields as one, or "". */
  readonly cookie: string;
  /** What a proxy that is believed says of its client, by the numbers of field_names.ts; null without. */
  readonly forwarded: ReadonlyMap<number, string> | null;
  /** Bytes, {@linkcode NO_BODY} or {@linkcode UNKNOWN_LENGTH}. */
  readonly bodyLength: number;
  /** The client waits for 100 (Continue) before it sends the body. */
  readonly expectsContinue: boolean;
  /** The client takes trailers. */
  readonly acceptsTrailers: boolean;
  /** The protocol that the client would go over to, as "websocket"; or "". */
  readonly upgrade: string;
  /** False for an HTTP/1.0 client: it knows neither chunks nor 1xx. */
  readonly isHttp11: boolean;
  /** The client lets the connection live on. */
  readonly keepAlive: boolean;
}

/** Of the present response: whoever needs something of it for longer than the call keeps a copy. */
export interface ResponseHead {
  readonly status: number;
  /** The status line and the end-to-end fields, without Content-Length. */
  readonly block: HeadBlock;
  /** Bytes, {@linkcode NO_BODY} or {@linkcode UNKNOWN_LENGTH}. */
  readonly bodyLength: number;
  /** Content-Length as it stood, also where there is no body to measure (HEAD, 304); -1 without. */
  readonly statedLength: number;
  /** Of a 101: what the connection is now. */
  readonly upgrade: string;
}

/** RFC 9110 section 9.2.2: may be sent twice. */
export function isIdempotent(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS" || method === "PUT" || method === "DELETE" ||
    method === "TRACE";
}
