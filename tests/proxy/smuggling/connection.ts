/** What concerns the connection: Connection, Upgrade, Expect, identity of the client, and one request behind another. */
import { chunked, forwarded, GET, get, LAST, line, post, posted, refused, type SmugglingCase } from "./case.ts";

const CONNECTION = "RFC 9110 section 7.6.1";
const UPGRADE = "RFC 9110 section 7.8";
const EXPECT = "RFC 9110 section 10.1.1";
const PIPELINE = "RFC 9112 section 9.3.2";
const CLOSE = "RFC 9112 section 9.6";

const HELLO = posted("hello");
const IDENTITY = ["x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http"];

const LISTED: readonly SmugglingCase[] = [
  forwarded(CONNECTION, "Connection lists host", get("Connection: host"), GET),
  forwarded(CONNECTION, "Connection lists Host in upper case", get("Connection: HOST, x"), GET),
  forwarded(
    CONNECTION,
    "Connection lists content-length",
    post(["Connection: content-length", "Content-Length: 5"], "hello"),
    HELLO,
  ),
  forwarded(
    CONNECTION,
    "Connection lists close and Content-Length",
    post(["Connection: close, Content-Length", "Content-Length: 5"], "hello"),
    HELLO,
    { ends: true },
  ),
  forwarded(
    CONNECTION,
    "Connection lists transfer-encoding",
    post(["Connection: transfer-encoding", "Transfer-Encoding: chunked"], `5\r\nhello\r\n${LAST}`),
    HELLO,
  ),
  forwarded(
    CONNECTION,
    "Connection behind the fields lists both framings",
    post(["Transfer-Encoding: chunked", "Connection: Transfer-Encoding, Content-Length"], `5\r\nhello\r\n${LAST}`),
    HELLO,
  ),
  forwarded(CONNECTION, "Connection lists cookie", get("Cookie: a=b", "Connection: cookie"), {
    ...GET,
    lacks: ["cookie"],
  }),
  forwarded(CONNECTION, "Connection lists x-a", get("X-A: 1", "Connection: x-a", "X-B: 2"), {
    ...GET,
    has: ["x-b: 2"],
    lacks: ["x-a", "connection"],
  }),
  forwarded(
    CONNECTION,
    "two Connections list one each",
    get("Connection: x-a", "X-A: 1", "X-B: 2", "Connection: X-B"),
    {
      ...GET,
      lacks: ["x-a", "x-b"],
    },
  ),
  forwarded(
    CONNECTION,
    "Connection lists the client's identity",
    get("Connection: x-forwarded-for, x-forwarded-proto"),
    {
      ...GET,
      has: IDENTITY,
    },
  ),
  forwarded(CONNECTION, "Connection of commas", get("Connection: ,, ,"), GET),
  forwarded(CONNECTION, "empty Connection", get("Connection:"), GET),
  forwarded(CONNECTION, "Connection lists connection", get("Connection: connection"), {
    ...GET,
    lacks: ["connection"],
  }),
  forwarded(
    CONNECTION,
    "hop-by-hop fields that Connection does not list",
    get(
      "Keep-Alive: timeout=5",
      "Proxy-Connection: keep-alive",
      "TE: gzip",
      "Upgrade: foo",
    ),
    { ...GET, lacks: ["keep-alive", "proxy-connection", "te", "upgrade"] },
  ),
  forwarded(
    "RFC 7239 section 8.1",
    "the client states its own identity",
    get(
      "X-Forwarded-For: 192.0.2.1",
      "X-FORWARDED-PROTO: https",
      "X-Forwarded-Host: b",
      "X-Real-IP: 192.0.2.1",
      "Forwarded: for=192.0.2.1",
    ),
    { ...GET, has: IDENTITY, lacks: ["x-forwarded-host", "x-real-ip", "forwarded"] },
  ),
];

