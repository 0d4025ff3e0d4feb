/**
 * A request's header block as the head that HTTP/1.1 would have brought: RFC 9113 section 8.3, RFC 8441 section 4. Here is where
 * smuggling would live: what HTTP/1.1 would read otherwise than HTTP/2 is refused.
 */
import {
  CONNECTION,
  HOST,
  KEEP_ALIVE,
  OTHER,
  PROXY_CONNECTION,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
} from "../field_names.ts";
import { HeadBlock, MAX_FIELDS, takeBlock } from "../head_block.ts";
import { isAuthority } from "../http1/authority.ts";
import { Framing } from "../http1/framing.ts";
import { decodeLatin1 } from "../http1/latin1.ts";
import { BadMessage, equalsIgnoringCase } from "../http1/syntax.ts";
import { NO_BODY, type RequestHead, UNKNOWN_LENGTH } from "../message.ts";
import { PROTOCOL_ERROR } from "./codes.ts";
import { StreamError } from "./errors.ts";
import { AUTHORITY, MALFORMED, METHOD, PATH, PROTOCOL, SCHEME } from "./hpack/field_kinds.ts";
import type { FieldSink } from "./hpack/field_lines.ts";

/** As in HTTP/1.1: http1/request.ts says why each byte is left out. */
const TARGET = /^\/[!$-;=@-[\]-~]*(?:\?[!$-;=?-~]*)?$/;
const MAX_TARGET = 16_384;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const MAX_METHOD = 32;
/** Longest list of fields that is decoded for a request, as RFC 9113 section 6.5.2 counts. */
export const MAX_LIST_BYTES = 65_536;
const LAST_PSEUDO = 62;
/** What HTTP/1.1 says by fields of the connection, HTTP/2 says otherwise: RFC 9113 section 8.2.2. */
const OF_CONNECTION: ReadonlySet<number> = new Set([
  CONNECTION,
  KEEP_ALIVE,
  PROXY_CONNECTION,
  TRANSFER_ENCODING,
  UPGRADE,
]);
const WEBSOCKET = "websocket";

const framing = new Framing(true);
/** A head is put together here: the longest list of fields and a line fit. */
const HEAD = new HeadBlock(new Uint8Array(MAX_LIST_BYTES + 1_024));
/** The last that were found valid: most requests name them again. */
let validAuthority = "";

/** One is used again for every request. */
export class RequestReader implements FieldSink {
  #method = "";
  #scheme = "";
  #authority: string | null = null;
  #path = "";
  #protocol = "";
  /** A bit for each pseudo-header field that was there. */
  #pseudo = 0;
  /** A field stood before: no pseudo-header field may follow. */
  #sawField = false;
  /** What is wrong with the request; the rest of its block is decoded all the same. */
  #problem: StreamError | BadMessage | null = null;

  /** Before each request. @param keepsForwarded whether what a proxy before us says of its client is kept */
  begin(keepsForwarded: boolean): void {
    framing.clear();
    framing.keepsForwarded = keepsForwarded;
    HEAD.clear();
    this.#authority = null;
    this.#method =
      this.#scheme =
      this.#path =
      this.#protocol =
        "";
    this.#pseudo = 0;
    this.#sawField = false;
    this.#problem = null;
  }

  /** Of the request that was read last; -1 without. */
  get contentLength(): number {
    return framing.contentLength;
  }

  field(kind: number, bytes: Uint8Array, start: number, valueAt: number, end: number): void {
    if (this.#problem !== null) return;
    if (kind === MALFORMED) this.#malformed("malformed field");
    else if (kind >= METHOD && kind <= LAST_PSEUDO) this.#takePseudo(kind, decodeLatin1(bytes, valueAt, end - 2));
    else this.#takeField(kind, bytes, start, valueAt, end);
  }

  #malformed(message: string): void {
    this.#problem ??= new StreamError(PROTOCOL_ERROR, message);
  }

