/**
 * A reader of one request, slow and plain, written from RFC 9112 and not from our code: whole strings, split and matched, no state.
 * Where the RFC leaves a choice it takes what the smuggling corpus says: refuse.
 */

export interface Accepted {
  readonly kind: "accepted";
  readonly method: string;
  /** Origin-form, or "*". */
  readonly target: string;
  readonly host: string;
  readonly body: string;
  /** What follows the request. */
  readonly rest: string;
}

export type Verdict =
  | Accepted
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "incomplete" };

class Refused extends Error {}
class Incomplete extends Error {}

/** Limits are no part of the RFC; these are ours. */
const MAX_METHOD = 32;
const MAX_LENGTH_DIGITS = 15;
const MAX_SIZE_DIGITS = 12;
const MAX_EXTENSIONS = 256;

/** RFC 9110 section 5.6.2. */
const TOKEN = "[-!#$%&'*+.^_`|~0-9A-Za-z]+";
/** RFC 9110 section 5.6.3. */
const OWS = "[ \\t]*";
/** RFC 9110 section 5.6.4. */
const QUOTED = '"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([!-~]+) HTTP/([0-9])\\.([0-9])$`);
const FIELD_LINE = new RegExp(`^(${TOKEN}):(.*)$`, "s");
/** RFC 9112 section 7.1.1, with the white space that RFC 9110 section 5.6.3 calls bad, and to be read. */
const CHUNK_LINE = new RegExp(
  `^([0-9A-Fa-f]+)((?:${OWS};${OWS}${TOKEN}(?:${OWS}=${OWS}(?:${TOKEN}|${QUOTED}))?)*)$`,
);

type Field = readonly [name: string, value: string];

/** Reads the request at the beginning of the text. */
export function readReference(text: string): Verdict {
  try {
    return request(text);
  } catch (error) {
    if (error instanceof Incomplete) return { kind: "incomplete" };
    if (error instanceof Refused) return { kind: "refused", why: error.message };
    throw error;
  }
}

function request(text: string): Accepted {
  while (text.startsWith("\r\n")) text = text.slice(2);
  const [head, behind] = cut(text, "\r\n\r\n");
  const [first, ...lines] = head.split("\r\n");
  const parts = REQUEST_LINE.exec(first!) ?? refuse("request line");
  const [, method, target, major, minor] = parts as unknown as [string, string, string, string, string];
  if (method.length > MAX_METHOD) refuse("method too long");
  if (major !== "1") refuse("version");
  const fields = lines.map(fieldLine);
  const isHttp10 = minor === "0";
  const hostField = hostOf(fields, isHttp10, target);
  const place = placeOf(method, target) ?? { path: target, host: hostField };
  for (const expectation of valuesOf(fields, "expect")) {
    if (expectation.toLowerCase() !== "100-continue") refuse("expectation");
  }
  const { body, rest } = bodyOf(fields, isHttp10, method, behind);
  return { kind: "accepted", method, target: place.path, host: place.host, body, rest };
}

/** RFC 9112 section 5, without the obsolete folding of section 5.2. */
function fieldLine(line: string): Field {
  const [, name, value] = FIELD_LINE.exec(line) ?? refuse("field line");
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value!)) refuse("control character");
  return [name!.toLowerCase(), value!.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "")];
}

function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter((field) => field[0] === name).map((field) => field[1]);
}

/** RFC 9112 section 3.2. Beside a URL Host is checked all the same, but may be empty: it tells nothing there. */
function hostOf(fields: readonly Field[], isHttp10: boolean, target: string): string {
  const hosts = valuesOf(fields, "host");
  if (hosts.length > 1) refuse("two Hosts");
  if (hosts.length === 0 && !isHttp10) refuse("no Host");
  const host = hosts[0] ?? "";
  const mayBeEmpty = hosts.length === 0 || /^https?:/i.test(target);
  if (!(host === "" ? mayBeEmpty : isAuthority(host))) refuse("invalid Host");
  return host;
}

