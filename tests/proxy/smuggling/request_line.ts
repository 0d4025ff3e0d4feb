/** The request line: its parts, what stands between them, methods, and what comes before it. */
import { forwarded, GET, line, refused, type SmugglingCase } from "./case.ts";

const LINE = "RFC 9112 section 3";
const METHOD = "RFC 9110 section 9.1";

/** Control characters, and characters that some readers take for space. */
const SEPARATORS: readonly (readonly [name: string, character: string])[] = [
  ["tab", "\t"],
  ["two spaces", "  "],
  ["space and tab", " \t"],
  ["vertical tab", "\x0b"],
  ["form feed", "\x0c"],
  ["bare CR", "\r"],
  ["NUL", "\0"],
  ["unit separator", "\x1f"],
  ["NEL (0x85)", "\x85"],
  ["no-break space (0xa0)", "\xa0"],
];

const BAD_METHODS: readonly (readonly [name: string, method: string])[] = [
  ["parenthesis", "G(T"],
  ["quote", '"GET"'],
  ["comma", "GET,"],
  ["slash", "G/T"],
  ["colon", "GET:"],
  ["braces", "{GET}"],
  ["NUL", "G\0ET"],
  ["DEL", "GET\x7f"],
  ["byte above 0x7f", "G\xc9T"],
  ["backspace", "GEX\bT"],
];

export const REQUEST_LINE: readonly SmugglingCase[] = [
  ...SEPARATORS.flatMap(([name, separator]) => [
    refused("400", LINE, `${name} between method and target`, line(`GET${separator}/ HTTP/1.1`)),
    refused("400", LINE, `${name} between target and version`, line(`GET /${separator}HTTP/1.1`)),
  ]),
  refused("400", LINE, "space before the method", line(" GET / HTTP/1.1")),
  refused("400", LINE, "tab before the method", line("\tGET / HTTP/1.1")),
  refused("400", LINE, "space after the version", line("GET / HTTP/1.1 ")),
  refused("400", LINE, "tab after the version", line("GET / HTTP/1.1\t")),
  refused("400", LINE, "space within the target", line("GET /a b HTTP/1.1")),
  refused("400", LINE, "a second version", line("GET / HTTP/1.1 HTTP/1.1")),
  refused("400", LINE, "version of another request within the target", line("GET / HTTP/1.1 /smuggled HTTP/1.1")),
  refused("400", "RFC 9112 section 2.2", "request line ends in a bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
  refused("400", "RFC 9112 section 2.2", "every line ends in a bare LF", "GET / HTTP/1.1\nHost: a\n\n"),
  refused("400", "RFC 9112 section 2.2", "request line ends in a bare CR", "GET / HTTP/1.1\rHost: a\r\n\r\n"),
  refused("400", "RFC 9112 section 2.2", "request line ends in CR CR LF", line("GET / HTTP/1.1\r")),
  refused("400", "RFC 9112 section 2.2", "request line ends in LF CR", "GET / HTTP/1.1\n\rHost: a\r\n\r\n"),
  refused("400", LINE, "no version, no fields: HTTP/0.9", "GET /\r\n\r\n"),
  refused("400", LINE, "no version, with fields", line("GET /")),
  refused("400", LINE, "no version, with a space for it", line("GET / ")),
  refused("400", LINE, "no target", line("GET HTTP/1.1")),
  refused("400", LINE, "no target, with two spaces around it", line("GET  HTTP/1.1")),
  refused("400", LINE, "no method", line("/ HTTP/1.1")),
  refused("400", LINE, "method alone", line("GET")),
  refused("400", LINE, "a field line in place of the request line", "Host: a\r\n\r\n"),
  refused("400", LINE, "a response in place of a request", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),

  ...BAD_METHODS.map(([name, method]) => refused("400", METHOD, `method with ${name}`, line(`${method} / HTTP/1.1`))),
  refused("400", METHOD, "byte order mark before the method", line("\xef\xbb\xbfGET / HTTP/1.1")),
  refused("501", LINE, "method longer than any", line(`${"G".repeat(300)} / HTTP/1.1`)),
  forwarded(METHOD, "method in lower case is a method of its own", line("get / HTTP/1.1"), {
    method: "get",
    target: "/",
  }, { peersRefuse: "nginx knows upper-case methods only" }),
  forwarded(METHOD, "method with a hyphen", line("M-SEARCH / HTTP/1.1"), { method: "M-SEARCH", target: "/" }),
  forwarded(METHOD, "method of a token's odd characters", line("!#$%&'*+.^_`|~9 / HTTP/1.1"), {
    method: "!#$%&'*+.^_`|~9",
    target: "/",
  }, { peersRefuse: "nginx takes letters, '_' and '-' in a method" }),
  forwarded("RFC 9110 section 9.3.8", "TRACE", line("TRACE / HTTP/1.1"), { method: "TRACE", target: "/" }, {
    peersRefuse: "nginx answers TRACE with 405 itself",
  }),
  refused(
    "400",
    "RFC 9110 section 9.3.8",
    "TRACE with a body, which it must not have",
    "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
  ),

  forwarded("RFC 9112 section 2.2", "one empty line before the request", "\r\n" + line("GET / HTTP/1.1"), GET),
  forwarded(
    "RFC 9112 section 2.2",
    "three empty lines before the request",
    "\r\n\r\n\r\n" + line("GET / HTTP/1.1"),
    GET,
  ),
  refused("400", "RFC 9112 section 2.2", "bare LF before the request", "\n" + line("GET / HTTP/1.1")),
  refused("400", "RFC 9112 section 2.2", "bare CR before the request", "\r" + line("GET / HTTP/1.1")),
  refused("400", "RFC 9112 section 2.2", "CR CR LF before the request", "\r\r\n" + line("GET / HTTP/1.1")),
  refused("400", "RFC 9112 section 2.2", "a line of one space before the request", " \r\n" + line("GET / HTTP/1.1")),
  refused("400", "RFC 9112 section 2.2", "NUL before the request", "\0" + line("GET / HTTP/1.1")),
  refused("400", LINE, "a TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
  refused("400", LINE, "an SSH greeting", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
  refused("400", LINE, "a PROXY line", "PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n" + line("GET / HTTP/1.1")),
  refused("400", LINE, "a binary PROXY header", "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + line("GET / HTTP/1.1")),
];
