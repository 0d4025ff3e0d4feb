/** A line of the access log: one JSON object (RFC 8259), all in ASCII. */
import { FixedText, type LineBuffer, quotedText } from "./line_buffer.ts";

/** How a request ended. */
export type Ending = "done" | "own_answer" | "client_gone" | "cut" | "tunnel";

/** Times are ms on the loop's clock; 0 where the phase was not reached. */
export interface LoggedExchange {
  /** Of the back end's response; 0 without. */
  readonly status: number;
  readonly poolName: string;
  /** Key of the back end where it went; -1 where none was reached. */
  readonly lastKey: number;
  readonly verdict: string;
  readonly assignedAt: number;
  readonly sentAt: number;
  readonly respondedAt: number;
  /** Of the response's body. */
  readonly bytesOut: number;
}

/** What a line tells. */
export interface LoggedRequest {
  readonly client: { readonly client: string; readonly isTls: boolean };
  /** Undefined where no head could be read. */
  readonly head: { readonly method: string; readonly host: string; readonly target: string } | undefined;
  /** Undefined where none was begun. */
  readonly exchange: LoggedExchange | undefined;
  readonly status: number;
  readonly bytesIn: number;
  readonly startedAt: number;
  readonly ending: Ending;
  /** Of the request, or "". */
  readonly id: string;
}

/** More than what a client did not choose: keys, numbers, names of pools. */
const OWN_BYTES = 1_024;
/** Of one character that a client chose. */
const ESCAPED_BYTES = 6;

/** Most bytes of the line. */
export function mostBytes({ head }: LoggedRequest): number {
  return head === undefined
    ? OWN_BYTES
    : OWN_BYTES + ESCAPED_BYTES * (head.method.length + head.host.length + head.target.length);
}

/** The beginning of a line. @param time RFC 3339 */
export function lineStart(time: string): FixedText {
  return new FixedText(`{"time":"${time}","client":"`);
}

const STATUS = new FixedText(',"status":');
const BYTES_IN = new FixedText(',"bytes_in":');
const BYTES_OUT = new FixedText(',"bytes_out":');
const WAIT = new FixedText(',"wait_us":');
const CONNECT = new FixedText(',"connect_us":');
const RESPONSE = new FixedText(',"response_us":');
const TRANSFER = new FixedText(',"transfer_us":');
const TOTAL = new FixedText(',"total_us":');
const QUOTE = new FixedText('"');
const ID = new FixedText(',"id":"');
const LINE_END = new FixedText("}\n");
const ENDINGS = Object.fromEntries(
  (["done", "own_answer", "client_gone", "cut", "tunnel"] as const).map((ending) => [
    ending,
    new FixedText(`,"end":"${ending}"`),
  ]),
) as Readonly<Record<Ending, FixedText>>;

/** Writes a line. @param endedAt on the loop's clock */
export function writeLine(out: LineBuffer, start: FixedText, logged: LoggedRequest, endedAt: number): void {
  const { client, head, exchange, startedAt } = logged;
  out.fixed(start);
  out.quoted(client.client);
  out.fixed(client.isTls ? TLS : NO_TLS);
  if (head !== undefined) {
    writeMethodAndHost(out, head);
    out.quoted(head.target);
    out.fixed(QUOTE);
  }
  out.fixed(STATUS);
  out.decimal(logged.status);
  out.fixed(BYTES_IN);
  out.decimal(logged.bytesIn);
  out.fixed(BYTES_OUT);
  out.decimal(exchange === undefined ? 0 : exchange.bytesOut);
  if (exchange !== undefined) {
    out.fixed(whereTo(exchange));
    writePhases(out, exchange, startedAt, endedAt);
  }
  out.fixed(TOTAL);
  out.decimal(microseconds(endedAt - startedAt));
  out.fixed(ENDINGS[logged.ending]);
  if (logged.id !== "") {
    out.fixed(ID);
    out.quoted(logged.id);
    out.fixed(QUOTE);
  }
  out.fixed(LINE_END);
}

const TLS = new FixedText('","tls":true');
const NO_TLS = new FixedText('","tls":false');

/** What the line before said: most requests name its method and host. */
let lastMethod = "";
let lastHost = "";
let lastText = new FixedText("");

function writeMethodAndHost(
  out: LineBuffer,
  { method, host }: { readonly method: string; readonly host: string },
): void {
  if (method !== lastMethod || host !== lastHost) {
    lastText = new FixedText(`,"method":"${quotedText(method)}","host":"${quotedText(host)}","target":"`);
    lastMethod = method;
    lastHost = host;
  }
  out.fixed(lastText);
}

/** Texts of the pools' back ends, by key, as they were persisted to last. */
const places = new Map<number, { pool: string; verdict: string; text: FixedText }>();

/** Keys are few: a back end has one, and -1 is for none. */
function whereTo({ poolName, lastKey, verdict }: LoggedExchange): FixedText {
  const known = places.get(lastKey);
  if (known !== undefined && known.verdict === verdict && known.pool === poolName) return known.text;
  const key = lastKey < 0 ? "null" : lastKey;
  const text = new FixedText(`,"pool":"${poolName}","back_end":${key},"persistence":"${verdict}"`);
  places.set(lastKey, { pool: poolName, verdict, text });
  return text;
}

/** Those that were reached. */
function writePhases(out: LineBuffer, exchange: LoggedExchange, startedAt: number, endedAt: number): void {
  const { assignedAt, sentAt, respondedAt } = exchange;
  if (assignedAt === 0) return;
  out.fixed(WAIT);
  out.decimal(microseconds(assignedAt - startedAt));
  if (sentAt === 0) return;
  out.fixed(CONNECT);
  out.decimal(microseconds(sentAt - assignedAt));
  if (respondedAt === 0) return;
  out.fixed(RESPONSE);
  out.decimal(microseconds(respondedAt - sentAt));
  out.fixed(TRANSFER);
  out.decimal(microseconds(endedAt - respondedAt));
}

/** Of a time that is not negative. After a repetition a phase may have been reached before the one that comes before it. */
function microseconds(ms: number): number {
  return ms > 0 ? Math.round(ms * 1_000) : 0;
}
