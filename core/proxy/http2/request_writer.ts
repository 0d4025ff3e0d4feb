/** Requests to back ends of HTTP/2: RFC 9113 section 8.3.1. */
import { COOKIE, HOST } from "../field_names.ts";
import { statesLength, writeLength } from "../http1/write.ts";
import { NO_BODY, type RequestHead } from "../message.ts";

/**
 * Completes the fields of a request, which stand behind the first line of its block. What is not HTTP/2's is left out: Host is said
 * by :authority, the body's end by a flag.
 * @param cookie the Cookie field for the back end, or ""
 * @param identity lines about the client, each with its CR LF
 */
export function finishHttp2Request(request: RequestHead, cookie: string, identity: string): void {
  const { block, bodyLength } = request;
  for (let i = block.count - 1; i >= 0; i--) if (block.numberOf(i) === HOST) block.remove(i);
  if (cookie !== "") block.field(COOKIE, cookie);
  if (bodyLength > 0 || bodyLength === NO_BODY && statesLength(request.method)) writeLength(block, bodyLength);
  if (request.expectsContinue) block.text("expect: 100-continue\r\n");
  if (request.acceptsTrailers) block.text("te: trailers\r\n");
  block.text(identity);
}
