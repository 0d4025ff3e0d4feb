/** The head of an HTTP/1 response: RFC 9112 section 4. */
import { NO_BODY, type ResponseHead, UNKNOWN_LENGTH } from "../message.ts";
import { decodeLatin1 } from "./latin1.ts";
import { BadMessage, FieldSection } from "./syntax.ts";

/** A response and what its wire format says of the connection. */
export interface Http1Response extends ResponseHead {
  /** The body comes in chunks; with an unknown length and no chunks it ends with the connection. */
  readonly isChunked: boolean;
  /** The back end lets the connection live on. */
  readonly keepAlive: boolean;
}

/** What stands behind the version, up to the reason phrase, which may be missing with its space. */
const STATUS = /^[1-5][0-9]{2}(?: |$)/;

/**
 * Reads the head from `start` to `end`, which {@linkcode headEnd} found. A response to HEAD has no body, whatever it says.
 * Throws {@linkcode BadMessage}.
 */
export function parseResponse(bytes: Uint8Array, start: number, end: number, method: string): Http1Response {
  const head = decodeLatin1(bytes, start, end);
  const lineEnd = head.indexOf("\r\n");
  const isHttp11 = head.startsWith("HTTP/1.1 ");
  if (!isHttp11 && !head.startsWith("HTTP/1.0 ")) throw new BadMessage(502, "malformed status line");
  const line = head.slice(9, lineEnd);
  if (!STATUS.test(line)) throw new BadMessage(502, "malformed status line");
  const status = Number(line.slice(0, 3));
  const section = new FieldSection(bytes, start, start + lineEnd + 2, end, head, false);
  const { contentLength, connection } = section;
  const isChunked = isChunkedCoding(section, isHttp11);
  const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
  const bodyLength = !hasBody ? NO_BODY : contentLength === undefined ? UNKNOWN_LENGTH : Number(contentLength);
  const keepAlive = isHttp11 ? !connection.includes("close") : connection.includes("keep-alive");
  return {
    status,
    reason: line.slice(4),
    fields: section.fields,
    bodyLength,
    statedLength: contentLength,
    isChunked: isChunked && hasBody,
    // A body that only the end of the connection ends leaves nothing to be kept.
    keepAlive: keepAlive && (bodyLength !== UNKNOWN_LENGTH || isChunked),
  };
}

function isChunkedCoding({ transferEncoding, contentLength }: FieldSection, isHttp11: boolean): boolean {
  if (transferEncoding === undefined) return false;
  if (transferEncoding.toLowerCase() !== "chunked" || contentLength !== undefined || !isHttp11) {
    throw new BadMessage(502, "framing that two readers could take differently");
  }
  return true;
}