  #takePseudo(kind: number, value: string): void {
    const bit = 1 << (kind - METHOD);
    if (this.#sawField) return this.#malformed("pseudo-header field behind a field");
    if (this.#pseudo & bit) return this.#malformed("pseudo-header field repeated");
    this.#pseudo |= bit;
    if (kind === METHOD) this.#method = value;
    else if (kind === SCHEME) this.#scheme = value;
    else if (kind === AUTHORITY) this.#authority = value;
    else if (kind === PATH) this.#path = value;
    else if (kind === PROTOCOL) this.#protocol = value;
    else this.#malformed("pseudo-header field of a response");
  }

  #takeField(kind: number, bytes: Uint8Array, start: number, valueAt: number, end: number): void {
    if (!this.#sawField) this.#beginFields();
    if (this.#problem !== null) return;
    if (kind !== OTHER) {
      if (OF_CONNECTION.has(kind)) return this.#malformed("field of the connection");
      if (kind === TE && !equalsIgnoringCase(bytes, valueAt, end - 2, "trailers")) return this.#malformed("TE");
      try {
        // Host is written by us.
        if (!framing.take(kind, bytes, valueAt, end - 2) || kind === HOST) return;
      } catch (error) {
        if (!(error instanceof BadMessage)) throw error;
        if (error.status === 400) return this.#malformed(error.message);
        this.#problem = error;
        return;
      }
    }
    if (HEAD.count === MAX_FIELDS) this.#problem = new BadMessage(431, "too many fields");
    else HEAD.line(kind, bytes, start, end);
  }

  /** The pseudo-header fields are complete: the request line is known. */
  #beginFields(): void {
    this.#sawField = true;
    try {
      this.#checkPseudo();
    } catch (error) {
      if (!(error instanceof StreamError || error instanceof BadMessage)) throw error;
      this.#problem = error;
      return;
    }
    HEAD.text(this.#protocol === "" ? this.#method : "GET");
    HEAD.text(" ");
    HEAD.text(this.#path);
    HEAD.text(" HTTP/1.1\r\n");
  }

  #checkPseudo(): void {
    if (!TOKEN.test(this.#method)) throw new StreamError(PROTOCOL_ERROR, "no method");
    if (this.#method.length > MAX_METHOD) throw new BadMessage(501, "method too long");
    const isExtended = (this.#pseudo & (1 << (PROTOCOL - METHOD))) !== 0;
    if (this.#method === "CONNECT" && !isExtended) this.#refuseConnect();
    if (isExtended && this.#method !== "CONNECT") throw new StreamError(PROTOCOL_ERROR, ":protocol without CONNECT");
    const scheme = this.#scheme.toLowerCase();
    if (scheme !== "https" && scheme !== "http") throw new StreamError(PROTOCOL_ERROR, "no scheme of HTTP");
    if (this.#path.length > MAX_TARGET) throw new BadMessage(414, "target too long");
    const isPath = TARGET.test(this.#path) || this.#path === "*" && this.#method === "OPTIONS";
    if (!isPath) throw new StreamError(PROTOCOL_ERROR, "no path");
    if (isExtended && this.#protocol !== WEBSOCKET) throw new BadMessage(501, "unknown protocol");
  }

  /** A tunnel to anywhere is no gateway's to make: RFC 9110 section 9.3.6, RFC 9113 section 8.5. */
  #refuseConnect(): never {
    const isWhole = this.#authority !== null &&
      (this.#pseudo & ((1 << (SCHEME - METHOD)) | (1 << (PATH - METHOD)))) === 0;
    throw isWhole ? new BadMessage(400, "CONNECT") : new StreamError(PROTOCOL_ERROR, "malformed CONNECT");
  }

  /** Host and :authority name the same: RFC 9113 section 8.3.1. */
  #host(): string {
    const { hosts, host } = framing;
    const authority = this.#authority;
    if (hosts > 1) throw new StreamError(PROTOCOL_ERROR, "more than one Host");
    if (authority !== null && hosts === 1 && host.toLowerCase() !== authority.toLowerCase()) {
      throw new StreamError(PROTOCOL_ERROR, "Host differs from :authority");
    }
    const name = authority ?? host;
    if (name !== validAuthority) {
      if (!isAuthority(name)) throw new StreamError(PROTOCOL_ERROR, "no valid authority");
      validAuthority = name;
    }
    return name;
  }

  /**
   * The request, whose block is the caller's to give back. Throws StreamError where it is malformed, BadMessage where it is to be
   * answered by an error page.
   */
  finish(isLast: boolean): RequestHead {
    if (!this.#sawField) this.#beginFields();
    if (this.#problem !== null) throw this.#problem;
    const host = this.#host();
    HEAD.field(HOST, host);
    const { contentLength, cookie, forwarded, acceptsTrailers, expectsContinue } = framing;
    if (isLast && contentLength > 0) throw new StreamError(PROTOCOL_ERROR, "Content-Length without a body");
    const isWebSocket = this.#protocol !== "";
    const bodyLength = isLast || isWebSocket ? NO_BODY : contentLength < 0 ? UNKNOWN_LENGTH : contentLength;
    // RFC 9110 section 9.3.8
    if (this.#method === "TRACE" && bodyLength !== NO_BODY) throw new BadMessage(400, "TRACE with a body");
    if (isWebSocket && (isLast || contentLength >= 0)) throw new StreamError(PROTOCOL_ERROR, "WebSocket with a length");
    const block = takeBlock(HEAD.end);
    block.copy(HEAD);
    return {
      method: isWebSocket ? "GET" : this.#method,
      target: this.#path,
      host,
      block,
      cookie,
      forwarded,
      bodyLength,
      expectsContinue: expectsContinue && bodyLength !== NO_BODY,
      acceptsTrailers,
      upgrade: isWebSocket ? WEBSOCKET : "",
      isHttp11: true,
      keepAlive: true,
    };
  }
}
