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
  let line = `{"time":"${time}","client":"${client.client}","tls":${client.isTls ? "true" : "false"}`;
  if (request !== undefined) {
    line += `,"method":"${request.method}","host":"${request.host}","target":${quoted(request.target)}`;
  }
  line += `,"status":${status},"bytes_in":${bytesIn}`;
  if (exchange === undefined) line += `,"bytes_out":0`;
  else {
    const { poolName, lastKey, verdict, bytesOut, assignedAt, sentAt, respondedAt } = exchange;
    line += `,"bytes_out":${bytesOut},"pool":"${poolName}","back_end":${lastKey < 0 ? "null" : lastKey}` +
      `,"persistence":"${verdict}"`;
    if (assignedAt > 0) line += `,"wait_us":${microseconds(assignedAt - startedAt)}`;
    if (sentAt > 0) line += `,"connect_us":${microseconds(sentAt - assignedAt)}`;
    if (respondedAt > 0) {
      line += `,"response_us":${microseconds(respondedAt - sentAt)},"transfer_us":${
        microseconds(endedAt - respondedAt)
      }`;
    }
  }
  line += `,"total_us":${microseconds(endedAt - startedAt)},"end":"${ending}"`;
  return id === "" ? `${line}}\n` : `${line},"id":"${id}"}\n`;
}

function microseconds(ms: number): number {
  return Math.round(ms * 1_000);
}

/** Of what a target may hold the backslash alone needs another form in JSON; the reader of heads lets no quote through. */
function quoted(target: string): string {
  return target.includes("\\") ? JSON.stringify(target) : `"${target}"`;
}
