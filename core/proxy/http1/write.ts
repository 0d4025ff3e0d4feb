/** Heads as they go out: written anew from their meaning, never passed on raw. RFC 9112. */
import { NO_BODY, type RequestHead, type ResponseHead, UNKNOWN_LENGTH } from "../message.ts";

/** Fields about the client that only we may state; a client's copies are dropped. */
const FORGEABLE = new Set(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]);

export interface RequestPlan {
  readonly request: RequestHead;
  /** The Cookie field for the back end, or "". */
  readonly cookie: string;
  /** Lines about the client, each with its CR LF. */
  readonly identity: string;
  readonly keepAlive: boolean;
}

/** The head of the request to a back end. */
export function requestText({ request, cookie, identity, keepAlive }: RequestPlan): string {
  let text = `${request.method} ${request.target} HTTP/1.1\r\nhost: ${request.host}\r\n`;
  const { names, values } = request.fields;
  for (let i = 0; i < names.length; i++) {
    if (!FORGEABLE.has(names[i]!)) text += `${names[i]}: ${values[i]}\r\n`;
  }
  if (cookie !== "") text += `cookie: ${cookie}\r\n`;
  if (request.bodyLength === UNKNOWN_LENGTH) text += "transfer-encoding: chunked\r\n";
  else if (request.bodyLength !== NO_BODY || STATES_LENGTH.has(request.method)) {
    text += `content-length: ${request.bodyLength}\r\n`;
  }
  text += identity;
  return text + (keepAlive ? "\r\n" : "connection: close\r\n\r\n");
}

/** Methods whose meaning expects a body say that theirs is empty: RFC 9110 section 8.6. */
const STATES_LENGTH = new Set(["POST", "PUT", "PATCH"]);

export interface ResponsePlan {
  readonly response: ResponseHead;
  /** The body goes out in chunks. */
  readonly isChunked: boolean;
  /** Set-Cookie values to add, each behind the field of the same index, or undefined. */
  readonly injected: readonly (string | undefined)[];
  /** The connection ends with this response. */
  readonly close: boolean;
  /** The client speaks HTTP/1.0 and asked to keep the connection: it must be told. */
  readonly confirmKeepAlive: boolean;
}

/** The head of the response to a client. */
export function responseText({ response, isChunked, injected, close, confirmKeepAlive }: ResponsePlan): string {
  let text = `HTTP/1.1 ${response.status} ${response.reason}\r\n`;
  const { names, values } = response.fields;
  for (let i = 0; i < names.length; i++) {
    text += `${names[i]}: ${values[i]}\r\n`;
    if (injected[i] !== undefined) text += `set-cookie: ${injected[i]}\r\n`;
  }
  if (isChunked) text += "transfer-encoding: chunked\r\n";
  // A response without a body may state the length that the body would have (RFC 9110 section 8.6), but not 1xx and 204.
  else if (response.statedLength !== undefined && response.status >= 200 && response.status !== 204) {
    text += `content-length: ${response.statedLength}\r\n`;
  }
  if (close) text += "connection: close\r\n";
  else if (confirmKeepAlive) text += "connection: keep-alive\r\n";
  return text + "\r\n";
}

/** A small, plain page for what no back end answered. */
export function errorResponse(status: number, isHead: boolean, close: boolean): string {
  const reason = REASONS[status] ?? "Error";
  const page = `${status} ${reason}\n`;
  return `HTTP/1.1 ${status} ${reason}\r\ncontent-type: text/plain\r\ncontent-length: ${page.length}\r\n` +
    `cache-control: no-store\r\n${close ? "connection: close\r\n" : ""}\r\n${isHead ? "" : page}`;
}

/** RFC 9110 section 15. */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};
