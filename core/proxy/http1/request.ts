/** The head of an HTTP/1 request: RFC 9112 section 3. */
import { HOST } from "../field_names.ts";
import type { HeadBlock } from "../head_block.ts";
import { NO_BODY, type RequestHead, UNKNOWN_LENGTH } from "../message.ts";
import { isAuthority } from "./authority.ts";
import { Framing } from "./framing.ts";
import { trimWhitespace } from "./whitespace.ts";
import { decodeLatin1 } from "./latin1.ts";
import { BadMessage, CR, INCOMPLETE, LF, readFields, SPACE, TOKEN, whatIsWrong } from "./syntax.ts";

const ABSOLUTE = /^https?:\/\/([^/?]*)(.*)$/i;
/**
 * Visible ASCII without what RFC 3986 excludes and no browser sends; "#" begins a fragment, which is no part of a target (RFC 9112
 * section 3.2). Browsers do send others that it excludes, as "|", and in a query the backslash too.
 */
const QUERY = new Uint8Array(256).fill(1, 0x21, 0x7f);
for (const excluded of new TextEncoder().encode('#"<>')) QUERY[excluded] = 0;
const PATH = Uint8Array.from(QUERY);
for (const excluded of new TextEncoder().encode("\\?")) PATH[excluded] = 0;
/** Longest target: RFC 9112 section 3 asks for 8,000 at least. */
const MAX_TARGET = 16_384;
/** Longest method: registered ones have 17 letters at most. */
const MAX_METHOD = 32;
const SLASH = 47;
const QUESTION_MARK = 63;
const ASTERISK = 42;
/** Protocols that are HTTP or TLS again: to go over to them would lead past every rule of ours. */
const FORBIDDEN_UPGRADE = /(?:^|[,\s])(?:h2c|tls|http)(?:[,/\s]|$)/i;

const framing = new Framing(true);
/** The last host that was found to be valid: most requests name it again. */
let validHost = "";

/** Where the head ends that {@linkcode parseRequest} read last: its body begins there. */
export let requestHeadEnd = 0;

/**
 * Reads the head that starts at `start`, in one pass, into the empty `block`; undefined when the bytes end before it does.
 * `bytes[end]` must be there and 0. Throws {@linkcode BadMessage} with the status that the client gets.
 * @param keepsForwarded the client is a proxy that is believed
 */
export function parseRequest(
  bytes: Uint8Array,
  start: number,
  end: number,
  block: HeadBlock,
  keepsForwarded = false,
): RequestHead | undefined {
  const out = block.bytes;
  let at = start;
  let to = 0;
  while (TOKEN[bytes[at]!] !== 0) out[to++] = bytes[at++]!;
  if (at - start > MAX_METHOD) throw new BadMessage(501, "method too long");
  if (at >= end) return undefined;
  if (bytes[at] !== SPACE || at === start) throw new BadMessage(400, "malformed request line");
  const method = methodText(bytes, start, at);
  out[to++] = SPACE;
  const targetAt = ++at;
  while (PATH[bytes[at]!] === 1) out[to++] = bytes[at++]!;
  if (bytes[at] === QUESTION_MARK) { while (QUERY[bytes[at]!] === 1) out[to++] = bytes[at++]!; }
  if (at - targetAt > MAX_TARGET) throw new BadMessage(414, "target too long");
  if (at >= end) return undefined;
  if (bytes[at] !== SPACE || at === targetAt) throw new BadMessage(400, "malformed request line");
  const target = decodeLatin1(bytes, targetAt, at);
  const versionAt = at + 1;
  const lineEnd = versionAt + 8;
  if (lineEnd + 1 >= end) return checkPartOfVersion(bytes, versionAt, end);
  const isHttp11 = versionOf(bytes, versionAt);
  if (bytes[lineEnd] !== CR || bytes[lineEnd + 1] !== LF) {
    throw new BadMessage(400, "malformed end of the request line");
  }

  block.end = to;
  // RFC 9110 section 9.3.6: a tunnel to anywhere is no gateway's to make.
  if (method === "CONNECT") throw new BadMessage(400, "CONNECT");
  const authority = bytes[targetAt] === SLASH ? undefined : otherForm(method, target, bytes[targetAt]!, block);
  block.text(" HTTP/1.1\r\n");
  framing.clear();
  framing.keepsForwarded = keepsForwarded;
  const headEnd = readFields(bytes, lineEnd + 2, end, block, framing);
  if (headEnd === INCOMPLETE) return undefined;
  requestHeadEnd = headEnd;
  framing.dropNamed(block);
  const host = checkHost(isHttp11, authority !== undefined);
  if (authority !== undefined || host === "") writeHost(block, authority?.host ?? host);
  const { cookie, forwarded, acceptsTrailers, close, keepAlive, listsUpgrade, upgrade, expectsContinue } = framing;
  const bodyLength = lengthOf(isHttp11);
  // RFC 9110 section 9.3.8
  if (method === "TRACE" && bodyLength !== NO_BODY) throw new BadMessage(400, "TRACE with a body");
  return {
    method,
    target: authority?.path ?? target,
    host: authority?.host ?? host,
    block,
    cookie,
    forwarded,
    bodyLength,
    // RFC 9110 section 10.1.1: HTTP/1.0 knows no 100, and without a body there is nothing to wait for.
    expectsContinue: expectsContinue && isHttp11 && bodyLength !== NO_BODY,
    acceptsTrailers: acceptsTrailers && isHttp11,
    upgrade: listsUpgrade && isHttp11 && bodyLength === NO_BODY && !FORBIDDEN_UPGRADE.test(upgrade) ? upgrade : "",
    isHttp11,
    keepAlive: isHttp11 ? !close : keepAlive && !close,
  };
}

