/** The head of an HTTP/1 response: RFC 9112 section 4. */
import { HeadBlock } from "../head_block.ts";
import { NO_BODY, type ResponseHead, UNKNOWN_LENGTH } from "../message.ts";
import { Framing } from "./framing.ts";
import { BadMessage, CR, INCOMPLETE, LF, readFields, SPACE, TEXT, whatIsWrong } from "./syntax.ts";

/** A response and what its wire format says of the connection. One object is used again for every response. */
export interface Http1Response extends ResponseHead {
  /** The body comes in chunks; with an unknown length and no chunks it ends with the connection. */
  readonly isChunked: boolean;
  /** The back end lets the connection live on. */
  readonly keepAlive: boolean;
  /** Where the head ends and the body begins. */
  readonly headEnd: number;
}

const framing = new Framing(false);
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
const response: Mutable<Http1Response> = {
  status: 0,
  block: new HeadBlock(new Uint8Array(0)),
  bodyLength: 0,
  statedLength: 0,
  upgrade: "",
  isChunked: false,
  keepAlive: false,
  headEnd: 0,
};

/**
 * Reads the head that starts at `start`, in one pass, into the empty `block`; undefined when the bytes end before it does.
 * `bytes[end]` must be there and 0. A response to HEAD has no body, whatever it says. Throws {@linkcode BadMessage}.
 */
export function parseResponse(
  bytes: Uint8Array,
  start: number,
  end: number,
  method: string,
  block: HeadBlock,
): Http1Response | undefined {
  for (let i = 0; i < 7; i++) {
    if (bytes[start + i] === "HTTP/1.".charCodeAt(i)) continue;
    if (start + i >= end) return undefined;
    throw new BadMessage(502, "malformed status line");
  }
  // "HTTP/1.1 200" and a byte behind it
  if (start + 12 >= end) return undefined;
  const minor = bytes[start + 7]! - 48;
  const status = digit(bytes[start + 9]!) * 100 + digit(bytes[start + 10]!) * 10 + digit(bytes[start + 11]!);
  if ((minor !== 0 && minor !== 1) || bytes[start + 8] !== SPACE || !(status >= 100 && status <= 599)) {
    throw new BadMessage(502, "malformed status line");
  }
  block.clear();
  block.text("HTTP/1.1 ");
  block.decimal(status);
  const out = block.bytes;
  let at = start + 12;
  let to = block.end;
  // The reason phrase may be missing, with its space.
  out[to++] = SPACE;
  if (bytes[at] === SPACE) at++;
  else if (bytes[at] !== CR) throw new BadMessage(502, "malformed status line");
  while (TEXT[bytes[at]!] === 1) out[to++] = bytes[at++]!;
  if (at + 1 >= end) return undefined;
  if (bytes[at] !== CR || bytes[at + 1] !== LF) throw new BadMessage(502, whatIsWrong(bytes[at]!));
  out[to++] = CR;
  out[to++] = LF;
  block.end = to;

  framing.clear();
  const headEnd = readFields(bytes, at + 2, end, block, framing);
  if (headEnd === INCOMPLETE) return undefined;
  framing.dropNamed(block);
  return meaning(status, minor === 1, method, block, headEnd);
}

/** RFC 9112 section 6.3. */
function meaning(status: number, isHttp11: boolean, method: string, block: HeadBlock, headEnd: number): Http1Response {
  const { contentLength, transferEncoding, close, keepAlive, upgrade } = framing;
  const isChunked = transferEncoding !== null;
  if (isChunked && (transferEncoding !== "chunked" || contentLength >= 0 || !isHttp11)) {
    throw new BadMessage(502, "framing that two readers could take differently");
  }
  const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
  const bodyLength = !hasBody ? NO_BODY : contentLength < 0 ? UNKNOWN_LENGTH : contentLength;
  response.status = status;
  response.block = block;
  response.bodyLength = bodyLength;
  response.statedLength = contentLength;
  response.upgrade = upgrade;
  response.isChunked = isChunked && hasBody;
  // A body that only the end of the connection ends leaves nothing to be kept.
  response.keepAlive = (isHttp11 ? !close : keepAlive && !close) && (bodyLength !== UNKNOWN_LENGTH || isChunked);
  response.headEnd = headEnd;
  return response;
}

function digit(byte: number): number {
  return byte >= 48 && byte <= 57 ? byte - 48 : NaN;
}