const UPGRADES: readonly SmugglingCase[] = [
  forwarded(
    "RFC 9113 section 3.1",
    "Upgrade: h2c",
    get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
    {
      ...GET,
      lacks: ["upgrade", "http2-settings", "connection"],
    },
  ),
  forwarded("RFC 9113 section 3.1", "Upgrade: H2C in a list", get("Connection: upgrade", "Upgrade: websocket, H2C"), {
    ...GET,
    lacks: ["upgrade"],
  }, { peersRefuse: "HAProxy wants a Sec-WebSocket-Key beside it" }),
  forwarded("RFC 9113 section 3.1", "Upgrade: h2c that Connection does not list", get("Upgrade: h2c"), {
    ...GET,
    lacks: ["upgrade"],
  }),
  forwarded(UPGRADE, "Upgrade: TLS/1.3", get("Connection: upgrade", "Upgrade: TLS/1.3"), {
    ...GET,
    lacks: ["upgrade"],
  }),
  forwarded(UPGRADE, "Upgrade: HTTP/2.0", get("Connection: upgrade", "Upgrade: HTTP/2.0"), {
    ...GET,
    lacks: ["upgrade"],
  }),
  forwarded(
    UPGRADE,
    "Upgrade: websocket with a body",
    post(["Connection: upgrade", "Upgrade: websocket", "Content-Length: 5"], "hello"),
    { ...HELLO, lacks: ["upgrade"] },
  ),
  forwarded(
    UPGRADE,
    "Upgrade: websocket with chunks",
    post(["Connection: upgrade", "Upgrade: websocket", "Transfer-Encoding: chunked"], `5\r\nhello\r\n${LAST}`),
    { ...HELLO, lacks: ["upgrade"] },
  ),
  forwarded(
    UPGRADE,
    "Upgrade in HTTP/1.0",
    "GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    { ...GET, lacks: ["upgrade"] },
    { ends: true, peersRefuse: "HAProxy wants a Sec-WebSocket-Key beside it" },
  ),
  // The back end answers 200: what the client sent behind is a request again.
  forwarded(
    UPGRADE,
    "Upgrade: websocket that the back end does not take",
    get("Connection: upgrade", "Upgrade: websocket"),
    GET,
    { peersRefuse: "HAProxy wants a Sec-WebSocket-Key beside it" },
  ),
];

const EXPECTATIONS: readonly SmugglingCase[] = [
  refused("417", EXPECT, "unknown expectation", get("Expect: 200-ok")),
  refused(
    "417",
    EXPECT,
    "unknown expectation beside 100-continue",
    post(["Expect: 100-continue, x", "Content-Length: 5"], "hello"),
  ),
  refused(
    "417",
    EXPECT,
    "unknown expectation in a field behind 100-continue",
    post(["Expect: 100-continue", "Expect: x", "Content-Length: 5"], "hello"),
  ),
  refused("417", EXPECT, "empty expectation", get("Expect:")),
  refused("417", EXPECT, "100-continue and a letter", post(["Expect: 100-continuex", "Content-Length: 5"], "hello")),
  refused("417", EXPECT, "100-continue in quotes", post(['Expect: "100-continue"', "Content-Length: 5"], "hello")),
  forwarded(
    EXPECT,
    "100-continue and the body at once",
    post(["Expect: 100-continue", "Content-Length: 5"], "hello"),
    HELLO,
  ),
  forwarded(
    EXPECT,
    "100-CONTINUE and chunks at once",
    post(["Expect: 100-CONTINUE", "Transfer-Encoding: chunked"], `5\r\nhello\r\n${LAST}`),
    HELLO,
  ),
  forwarded(EXPECT, "100-continue without a body", get("Expect: 100-continue"), { ...GET, lacks: ["expect"] }),
  forwarded(
    EXPECT,
    "100-continue in HTTP/1.0",
    "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    { ...HELLO, lacks: ["expect"] },
    { ends: true },
  ),
];

const ONE = { method: "GET", target: "/1" };
const TWO = { method: "GET", target: "/2" };
const FIRST = line("GET /1 HTTP/1.1");

