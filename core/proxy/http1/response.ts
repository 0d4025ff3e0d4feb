/** The head of an HTTP/1 response: RFC 9112 section 4. */
import { NO_BODY, type ResponseHead, UNKNOWN_LENGTH } from "../message.ts";
import { BadMessage, FieldSection } from "./syntax.ts";

/** A response and what its wire format says of the connection. */
export interface Http1Response extends ResponseHead {
  /** The body comes in chunks; with an unknown length and no chunks it ends with the connection. */
  readonly isChunked: boolean;
  /** The back end lets the connection live on. */
  readonly keepAlive: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: (.*))?$/;

/**
 * Reads a head, from its first byte to its empty line. A response to HEAD has no body, whatever it says.
 * Throws {@linkcode BadMessage} with status 502.
 */
export function parseResponse(head: string, method: string): Http1Response {
  const lineEnd = head.indexOf("\r\n");
  const line = STATUS_LINE.exec(head.slice(0, Math.max(lineEnd, 0)));
  if (!line) throw new BadMessage(502, "malformed status line");
  const status = Number(line[2]);
  const section = fieldsOf(head, lineEnd + 2);
  const { contentLength, connection } = section;
  const isHttp11 = line[1] === "1";
  const isChunked = isChunkedCoding(section, isHttp11);
  const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
  const bodyLength = !hasBody ? NO_BODY : contentLength === undefined ? UNKNOWN_LENGTH : Number(contentLength);
  const keepAlive = isHttp11 ? !connection.includes("close") : connection.includes("keep-alive");
  return {
    status,
    reason: line[3] ?? "",
    fields: section.fields,
    bodyLength,
    statedLength: contentLength,
    isChunked: isChunked && hasBody,
    // A body that only the end of the connection ends leaves nothing to be kept.
    keepAlive: keepAlive && (bodyLength !== UNKNOWN_LENGTH || isChunked),
  };
}

function fieldsOf(head: string, at: number): FieldSection {
  try {
    return new FieldSection(head, at, false);
  } catch (error) {
    if (error instanceof BadMessage) throw new BadMessage(502, error.message);
    throw error;
  }
}

function isChunkedCoding({ transferEncoding, contentLength }: FieldSection, isHttp11: boolean): boolean {
  if (transferEncoding === undefined) return false;
  if (transferEncoding.toLowerCase() !== "chunked" || contentLength !== undefined || !isHttp11) {
    throw new BadMessage(502, "framing that two readers could take differently");
  }
  return true;
}
