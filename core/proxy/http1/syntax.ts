/** What the heads of requests and responses have in common: RFC 9112 sections 2 to 6, RFC 9110 section 5. */
import { Fields } from "../message.ts";

/** A message that cannot be served; `status` is what a client gets for it. */
export class BadMessage extends Error {
  override name = "BadMessage";
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** RFC 9110 section 5.6.2. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Controls other than HTAB, and CR or LF alone: RFC 9110 section 5.5, RFC 9112 section 2.2. */
// deno-lint-ignore no-control-regex
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
const DIGITS = /^[0-9]{1,15}$/;

const LF = 10;
const CR = 13;

/** Where the head ends that starts at `start`: after its empty line; -1 when it is not all there by `end`. */
export function headEnd(bytes: Uint8Array, start: number, end: number): number {
  let lf = bytes.indexOf(LF, start);
  while (lf >= 0 && lf < end) {
    const next = lf + 1;
    if (next + 1 < end && bytes[next] === CR && bytes[next + 1] === LF) return next + 2;
    // Two bare LF would never end a head here: such a head is malformed, and its end is where its sender meant it.
    if (next < end && bytes[next] === LF) return next + 1;
    lf = bytes.indexOf(LF, next);
  }
  return -1;
}

/** Fields that concern framing and connection, taken out of the others. */
export class FieldSection {
  readonly fields = new Fields();
  readonly hosts: string[] = [];
  contentLength: string | undefined;
  transferEncoding: string | undefined;
  /** Lower case, without spaces. */
  connection: string[] = [];
  cookie = "";
  #named = false;

  /** Reads the field lines of a head from `at` on, up to its empty line. Throws {@linkcode BadMessage}. */
  constructor(head: string, at: number, isRequest: boolean) {
    if (FORBIDDEN.test(head)) throw new BadMessage(400, "control character, or CR or LF alone");
    const end = head.length - 2;
    while (at < end) {
      const lineEnd = head.indexOf("\r\n", at);
      const colon = head.indexOf(":", at);
      if (colon < 0 || colon > lineEnd) throw new BadMessage(400, "field line without colon");
      const name = head.slice(at, colon);
      // A leading space would be a folded line, one before the colon an old trick: neither is a token.
      if (!TOKEN.test(name)) throw new BadMessage(400, "field name is not a token");
      this.#take(name.toLowerCase(), trim(head, colon + 1, lineEnd), isRequest);
      at = lineEnd + 2;
    }
    if (this.#named) this.#dropNamed();
  }

  #take(name: string, value: string, isRequest: boolean): void {
    switch (name) {
      case "host":
        this.hosts.push(value);
        return;
      case "content-length":
        if (!DIGITS.test(value)) throw new BadMessage(400, "Content-Length is not a number");
        if (this.contentLength !== undefined && this.contentLength !== value) {
          throw new BadMessage(400, "two Content-Lengths that differ");
        }
        this.contentLength = value;
        return;
      case "transfer-encoding":
        this.transferEncoding = this.transferEncoding === undefined ? value : `${this.transferEncoding},${value}`;
        return;
      case "connection":
        for (const option of value.toLowerCase().split(",")) {
          const trimmed = option.trim();
          this.connection.push(trimmed);
          if (trimmed !== "close" && trimmed !== "keep-alive" && trimmed !== "") this.#named = true;
        }
        return;
      // Hop-by-hop: RFC 9110 section 7.6.1.
      case "keep-alive":
      case "proxy-connection":
      case "te":
      case "trailer":
      case "upgrade":
        return;
      case "cookie":
        if (!isRequest) break;
        this.cookie = this.cookie === "" ? value : `${this.cookie}; ${value}`;
        return;
    }
    this.fields.add(name, value);
  }

  /** Removes the fields that Connection names. */
  #dropNamed(): void {
    const { names, values } = this.fields;
    let kept = 0;
    for (let i = 0; i < names.length; i++) {
      if (this.connection.includes(names[i]!)) continue;
      names[kept] = names[i]!;
      values[kept++] = values[i]!;
    }
    names.length = values.length = kept;
    if (this.connection.includes("cookie")) this.cookie = "";
  }
}

/** The slice without spaces and tabs around it. */
function trim(text: string, start: number, end: number): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
