/** The request target: its four forms, and what may stand in it. */
import { forwarded, GET, line, refused, type SmugglingCase } from "./case.ts";

const TARGET = "RFC 9112 section 3.2";
const ORIGIN = "RFC 9112 section 3.2.1";
const ABSOLUTE = "RFC 9112 section 3.2.2";
const AUTHORITY = "RFC 9112 section 3.2.3";
const ASTERISK = "RFC 9112 section 3.2.4";
const LINE = "RFC 9112 section 3";
const URI = "RFC 3986 section 3.3";

/** Neither a path, nor a URL of http or https, nor "*" of OPTIONS. */
const NO_FORM: readonly (readonly [name: string, target: string])[] = [
  ["relative", "a"],
  ["relative with a slash", "a/b"],
  ["relative with dots", "../a"],
  ["a query alone", "?q"],
  ["a backslash", "\\a"],
  ["a percent-encoded slash", "%2fa"],
  ["an authority", "a:80"],
  ["an IPv6 authority", "[::1]:80"],
  ["a URL without slashes", "http:a"],
  ["a URL with one slash", "http:/a"],
  ["a URL with backslashes", "http:\\\\a\\"],
  ["a URL of ftp", "ftp://a/"],
  ["a URL of file", "file:///etc/passwd"],
  ["a URL of ws", "ws://a/"],
  ["a URL with a name before its scheme", "xhttp://a/"],
  ["a URL without scheme", "://a/"],
];

const BAD_AUTHORITIES: readonly (readonly [name: string, authority: string])[] = [
  ["a user", "u@a"],
  ["a user and a password", "u:p@a"],
  ["an empty user", "@a"],
  ["a host behind another", "a@b@c"],
  ["no host", ""],
  ["a port without host", ":80"],
  ["a port of letters", "a:b"],
  ["a negative port", "a:-1"],
  ["a port out of range", "a:65536"],
  ["two ports", "a:80:80"],
  ["a backslash", "a\\b"],
  ["an open bracket", "[::1"],
  ["empty brackets", "[]"],
  ["a word in brackets", "[a.b]"],
  ["a bad percent-encoding", "a%zz"],
  ["a quote", 'a"'],
];

const BAD_BYTES: readonly (readonly [name: string, byte: string])[] = [
  ["SOH", "\x01"],
  ["backspace", "\b"],
  ["escape", "\x1b"],
  ["DEL", "\x7f"],
  ["0x80", "\x80"],
  ["0xff", "\xff"],
  ["UTF-8", "\xc3\xa9"],
  ["an overlong UTF-8 slash", "\xc0\xaf"],
  ["an overlong UTF-8 line end", "\xc4\x8d\xc4\x8a"],
];

/** RFC 3986 excludes them, and no browser sends them in a path: what would come is somebody's test of two readers. */
const EXCLUDED = ['"', "<", ">", "\\"];

