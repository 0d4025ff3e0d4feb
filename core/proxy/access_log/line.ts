/** A line of the access log: one JSON object (RFC 8259), all in ASCII. */

/** How a request ended. */
export type Ending = "done" | "own_answer" | "client_gone" | "cut" | "tunnel";

/** What a line tells. Times are ms on the loop's clock; 0 where the phase was not reached. */
export interface LoggedRequest {
  readonly method: string;
  readonly host: string;
  readonly target: string;
}

export interface LoggedExchange {
  /** Of the back end's response; 0 without. */
  readonly status: number;
  /** Where it went, when it did. */
  readonly poolName: string;
  readonly lastKey: number;
  readonly verdict: string;
  readonly assignedAt: number;
  readonly sentAt: number;
  readonly respondedAt: number;
  /** Of the response's body. */
  readonly bytesOut: number;
}

export interface LoggedClient {
  readonly client: string;
  readonly isTls: boolean;
}

/**
 * @param time RFC 3339
 * @param request undefined where no head could be read
 * @param exchange undefined where none was begun
 */
export function accessLine(
  time: string,
  client: LoggedClient,
  request: LoggedRequest | undefined,
  exchange: LoggedExchange | undefined,
  status: number,
  bytesIn: number,
  startedAt: number,
  endedAt: number,
  ending: Ending,
  id: string,
): string {
  const total = microseconds(endedAt - startedAt);
  // Of what a target may hold the backslash alone needs another form in JSON; the reader of heads lets no quote through.
  if (request === undefined || exchange === undefined || exchange.respondedAt === 0 || request.target.includes("\\")) {
    return unusualLine(time, client, request, exchange, status, bytesIn, startedAt, endedAt, ending, id);
  }
  const { poolName, lastKey, verdict, bytesOut, assignedAt, sentAt, respondedAt } = exchange;
  const wait = microseconds(assignedAt - startedAt);
  const connect = microseconds(sentAt - assignedAt);
  const response = microseconds(respondedAt - sentAt);
  const transfer = microseconds(endedAt - respondedAt);
  // One template: half the cost of several that are joined, a third of JSON.stringify().
  return `{"time":"${time}","client":"${client.client}","tls":${client.isTls},"method":"${request.method}","host":"${request.host}","target":"${request.target}","status":${status},"bytes_in":${bytesIn},"bytes_out":${bytesOut},"pool":"${poolName}","back_end":${lastKey},"persistence":"${verdict}","wait_us":${wait},"connect_us":${connect},"response_us":${response},"transfer_us":${transfer},"total_us":${total},"end":"${ending}"${
    id === "" ? "" : `,"id":"${id}"`
  }}\n`;
}

/** Any line. As {@linkcode accessLine}. */
function unusualLine(
  ...[time, client, request, exchange, status, bytesIn, startedAt, endedAt, ending, id]: Parameters<typeof accessLine>
): string {
  const { assignedAt = 0, sentAt = 0, respondedAt = 0 } = exchange ?? {};
  const phase = (from: number, to: number) => from > 0 && to > 0 ? microseconds(to - from) : undefined;
  return JSON.stringify({
    time,
    client: client.client,
    tls: client.isTls,
    method: request?.method,
    host: request?.host,
    target: request?.target,
    status,
    bytes_in: bytesIn,
    bytes_out: exchange?.bytesOut ?? 0,
    pool: exchange?.poolName,
    back_end: exchange === undefined ? undefined : exchange.lastKey < 0 ? null : exchange.lastKey,
    persistence: exchange?.verdict,
    wait_us: phase(startedAt, assignedAt),
    connect_us: phase(assignedAt, sentAt),
    response_us: phase(sentAt, respondedAt),
    transfer_us: phase(respondedAt, endedAt),
    total_us: microseconds(endedAt - startedAt),
    end: ending,
    id: id === "" ? undefined : id,
  }) + "\n";
}

function microseconds(ms: number): number {
  return Math.round(ms * 1_000);
}
