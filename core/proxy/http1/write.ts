/** What HTTP/1.1 adds to a head before it goes out. RFC 9112. */
import { COOKIE } from "../field_names.ts";
import type { HeadBlock } from "../head_block.ts";
import { NO_BODY, type RequestHead, type ResponseHead, UNKNOWN_LENGTH } from "../message.ts";

/** Methods whose meaning expects a body say that theirs is empty: RFC 9110 section 8.6. */
const STATES_LENGTH = new Set(["POST", "PUT", "PATCH"]);

export function statesLength(method: string): boolean {
  return STATES_LENGTH.has(method);
}

/**
 * Completes the head of a request to a back end.
 * @param cookie the Cookie field for the back end, or ""
 * @param identity lines about the client, each with its CR LF
 */
export function finishRequest(request: RequestHead, cookie: string, identity: string, keepAlive: boolean): void {
  const { block, bodyLength } = request;
  if (cookie !== "") block.field(COOKIE, cookie);
  if (bodyLength === UNKNOWN_LENGTH) block.text("transfer-encoding: chunked\r\n");
  else if (bodyLength !== NO_BODY || statesLength(request.method)) writeLength(block, bodyLength);
  if (request.expectsContinue) block.text("expect: 100-continue\r\n");
  block.text(identity);
  if (request.upgrade !== "") block.text(`connection: upgrade\r\nupgrade: ${request.upgrade}\r\n\r\n`);
  else if (!keepAlive) block.text(request.acceptsTrailers ? "connection: close, te\r\nte: trailers\r\n\r\n" : CLOSE);
  else block.text(request.acceptsTrailers ? "connection: te\r\nte: trailers\r\n\r\n" : "\r\n");
}

const CLOSE = "connection: close\r\n\r\n";

/**
 * Completes the head of a response to a client.
 * @param lines of ours, each with its CR LF
 */
export function finishResponse(
  response: ResponseHead,
  isChunked: boolean,
  lines: string,
  connection: "" | "close" | "keep-alive",
): void {
  const { block, status, statedLength } = response;
  if (isChunked) block.text("transfer-encoding: chunked\r\n");
  // A response without a body may state the length that the body would have (RFC 9110 section 8.6), but not 1xx and 204.
  else if (statedLength >= 0 && status >= 200 && status !== 204) writeLength(block, statedLength);
  if (lines !== "") block.text(lines);
  if (connection === "close") block.text(CLOSE);
  else block.text(connection === "" ? "\r\n" : "connection: keep-alive\r\n\r\n");
}

/** Completes the head of 101 (Switching Protocols). */
export function finishUpgrade({ block, upgrade }: ResponseHead): void {
  block.text(`connection: upgrade\r\nupgrade: ${upgrade}\r\n\r\n`);
}

export function writeLength(block: HeadBlock, length: number): void {
  block.text("content-length: ");
  block.decimal(length);
  block.text("\r\n");
}

/**
 * A page for what no back end answered: the operator's, or a small, plain one.
 * @param lines further fields, each with its CR LF
 */
export function errorResponse(
  status: number,
  isHead: boolean,
  close: boolean,
  lines: string,
  page: { readonly type: string; readonly body: string } | undefined,
): string {
  const reason = REASONS[status] ?? "Error";
  const { type, body } = page ?? { type: "text/plain", body: `${status} ${reason}\n` };
  return `HTTP/1.1 ${status} ${reason}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n` +
    `cache-control: no-store\r\n${lines}${close ? "connection: close\r\n" : ""}\r\n${isHead ? "" : body}`;
}

/** RFC 9110 section 15. */
const REASONS: Readonly<Record<number, string>> = {
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  417: "Expectation Failed",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};