export const TARGETS: readonly SmugglingCase[] = [
  ...NO_FORM.map(([name, target]) => refused("400", TARGET, `target is ${name}`, line(`GET ${target} HTTP/1.1`))),
  ...BAD_AUTHORITIES.map(([name, authority]) =>
    refused("400", "RFC 9110 section 4.2.4", `absolute target with ${name}`, line(`GET http://${authority}/ HTTP/1.1`))
  ),
  ...BAD_BYTES.map(([name, byte]) => refused("400", TARGET, `target with ${name}`, line(`GET /a${byte}b HTTP/1.1`))),
  ...EXCLUDED.map((byte) => refused("400", URI, `target with ${byte}`, line(`GET /a${byte}b HTTP/1.1`))),
  refused("400", TARGET, "fragment behind a path", line("GET /a#b HTTP/1.1")),
  refused("400", TARGET, "empty fragment", line("GET /# HTTP/1.1")),
  refused("400", TARGET, "fragment in an absolute target", line("GET http://a/#b HTTP/1.1")),
  refused("400", TARGET, "fragment right behind an authority", line("GET http://a#@b/ HTTP/1.1")),
  refused("400", ASTERISK, "GET *", line("GET * HTTP/1.1")),
  refused("400", ASTERISK, "POST *", line("POST * HTTP/1.1")),
  refused("400", ASTERISK, "OPTIONS **", line("OPTIONS ** HTTP/1.1")),
  refused("400", ASTERISK, "OPTIONS *?q", line("OPTIONS *?q HTTP/1.1")),
  refused("400", ASTERISK, "options * in lower case", line("options * HTTP/1.1")),
  refused("400", AUTHORITY, "CONNECT", line("CONNECT a:443 HTTP/1.1")),
  refused("400", AUTHORITY, "CONNECT with a path", line("CONNECT / HTTP/1.1")),
  refused("400", AUTHORITY, "CONNECT with a URL", line("CONNECT http://a/ HTTP/1.1")),
  refused("400", AUTHORITY, "CONNECT in HTTP/1.0", line("CONNECT a:443 HTTP/1.0")),
  refused("414", LINE, "target of 20,000 bytes", line(`GET /${"a".repeat(19_999)} HTTP/1.1`)),
  refused("414", LINE, "target without an end", `GET /${"a".repeat(100_000)}`),
  refused("414", LINE, "absolute target of 20,000 bytes", line(`GET http://a/${"a".repeat(20_000)} HTTP/1.1`)),

  forwarded(LINE, "target of 8,000 bytes", line(`GET /${"a".repeat(7_999)} HTTP/1.1`), {
    method: "GET",
    target: `/${"a".repeat(7_999)}`,
  }),
  forwarded(ORIGIN, "path that begins with two slashes", line("GET //b/c HTTP/1.1"), {
    method: "GET",
    target: "//b/c",
  }),
  forwarded(ORIGIN, "path that holds a URL", line("GET /http://b/c HTTP/1.1"), {
    method: "GET",
    target: "/http://b/c",
  }),
  forwarded(ORIGIN, "line end, percent-encoded", line("GET /%0d%0aHost:%20b HTTP/1.1"), {
    method: "GET",
    target: "/%0d%0aHost:%20b",
  }),
  forwarded(ORIGIN, "query with question marks and slashes", line("GET /?a=/b?c=//d HTTP/1.1"), {
    method: "GET",
    target: "/?a=/b?c=//d",
  }),
  // Excluded by RFC 3986 too, but browsers leave them as they are in a query.
  forwarded("RFC 3986 section 3.4", "query with what browsers do not encode", line("GET /?a=b|c{d}^`[e] HTTP/1.1"), {
    method: "GET",
    target: "/?a=b|c{d}^`[e]",
  }),
  forwarded(ABSOLUTE, "absolute target with the same Host", line("GET http://a/b?c HTTP/1.1"), {
    method: "GET",
    target: "/b?c",
  }),
  forwarded(ABSOLUTE, "absolute target with another Host", line("GET http://b.example/c HTTP/1.1"), {
    method: "GET",
    target: "/c",
    host: "b.example",
  }, { peersRefuse: "HAProxy wants both to be the same" }),
  forwarded(ABSOLUTE, "absolute target with an empty Host", "GET http://b/ HTTP/1.1\r\nHost:\r\n\r\n", {
    method: "GET",
    target: "/",
    host: "b",
  }, { peersRefuse: "HAProxy wants both to be the same; nginx refuses an empty Host" }),
  refused("400", TARGET, "absolute target without Host", "GET http://a/ HTTP/1.1\r\n\r\n"),
  refused("400", TARGET, "absolute target with an invalid Host", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
  refused("400", TARGET, "absolute target with two Hosts", "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
  forwarded(ABSOLUTE, "absolute target in upper case", line("GET HTTP://a/B HTTP/1.1"), {
    method: "GET",
    target: "/B",
  }),
  forwarded(ABSOLUTE, "absolute target without path", line("GET http://a HTTP/1.1"), GET),
  forwarded(ABSOLUTE, "absolute target without path, with a query", line("GET http://a?q=/ HTTP/1.1"), {
    method: "GET",
    target: "/?q=/",
  }, { peersRefuse: "HAProxy takes the query for a part of the authority" }),
  forwarded(ASTERISK, "OPTIONS *", line("OPTIONS * HTTP/1.1"), { method: "OPTIONS", target: "*" }, {
    peersRefuse: "nginx wants a path",
  }),
  // "the last proxy on the request chain MUST send a request-target of '*'"
  forwarded(ASTERISK, "OPTIONS of a URL without path", line("OPTIONS http://a HTTP/1.1"), {
    method: "OPTIONS",
    target: "*",
  }),
];
