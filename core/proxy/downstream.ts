/** The client's side of an exchange. */
import type { ClientIdentity } from "./client_identity.ts";
import type { HeadBlock } from "./head_block.ts";
import type { ResponseWriter } from "./response_writer.ts";
import type { TunnelClient } from "./tunnel.ts";

/** What an exchange needs of the client's side. */
export interface Downstream extends TunnelClient {
  readonly responses: ResponseWriter;
  readonly identity: ClientIdentity;
  /** Fields of ours in the request, each with its CR LF. */
  readonly requestLines: string;
  /** Fields of ours in every response, each with its CR LF. */
  readonly responseLines: string;
  /** Trailers of a request body that is complete; null without. */
  readonly requestTrailers: HeadBlock | null;
  /** Answers by an error page; the request's body may still be coming. */
  fail(status: number): void;
  /** The response is sent; the connection ends with it when `close` is set. */
  exchangeFinished(close: boolean): void;
  /**
   * The response cannot be completed: the connection is cut, so that the client sees it.
   * @param code of HTTP/2, where the back end said one
   */
  cut(code?: number): void;
  /** The back end takes bytes again. */
  resume(): void;
  /** The back end agreed to another protocol: from now on bytes pass as they are. */
  beginTunnel(): void;
  /** A handler threw: a defect of ours. */
  onDefect(error: unknown): void;
}