const PIPELINES: readonly SmugglingCase[] = [
  forwarded(PIPELINE, "two requests", FIRST + line("GET /2 HTTP/1.1"), [ONE, TWO]),
  forwarded(PIPELINE, "two requests with an empty line between", FIRST + "\r\n" + line("GET /2 HTTP/1.1"), [ONE, TWO]),
  forwarded(
    PIPELINE,
    "a request behind Content-Length",
    post(["Content-Length: 5"], "hello") + line("GET /2 HTTP/1.1"),
    [HELLO, TWO],
  ),
  forwarded(PIPELINE, "a request behind chunks", chunked(`5\r\nhello\r\n${LAST}`) + line("GET /2 HTTP/1.1"), [
    HELLO,
    TWO,
  ]),
  forwarded(
    PIPELINE,
    "a request behind trailers",
    chunked(`5\r\nhello\r\n0\r\nX-T: y\r\n\r\n`) + line("GET /2 HTTP/1.1"),
    [
      { ...HELLO, trailers: ["x-t"] },
      TWO,
    ],
  ),
  forwarded(PIPELINE, "a request behind Content-Length: 0", post(["Content-Length: 0"], "") + line("GET /2 HTTP/1.1"), [
    posted(""),
    TWO,
  ]),
  forwarded(
    PIPELINE,
    "a request behind the body of a GET",
    get("Content-Length: 5") + "hello" + line("GET /2 HTTP/1.1"),
    [
      { ...GET, body: "hello" },
      TWO,
    ],
  ),
  forwarded(PIPELINE, "a request behind HEAD", line("HEAD /1 HTTP/1.1") + line("GET /2 HTTP/1.1"), [
    { method: "HEAD", target: "/1" },
    TWO,
  ]),
  forwarded(PIPELINE, "ten requests", FIRST.repeat(10), Array<typeof ONE>(10).fill(ONE)),
  forwarded(CLOSE, "nothing is served behind Connection: close", get("Connection: close"), GET, { ends: true }),
  forwarded(CLOSE, "nothing is served behind Connection: Close, x", get("Connection: x, Close"), GET, { ends: true }),
  forwarded(
    CLOSE,
    "nothing is served behind close in a second Connection",
    get("Connection: keep-alive", "Connection: close"),
    GET,
    {
      ends: true,
    },
  ),
  forwarded(PIPELINE, "no Host behind a good request", FIRST + "GET /2 HTTP/1.1\r\n\r\n", ONE, { then: "400" }),
  forwarded(PIPELINE, "a bare LF behind a good request", FIRST + "GET /2 HTTP/1.1\nHost: a\n\n", ONE, { then: "400" }),
  forwarded(PIPELINE, "bytes too many behind Content-Length", post(["Content-Length: 3"], "hel{lo}"), posted("hel"), {
    then: "400",
  }),
  forwarded(PIPELINE, "bytes too many behind the last chunk", chunked(`5\r\nhello\r\n${LAST}0\r\n\r\n`), HELLO, {
    then: "400",
  }),
  forwarded(PIPELINE, "a space behind Content-Length", post(["Content-Length: 5"], "hello "), HELLO, { then: "400" }),
  forwarded(PIPELINE, "bad chunks behind a good request", FIRST + chunked("x\r\n"), ONE, { then: "400" }),
  forwarded(
    PIPELINE,
    "both framings behind a good request",
    FIRST + post(["Content-Length: 5", "Transfer-Encoding: chunked"], LAST),
    ONE,
    {
      then: "400",
    },
  ),
  forwarded(PIPELINE, "HTTP/2.0 behind a good request", FIRST + line("GET /2 HTTP/2.0"), ONE, { then: "505" }),
  forwarded(
    PIPELINE,
    "an unknown coding behind a good request",
    FIRST + post(["Transfer-Encoding: gzip, chunked"], LAST),
    ONE,
    {
      then: "501",
    },
  ),
];

export const CONNECTIONS: readonly SmugglingCase[] = [...LISTED, ...UPGRADES, ...EXPECTATIONS, ...PIPELINES];