/** RFC 9112 sections 3.2.1 to 3.2.4; undefined where Host tells the host. */
function placeOf(method: string, target: string): { path: string; host: string } | undefined {
  if (method === "CONNECT" || target.includes("#")) refuse("target");
  // RFC 3986 excludes more; the others are what browsers send as they are.
  if (/["<>\\]/.test(target)) refuse("target");
  if (target.startsWith("/") || (method === "OPTIONS" && target === "*")) return undefined;
  const url = /^https?:\/\/([^/?]*)(.*)$/i.exec(target) ?? refuse("target");
  const host = url[1]!;
  const pathAndQuery = url[2]!;
  if (!isAuthority(host)) refuse("authority");
  if (pathAndQuery === "" && method === "OPTIONS") return { path: "*", host };
  return { path: pathAndQuery.startsWith("/") ? pathAndQuery : `/${pathAndQuery}`, host };
}

/** uri-host [ ":" port ]: RFC 9110 section 7.2, RFC 3986 section 3.2; a user has no place in it, a comma makes it two. */
function isAuthority(text: string): boolean {
  const [, host, , port] = /^(\[[^\]]*\]|[^:[\]]*)(:(.*))?$/s.exec(text) ?? [];
  if (host === undefined) return false;
  if (port !== undefined && !(/^[0-9]{0,5}$/.test(port) && Number(port) <= 65_535)) return false;
  if (host.startsWith("[")) return isIpv6(host.slice(1, -1));
  return /^(?:[-A-Za-z0-9._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+$/.test(host);
}

/** RFC 3986 section 3.2.2. */
function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups: string[] = [];
  for (const half of halves) if (half !== "") groups.push(...half.split(":"));
  let count = groups.length;
  if (groups.at(-1)?.includes(".") && !text.endsWith("::")) {
    const bytes = groups.pop()!.split(".");
    if (bytes.length !== 4 || !bytes.every((byte) => /^(?:0|[1-9][0-9]{0,2})$/.test(byte) && Number(byte) < 256)) {
      return false;
    }
    count++;
  }
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? count <= 7 : count === 8;
}

/** RFC 9112 section 6.3. */
function bodyOf(fields: readonly Field[], isHttp10: boolean, method: string, text: string) {
  const codings = valuesOf(fields, "transfer-encoding");
  const lengths = valuesOf(fields, "content-length");
  if (codings.length > 0) {
    if (lengths.length > 0) refuse("both framings");
    if (isHttp10) refuse("Transfer-Encoding in HTTP/1.0");
    if (codings.join(",").toLowerCase() !== "chunked") refuse("transfer coding");
    if (method === "TRACE") refuse("TRACE with a body");
    return chunks(text);
  }
  if (lengths.length === 0) return { body: "", rest: text };
  if (lengths.some((length) => length !== lengths[0])) refuse("two lengths");
  if (!/^[0-9]+$/.test(lengths[0]!) || lengths[0]!.length > MAX_LENGTH_DIGITS) refuse("length");
  const length = Number(lengths[0]);
  if (method === "TRACE" && length > 0) refuse("TRACE with a body");
  if (text.length < length) throw new Incomplete();
  return { body: text.slice(0, length), rest: text.slice(length) };
}

/** RFC 9112 section 7.1. */
function chunks(text: string): { body: string; rest: string } {
  let body = "";
  while (true) {
    const [line, behind] = cut(text, "\r\n");
    const [, digits, extensions] = CHUNK_LINE.exec(line) ?? refuse("chunk-size line");
    if (digits!.length > MAX_SIZE_DIGITS || extensions!.length > MAX_EXTENSIONS) refuse("chunk-size line too long");
    const size = parseInt(digits!, 16);
    if (size === 0) return { body, rest: trailers(behind) };
    if (behind.length < size + 2) throw new Incomplete();
    if (behind.slice(size, size + 2) !== "\r\n") refuse("end of a chunk");
    body += behind.slice(0, size);
    text = behind.slice(size + 2);
  }
}

/** Returns what is behind the trailer section. */
function trailers(text: string): string {
  if (text.startsWith("\r\n")) return text.slice(2);
  const [section, rest] = cut(text, "\r\n\r\n");
  section.split("\r\n").forEach(fieldLine);
  return rest;
}

/** What is before and behind the first occurrence. */
function cut(text: string, separator: string): [before: string, behind: string] {
  const at = text.indexOf(separator);
  if (at < 0) throw new Incomplete();
  return [text.slice(0, at), text.slice(at + separator.length)];
}

function refuse(why: string): never {
  throw new Refused(why);
}
