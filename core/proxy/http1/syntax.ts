/** What the heads of requests and responses have in common: RFC 9112 sections 2 to 6, RFC 9110 section 5. */
import { Fields } from "../message.ts";

/** A message that cannot be served; `status` is what a client gets for it. */
export class BadMessage extends Error {
  override name = "BadMessage";
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Bytes that a token may have: RFC 9110 section 5.6.2. */
const IS_TOKEN = new Uint8Array(256);
for (const byte of new TextEncoder().encode("!#$%&'*+-.^_`|~0123456789")) IS_TOKEN[byte] = 1;
for (let byte = 97; byte <= 122; byte++) IS_TOKEN[byte] = IS_TOKEN[byte - 32] = 1;

const DIGITS = /^[0-9]{1,15}$/;

const HTAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const DEL = 127;

/**
 * Where the head ends that starts at `start`: after its empty line; -1 when it is not all there by `end`. Throws
 * {@linkcode BadMessage} as soon as it meets a control character other than HTAB, or a CR or LF alone
 * (RFC 9110 section 5.5, RFC 9112 section 2.2).
 */
export function headEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if ((byte >= SPACE && byte !== DEL) || byte === HTAB) continue;
    if (byte !== CR) throw new BadMessage(400, byte === LF ? "LF without CR" : "control character");
    if (i + 1 === end) return -1;
    if (bytes[++i] !== LF) throw new BadMessage(400, "CR without LF");
    if (i + 2 < end && bytes[i + 1] === CR && bytes[i + 2] === LF) return i + 3;
  }
  return -1;
}

/** Whether all bytes of the range are those of a token, and there is one. */
export function isToken(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (IS_TOKEN[bytes[i]!] === 0) return false;
  return end > start;
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

  /**
   * Reads the field lines of a head that {@linkcode headEnd} found, from `at` to its empty line. `head` is the same as text, from
   * `start` on. Throws {@linkcode BadMessage}.
   */
  constructor(bytes: Uint8Array, start: number, at: number, end: number, head: string, isRequest: boolean) {
    const last = end - 2;
    while (at < last) {
      let nameEnd = at;
      while (IS_TOKEN[bytes[nameEnd]!] === 1) nameEnd++;
      // A space before the name would be a folded line, one before the colon an old trick.
      if (bytes[nameEnd] !== COLON || nameEnd === at) throw new BadMessage(400, "field name is not a token");
      let from = nameEnd + 1;
      while (bytes[from] === SPACE || bytes[from] === HTAB) from++;
      let lineEnd = from;
      while (bytes[lineEnd] !== CR) lineEnd++;
      let to = lineEnd;
      while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === HTAB)) to--;
      const name = head.slice(at - start, nameEnd - start).toLowerCase();
      this.#take(name, head.slice(from - start, to - start), isRequest);
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
        if (value === "keep-alive" || value === "close") this.connection.push(value);
        else this.#takeConnection(value);
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

  #takeConnection(value: string): void {
    for (const option of value.toLowerCase().split(",")) {
      const trimmed = option.trim();
      this.connection.push(trimmed);
      if (trimmed !== "close" && trimmed !== "keep-alive" && trimmed !== "") this.#named = true;
    }
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
