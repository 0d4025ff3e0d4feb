/** What a request and a response mean, apart from how a wire format writes them. */

/** Fields in their order; names in lower case. Equal names may occur more than once. */
export class Fields {
  readonly names: string[] = [];
  readonly values: string[] = [];

  add(name: string, value: string): void {
    this.names.push(name);
    this.values.push(value);
  }
}

/** How long a body is: not there, so many bytes, or told only by its end. */
export const NO_BODY = 0;
export const UNKNOWN_LENGTH = -1;

export interface RequestHead {
  readonly method: string;
  /** Origin-form, or `*` of OPTIONS: RFC 9112 section 3.2. */
  readonly target: string;
  /** The Host field, or the authority of an absolute-form target; with its port. */
  readonly host: string;
  /** End-to-end fields without Host and Content-Length. */
  readonly fields: Fields;
  /** All Cookie fields as one, or "". Not among the fields. */
  readonly cookie: string;
  /** Bytes, {@linkcode NO_BODY} or {@linkcode UNKNOWN_LENGTH}. */
  readonly bodyLength: number;
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** End-to-end fields without Content-Length. */
  readonly fields: Fields;
  /** Bytes, {@linkcode NO_BODY} or {@linkcode UNKNOWN_LENGTH}. */
  readonly bodyLength: number;
  /** Content-Length as it stood, where a response without a body has one (HEAD, 304). */
  readonly statedLength: string | undefined;
}

/** RFC 9110 section 9.2.2: may be sent twice. */
export function isIdempotent(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS" || method === "PUT" || method === "DELETE" ||
    method === "TRACE";
}
