/** Trailers of a request: RFC 9113 section 8.1. */
import { CONNECTION, KEEP_ALIVE, OTHER, PROXY_CONNECTION, TRANSFER_ENCODING, UPGRADE } from "../field_names.ts";
import { HeadBlock } from "../head_block.ts";
import { MAX_TRAILERS } from "../http1/chunked.ts";
import { METHOD } from "./hpack/field_kinds.ts";
import type { FieldSink } from "./hpack/field_lines.ts";

/** Room for as many as HTTP/1.1 takes. */
export const MAX_TRAILER_LIST = MAX_TRAILERS;

export class TrailerReader implements FieldSink {
  /** The fields that may be passed on: those that have a meaning of their own have it in heads only (RFC 9110 section 6.5.1). */
  readonly block = new HeadBlock(new Uint8Array(MAX_TRAILERS));
  /** A pseudo-header field or a field of the connection was there, or one that no message may have. */
  isMalformed = false;

  field(kind: number, bytes: Uint8Array, start: number, _valueAt: number, end: number): void {
    if (kind >= METHOD || OF_CONNECTION.has(kind)) this.isMalformed = true;
    else if (kind === OTHER) this.block.line(kind, bytes, start, end);
  }
}

const OF_CONNECTION = new Set([CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TRANSFER_ENCODING, UPGRADE]);