function methodText(bytes: Uint8Array, start: number, end: number): string {
  // "GET"
  if (end - start === 3 && bytes[start] === 71 && bytes[start + 1] === 69 && bytes[start + 2] === 84) return "GET";
  return decodeLatin1(bytes, start, end);
}

/** True for HTTP/1.1 and later minor versions, false for HTTP/1.0. */
function versionOf(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 5; i++) {
    if (bytes[at + i] !== "HTTP/".charCodeAt(i)) throw new BadMessage(400, "malformed version");
  }
  const major = bytes[at + 5]! - 48;
  const minor = bytes[at + 7]! - 48;
  if (bytes[at + 6] !== 46 || major < 0 || major > 9 || minor < 0 || minor > 9) {
    throw new BadMessage(400, "malformed version");
  }
  if (major !== 1) throw new BadMessage(505, `version ${major}.${minor}`);
  return minor > 0;
}

/** The bytes end within the version: what is there must be allowed at least. */
function checkPartOfVersion(bytes: Uint8Array, at: number, end: number): undefined {
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte <= SPACE && byte !== CR) throw new BadMessage(400, whatIsWrong(byte));
  }
}

/** A target that is no path: RFC 9112 sections 3.2.2 to 3.2.4. Writes the request line anew for an absolute form. */
function otherForm(method: string, target: string, first: number, block: HeadBlock) {
  if (first === ASTERISK && target === "*" && method === "OPTIONS") return undefined;
  const absolute = ABSOLUTE.exec(target);
  if (!absolute) throw new BadMessage(400, "target is neither a path nor an http URL");
  const [, host, rest] = absolute;
  if (!isAuthority(host!)) throw new BadMessage(400, "invalid authority in the target");
  // RFC 9112 section 3.2.4: OPTIONS of a server as a whole.
  const path = rest === "" && method === "OPTIONS" ? "*" : rest![0] === "/" ? rest! : `/${rest}`;
  block.clear();
  block.text(`${method} ${path}`);
  return { host: host!, path };
}

/** RFC 9112 section 3.2: exactly one Host, and a valid one; an absolute target stands in for one that is empty. */
function checkHost(isHttp11: boolean, isAbsolute: boolean): string {
  const { hosts, host } = framing;
  if (hosts > 1) throw new BadMessage(400, "more than one Host");
  if (hosts === 0 && isHttp11) throw new BadMessage(400, "no Host");
  if (hosts === 0 || host === validHost || (host === "" && isAbsolute)) return host;
  if (!isAuthority(host)) throw new BadMessage(400, "invalid Host");
  validHost = host;
  return host;
}

/** The authority of an absolute form takes the place of Host (RFC 9112 section 3.2.2); a back end always gets one Host. */
function writeHost(block: HeadBlock, host: string): void {
  for (let i = block.count - 1; i >= 0; i--) if (block.numberOf(i) === HOST) block.remove(i);
  block.field(HOST, host);
}

/** RFC 9112 section 6.3. */
function lengthOf(isHttp11: boolean): number {
  const { contentLength, transferEncoding } = framing;
  if (transferEncoding === null) return contentLength < 0 ? NO_BODY : contentLength;
  if (contentLength >= 0) throw new BadMessage(400, "Content-Length beside Transfer-Encoding");
  if (!isHttp11) throw new BadMessage(400, "Transfer-Encoding in HTTP/1.0");
  if (transferEncoding === "chunked") return UNKNOWN_LENGTH;
  const codings = transferEncoding.split(",").map(trimWhitespace);
  if (codings.at(-1) !== "chunked" || new Set(codings).size < codings.length || codings.includes("")) {
    throw new BadMessage(400, "chunked is not the last transfer coding, or one is repeated or empty");
  }
  throw new BadMessage(501, `transfer coding ${codings[0]}`);
}
