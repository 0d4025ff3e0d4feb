/** The version of the request line, and what an HTTP/1.0 client gets. */
import { forwarded, GET, line, refused, type SmugglingCase } from "./case.ts";

const VERSION = "RFC 9112 section 2.3";

const MALFORMED: readonly (readonly [name: string, version: string])[] = [
  ["in lower case", "http/1.1"],
  ["in mixed case", "HTTp/1.1"],
  ["with a minor number of two digits", "HTTP/1.10"],
  ["with a leading zero", "HTTP/01.1"],
  ["with a leading zero in the minor number", "HTTP/1.01"],
  ["without a minor number", "HTTP/1"],
  ["without a minor number, with its dot", "HTTP/1."],
  ["without a major number", "HTTP/.1"],
  ["without a dot", "HTTP/11"],
  ["with a comma", "HTTP/1,1"],
  ["with a space before the slash", "HTTP /1.1"],
  ["with a space after the slash", "HTTP/ 1.1"],
  ["with a space before the dot", "HTTP/1 .1"],
  ["with a sign", "HTTP/+1.1"],
  ["with a letter", "HTTP/1.x"],
  ["with a NUL behind it", "HTTP/1.1\0"],
  ["of another protocol", "XTTP/1.1"],
  ["of HTTPS", "HTTPS/1.1"],
  ["with a backslash", "HTTP\\1.1"],
  ["of two numbers without a dot between them", "HTTP/1/1"],
  ["with a letter O for its nought", "HTTP/1.O"],
  ["as HTTP/2 is often written", "HTTP/2"],
];

const UNSUPPORTED = ["HTTP/0.0", "HTTP/0.9", "HTTP/2.0", "HTTP/2.1", "HTTP/3.0", "HTTP/9.9"];

const OLD = "GET / HTTP/1.0\r\nHost: a\r\n";

export const VERSIONS: readonly SmugglingCase[] = [
  ...MALFORMED.map(([name, version]) => refused("400", VERSION, `version ${name}`, line(`GET / ${version}`))),
  ...UNSUPPORTED.map((version) =>
    refused("505", "RFC 9110 section 15.6.6", `version ${version}`, line(`GET / ${version}`))
  ),
  refused("505", "RFC 9113 section 3.4", "the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  refused(
    "400",
    "RFC 9112 section 3.2.4",
    "the HTTP/2 preface with an HTTP/1.1 version",
    line("PRI * HTTP/1.1") + "SM\r\n\r\n",
  ),
  // A later minor version is read as the latest that is known: RFC 9110 section 2.5.
  forwarded("RFC 9110 section 2.5", "a later minor version", line("GET / HTTP/1.2"), GET),
  forwarded("RFC 9110 section 2.5", "the latest minor version", line("GET / HTTP/1.9"), GET),
  forwarded("RFC 9112 section 9.3", "HTTP/1.0 ends its connection", `${OLD}\r\n`, GET, { ends: true }),
  forwarded("RFC 9112 section 9.3", "HTTP/1.0 with Connection: close", `${OLD}Connection: close\r\n\r\n`, GET, {
    ends: true,
  }),
  forwarded(
    "RFC 9112 section 9.3",
    "HTTP/1.0 with Connection: keep-alive",
    `${OLD}Connection: Keep-Alive\r\n\r\n`,
    GET,
  ),
  forwarded(
    "RFC 9112 section 9.3",
    "HTTP/1.0 with both keep-alive and close",
    `${OLD}Connection: keep-alive, close\r\n\r\n`,
    GET,
    { ends: true },
  ),
  forwarded(
    "RFC 9112 section 6.3",
    "HTTP/1.0 with Content-Length",
    `POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`,
    { method: "POST", target: "/", body: "hello" },
    { ends: true },
  ),
  forwarded(
    "RFC 9112 section 6.3",
    "HTTP/1.0 kept alive after a body",
    `POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello`,
    { method: "POST", target: "/", body: "hello" },
  ),
];
