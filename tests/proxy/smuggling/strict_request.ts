/** A small, strict reader of what arrives at a back end: RFC 9112, string by string, with no leniency and no limits. */

export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  /** Lines, names in lower case. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

export type Reading =
  | { readonly kind: "request"; readonly request: SeenRequest; readonly rest: string }
  | { readonly kind: "incomplete"; readonly hasHead: boolean }
  | { readonly kind: "malformed"; readonly why: string };

class Malformed extends Error {}
const INCOMPLETE = Symbol("incomplete");

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.[01]$`);
const FIELD = new RegExp(`^(${TOKEN}):[ \\t]*((?:[\\t\\x20-\\x7e\\x80-\\xff]*[\\x21-\\x7e\\x80-\\xff])?)[ \\t]*$`);
const SIZE = /^[0-9a-f]{1,12}$/i;

/** Reads the request at the beginning of the text. */
export function readRequest(text: string): Reading {
  const headEnd = text.indexOf("\r\n\r\n");
  try {
    if (headEnd < 0) return { kind: "incomplete", hasHead: false };
    const [requestLine, ...lines] = text.slice(0, headEnd).split("\r\n");
    const parts = REQUEST_LINE.exec(requestLine!);
    if (!parts) throw new Malformed(`request line ${JSON.stringify(requestLine)}`);
    const fields = lines.map(fieldLine);
    if (valuesOf(fields, "host").length !== 1) throw new Malformed(`not one Host: ${JSON.stringify(fields)}`);
    const body = readBody(fields, text.slice(headEnd + 4));
    if (body === INCOMPLETE) return { kind: "incomplete", hasHead: true };
    const { data, trailers, rest } = body;
    return { kind: "request", request: { method: parts[1]!, target: parts[2]!, fields, body: data, trailers }, rest };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { kind: "malformed", why: error.message };
  }
}

export function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((field) => field.startsWith(`${name}: `)).map((field) => field.slice(name.length + 2));
}

function fieldLine(line: string): string {
  const parts = FIELD.exec(line);
  if (!parts) throw new Malformed(`field line ${JSON.stringify(line)}`);
  return `${parts[1]!.toLowerCase()}: ${parts[2]!}`;
}

interface Body {
  readonly data: string;
  readonly trailers: readonly string[];
  readonly rest: string;
}

function readBody(fields: readonly string[], text: string): Body | typeof INCOMPLETE {
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  if (lengths.length + codings.length > 1) throw new Malformed(`framed more than once: ${JSON.stringify(fields)}`);
  if (codings.length > 0) {
    if (codings[0]!.toLowerCase() !== "chunked") throw new Malformed(`transfer coding ${codings[0]}`);
    return readChunks(text);
  }
  if (lengths.length === 0) return { data: "", trailers: [], rest: text };
  if (!/^\d{1,15}$/.test(lengths[0]!)) throw new Malformed(`Content-Length ${lengths[0]}`);
  const length = Number(lengths[0]);
  if (text.length < length) return INCOMPLETE;
  return { data: text.slice(0, length), trailers: [], rest: text.slice(length) };
}

function readChunks(text: string): Body | typeof INCOMPLETE {
  let data = "";
  while (true) {
    const lineEnd = text.indexOf("\r\n");
    if (lineEnd < 0) return INCOMPLETE;
    const line = text.slice(0, lineEnd);
    if (!SIZE.test(line)) throw new Malformed(`chunk size ${JSON.stringify(line)}`);
    const size = parseInt(line, 16);
    text = text.slice(lineEnd + 2);
    if (size === 0) break;
    if (text.length < size + 2) return INCOMPLETE;
    if (text.slice(size, size + 2) !== "\r\n") throw new Malformed("no line end behind a chunk");
    data += text.slice(0, size);
    text = text.slice(size + 2);
  }
  if (text.startsWith("\r\n")) return { data, trailers: [], rest: text.slice(2) };
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return INCOMPLETE;
  return { data, trailers: text.slice(0, end).split("\r\n").map(fieldLine), rest: text.slice(end + 4) };
}
