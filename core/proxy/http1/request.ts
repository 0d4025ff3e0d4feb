/** The head of an HTTP/1 request: RFC 9112 section 3. */
import { NO_BODY, type RequestHead, UNKNOWN_LENGTH } from "../message.ts";
import { decodeLatin1 } from "./latin1.ts";
import { BadMessage, FieldSection, isToken } from "./syntax.ts";

/** A request and what its wire format says of the connection. */
export interface Http1Request extends RequestHead {
  /** False for an HTTP/1.0 client: it knows neither chunks nor 1xx. */
  readonly isHttp11: boolean;
  /** The client lets the connection live on. */
  readonly keepAlive: boolean;
}

/** reg-name, IPv4 or IPv6 literal, and a port: RFC 3986 section 3.2.2. */
const HOST = /^(?:[A-Za-z0-9\-._~%!$&'()*+,;=]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$/;
/** Visible ASCII: a target has no spaces, and bytes above are to be percent-encoded (RFC 3986 section 2). */
const TARGET = /^[\x21-\x7e]+$/;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;
const VERSION = /^HTTP\/[0-9]\.[0-9]$/;
/** Longest target: RFC 9112 section 3 asks for 8,000 at least. */
const MAX_TARGET = 16_384;

/**
 * Reads the head from `start` to `end`, which {@linkcode headEnd} found.
 * Throws {@linkcode BadMessage} with the status that the client gets.
 */
export function parseRequest(bytes: Uint8Array, start: number, end: number): Http1Request {
  const head = decodeLatin1(bytes, start, end);
  const lineEnd = head.indexOf("\r\n");
  const methodEnd = head.indexOf(" ");
  const targetEnd = head.indexOf(" ", methodEnd + 1);
  if (targetEnd < 0 || targetEnd > lineEnd || !isToken(bytes, start, start + methodEnd)) {
    throw new BadMessage(400, "malformed request line");
  }
  const method = head.slice(0, methodEnd);
  const target = head.slice(methodEnd + 1, targetEnd);
  const isHttp11 = checkVersion(head.slice(targetEnd + 1, lineEnd));
  if (target.length > MAX_TARGET) throw new BadMessage(414, "target too long");
  if (!TARGET.test(target)) throw new BadMessage(400, "character that a target cannot have");
  const section = new FieldSection(bytes, start, start + lineEnd + 2, end, head, true);
  const { host, path } = placeOf(method, target, section.hosts, isHttp11);
  const { connection } = section;
  return {
    method,
    target: path,
    host,
    fields: section.fields,
    cookie: section.cookie,
    bodyLength: bodyLength(section, isHttp11),
    isHttp11,
    keepAlive: isHttp11
      ? !connection.includes("close")
      : connection.includes("keep-alive") && !connection.includes("close"),
  };
}

/** True for HTTP/1.1 and later minor versions, false for HTTP/1.0. */
function checkVersion(version: string): boolean {
  if (version === "HTTP/1.1") return true;
  if (!VERSION.test(version)) throw new BadMessage(400, "malformed HTTP version");
  if (version[5] !== "1") throw new BadMessage(505, `version ${version}`);
  return version !== "HTTP/1.0";
}

/** RFC 9112 section 3.2: which host, which path. */
function placeOf(method: string, target: string, hosts: readonly string[], isHttp11: boolean) {
  if (hosts.length > 1) throw new BadMessage(400, "more than one Host");
  if (hosts.length === 0 && isHttp11) throw new BadMessage(400, "no Host");
  const host = hosts[0] ?? "";
  if (host !== "" && !HOST.test(host)) throw new BadMessage(400, "invalid Host");
  if (target[0] === "/") return { host, path: target };
  if (target === "*" && method === "OPTIONS") return { host, path: target };
  const absolute = ABSOLUTE.exec(target);
  if (!absolute || method === "CONNECT") throw new BadMessage(400, "target is neither a path nor an http URL");
  const [, authority, rest] = absolute;
  if (!HOST.test(authority!)) throw new BadMessage(400, "invalid authority in the target");
  return { host: authority!, path: rest![0] === "/" ? rest! : `/${rest}` };
}

/** RFC 9112 section 6.3. */
function bodyLength(section: FieldSection, isHttp11: boolean): number {
  const { contentLength, transferEncoding } = section;
  if (transferEncoding === undefined) return contentLength === undefined ? NO_BODY : Number(contentLength);
  if (contentLength !== undefined) throw new BadMessage(400, "Content-Length beside Transfer-Encoding");
  if (!isHttp11) throw new BadMessage(400, "Transfer-Encoding in HTTP/1.0");
  const codings = transferEncoding.toLowerCase().split(",").map((coding) => coding.trim());
  if (codings.length === 1 && codings[0] === "chunked") return UNKNOWN_LENGTH;
  if (codings.at(-1) !== "chunked" || codings.indexOf("chunked") !== codings.length - 1) {
    throw new BadMessage(400, "chunked is not the last transfer coding, once");
  }
  throw new BadMessage(501, `transfer coding ${codings[0]}`);
}
