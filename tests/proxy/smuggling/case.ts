/** What a byte string of the corpus is, and short words to write one. */

/** What the client must get first; the connection is closed after it. */
export type Refusal = "400" | "413" | "414" | "417" | "431" | "501" | "505";

/** A request as the back end must see it. */
export interface ExpectedRequest {
  readonly method: string;
  readonly target: string;
  /** Its Host; "a" unless told. */
  readonly host?: string;
  /** Its body with the transfer coding taken off; empty unless told. */
  readonly body?: string;
  /** Lines that must be among its fields, names in lower case. */
  readonly has?: readonly string[];
  /** Names that must not be among its fields. */
  readonly lacks?: readonly string[];
  /** The only names that its trailer section may hold; none unless told. A proxy may always drop trailers. */
  readonly trailers?: readonly string[];
}

interface Case {
  /** Says what is odd. */
  readonly name: string;
  /** As latin1: one character a byte. */
  readonly bytes: string;
  readonly rfc: string;
}

export interface RefusedCase extends Case {
  readonly verdict: Refusal;
}

export interface ForwardedCase extends Case {
  readonly verdict: "forwarded";
  /** All that the back end sees of the string. */
  readonly requests: readonly ExpectedRequest[];
  /** The connection ends after these requests; else another one on it is served as well. */
  readonly ends?: true;
  /** The string goes on with what gets this status. */
  readonly then?: Refusal;
  /** Why a peer refuses what we forward. */
  readonly peersRefuse?: string;
}

export type SmugglingCase = RefusedCase | ForwardedCase;

export function refused(verdict: Refusal, rfc: string, name: string, bytes: string): RefusedCase {
  return { name, bytes, verdict, rfc };
}

type Options = Pick<ForwardedCase, "ends" | "then" | "peersRefuse">;

export function forwarded(
  rfc: string,
  name: string,
  bytes: string,
  requests: ExpectedRequest | readonly ExpectedRequest[],
  options: Options = {},
): ForwardedCase {
  return { name, bytes, verdict: "forwarded", rfc, requests: [requests].flat(), ...options };
}

export const GET: ExpectedRequest = { method: "GET", target: "/" };

/** The POST of {@linkcode post} and {@linkcode chunked}. */
export function posted(body: string): ExpectedRequest {
  return { method: "POST", target: "/", body };
}

/** A head with that request line and a good Host. */
export function line(requestLine: string): string {
  return `${requestLine}\r\nHost: a\r\n\r\n`;
}

/** A GET with a good Host and further lines. */
export function get(...lines: readonly string[]): string {
  return ["GET / HTTP/1.1", "Host: a", ...lines, "", ""].join("\r\n");
}

/** A GET with these lines alone. */
export function bare(...lines: readonly string[]): string {
  return ["GET / HTTP/1.1", ...lines, "", ""].join("\r\n");
}

/** A POST with a good Host and further lines, before a body. */
export function post(lines: readonly string[], body: string): string {
  return ["POST / HTTP/1.1", "Host: a", ...lines, "", body].join("\r\n");
}

/** A POST whose chunked body is written as it stands. */
export function chunked(body: string): string {
  return post(["Transfer-Encoding: chunked"], body);
}

/** A last chunk without trailers. */
export const LAST = "0\r\n\r\n";
