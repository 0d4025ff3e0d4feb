/** A response's header block as the head that HTTP/1.1 would have brought: RFC 9113 section 8.3.2. */
import { STATUS_CODES } from "node:http";
import { CONNECTION, KEEP_ALIVE, OTHER, PROXY_CONNECTION, TRANSFER_ENCODING, UPGRADE } from "../field_names.ts";
import { type HeadBlock, MAX_FIELDS } from "../head_block.ts";
import { Framing } from "../http1/framing.ts";
import { decodeLatin1 } from "../http1/latin1.ts";
import { BadMessage } from "../http1/syntax.ts";
import { NO_BODY, type ResponseHead, UNKNOWN_LENGTH } from "../message.ts";
import { PROTOCOL_ERROR } from "./codes.ts";
import { StreamError } from "./errors.ts";
import { METHOD, STATUS } from "./hpack/field_kinds.ts";
import type { FieldSink } from "./hpack/field_lines.ts";

const SWITCHING_PROTOCOLS = 101;
/** What HTTP/1.1 says by fields of the connection, HTTP/2 says otherwise: RFC 9113 section 8.2.2. */
const OF_CONNECTION: ReadonlySet<number> = new Set([
  CONNECTION,
  KEEP_ALIVE,
  PROXY_CONNECTION,
  TRANSFER_ENCODING,
  UPGRADE,
]);
const framing = new Framing(false);

/** One is used again for every response. */
export class ResponseReader implements FieldSink {
  #status = 0;
  #isMalformed = false;

  /** @param block where the head is put together */
  constructor(readonly block: HeadBlock) {}

  /** Before each response. */
  begin(): void {
    framing.clear();
    this.block.clear();
    this.#status = 0;
    this.#isMalformed = false;
  }

  field(kind: number, bytes: Uint8Array, start: number, valueAt: number, end: number): void {
    if (this.#isMalformed) return;
    if (kind === STATUS) this.#takeStatus(decodeLatin1(bytes, valueAt, end - 2));
    // What is not a field's, or no name of one, has the higher numbers.
    else if (kind >= METHOD || OF_CONNECTION.has(kind) || this.#status === 0) this.#isMalformed = true;
    else if (kind !== OTHER && !this.#isKept(kind, bytes, valueAt, end - 2)) return;
    else if (this.block.count === MAX_FIELDS) this.#isMalformed = true;
    else this.block.line(kind, bytes, start, end);
  }

  #isKept(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    try {
      return framing.take(kind, bytes, start, end);
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      this.#isMalformed = true;
      return false;
    }
  }

  #takeStatus(value: string): void {
    const isFirst = this.#status === 0 && this.block.end === 0;
    if (!isFirst || !/^[1-5][0-9][0-9]$/.test(value)) {
      this.#isMalformed = true;
      return;
    }
    this.#status = Number(value);
    this.block.text(`HTTP/1.1 ${value} ${STATUS_CODES[value] ?? ""}\r\n`);
  }

  /**
   * Throws StreamError where it is malformed.
   * @param method of the request
   * @param isLast no DATA follows
   */
  finish(method: string, isLast: boolean): ResponseHead {
    const status = this.#status;
    const { contentLength } = framing;
    const isInterim = status < 200;
    // RFC 9113 section 8.6: 101 is not HTTP/2's; section 8.1: no interim response ends the stream.
    const isMalformed = this.#isMalformed || status === 0 || status === SWITCHING_PROTOCOLS || isInterim && isLast;
    if (isMalformed) throw new StreamError(PROTOCOL_ERROR, "malformed response");
    const mayHaveBody = method !== "HEAD" && !isInterim && status !== 204 && status !== 304;
    if (mayHaveBody && isLast && contentLength > 0) {
      throw new StreamError(PROTOCOL_ERROR, "Content-Length without a body");
    }
    const bodyLength = !mayHaveBody ? NO_BODY : contentLength < 0 ? UNKNOWN_LENGTH : contentLength;
    return { status, block: this.block, bodyLength, statedLength: contentLength, upgrade: "" };
  }
}
