/** Our own answers to requests of HTTP/2: error pages, redirects, pages of the cache; in the way of gRPC where that asks. */
import { writeAnswer } from "../../speederize/answer.ts";
import type { Speederizer } from "../../speederize/speederizer.ts";
import type { ClientContext } from "../client_context.ts";
import { OUTPUT } from "../connection.ts";
import { HeadBlock } from "../head_block.ts";
import { encodeLatin1 } from "../http1/latin1.ts";
import { errorResponse } from "../http1/write.ts";
import type { RequestHead } from "../message.ts";
import type { ServedRequest } from "../served_request.ts";
import type { Sender } from "./sender.ts";
import type { Http2Stream } from "./stream.ts";

const OWN = new HeadBlock(OUTPUT);
const GRPC = "application/grpc";
/** What a status of HTTP means to a client of gRPC: its document http-grpc-status-mapping.md; 2 (UNKNOWN) for all others. */
const GRPC_STATUSES: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};
const GRPC_UNKNOWN = 2;

/** Answers by an error page. @param served null where no request could be read */
export function answerByPage<Owner>(
  sender: Sender<Owner>,
  stream: Http2Stream<Owner>,
  context: ClientContext,
  served: ServedRequest | null,
  status: number,
  lines: string,
): void {
  if (served !== null) served.ownStatus = status;
  if (stream.isClosed) return;
  if (served !== null && isGrpc(served.head)) return answerGrpc(sender, stream, status, lines);
  const text = errorResponse(status, false, false, lines, context.errorPages.get(status));
  // Without the empty line.
  const headEnd = text.indexOf("\r\n\r\n") + 2;
  const page = new Uint8Array(text.length - headEnd - 2);
  encodeLatin1(text.slice(headEnd + 2), page, 0);
  OWN.end = encodeLatin1(text.slice(0, headEnd), OUTPUT, 0);
  send(sender, stream, status, served?.head.method === "HEAD" ? null : page);
}

/** Answers from the cache; false when a back end must be asked. */
export function answerFromCache<Owner>(
  sender: Sender<Owner>,
  stream: Http2Stream<Owner>,
  served: ServedRequest,
  speed: Speederizer,
  lines: string,
): boolean {
  const { head, identity } = served;
  const answer = speed.answer(head, identity, Date.now());
  if (answer === null) return false;
  const { isUnchanged, page } = answer;
  served.ownStatus = isUnchanged ? 304 : 200;
  // Without the empty line.
  OWN.end = writeAnswer(answer, served.responseLines + lines, OUTPUT) - 2;
  send(sender, stream, served.ownStatus, head.method === "HEAD" || isUnchanged ? null : page.body);
  return true;
}

/** The head is in {@linkcode OWN}. */
function send<Owner>(
  sender: Sender<Owner>,
  stream: Http2Stream<Owner>,
  status: number,
  body: Uint8Array<ArrayBuffer> | null,
): void {
  const isLast = body === null || body.length === 0;
  sender.head(stream, status, OWN, isLast);
  if (!isLast) sender.body(stream, body, 0, body.length, true, null);
}

function isGrpc({ block }: RequestHead): boolean {
  const type = block.fieldValue("content-type");
  return type !== undefined && type.startsWith(GRPC);
}

/** Its clients look for trailers, which may be all that there is. */
function answerGrpc<Owner>(sender: Sender<Owner>, stream: Http2Stream<Owner>, status: number, lines: string): void {
  const grpcStatus = GRPC_STATUSES[status] ?? GRPC_UNKNOWN;
  const text = `HTTP/1.1 200 OK\r\ncontent-type: ${GRPC}\r\ngrpc-status: ${grpcStatus}\r\n` +
    `grpc-message: HTTP ${status} of the load balancer\r\n${lines}`;
  OWN.end = encodeLatin1(text, OUTPUT, 0);
  sender.head(stream, 200, OWN, true);
}
