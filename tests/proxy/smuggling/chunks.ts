/** Chunked framing: sizes, extensions, line ends, trailers. */
import { chunked, type ExpectedRequest, forwarded, LAST, posted, refused, type SmugglingCase } from "./case.ts";

const CHUNKS = "RFC 9112 section 7.1";
const EXTENSION = "RFC 9112 section 7.1.1";
const TRAILER = "RFC 9112 section 7.1.2";

/** What stands before "\r\nhello\r\n0\r\n\r\n". */
const BAD_SIZES: readonly (readonly [name: string, size: string])[] = [
  ["negative", "-5"],
  ["signed", "+5"],
  ["with 0x", "0x5"],
  ["with an h", "5h"],
  ["behind a space", " 5"],
  ["behind a tab", "\t5"],
  ["before a space", "5 "],
  ["before a tab", "5\t"],
  ["with a space within", "0 5"],
  ["missing", ""],
  ["missing before an extension", ";a=b"],
  ["of a letter beyond hex", "g"],
  ["with a dot", "5.0"],
  ["with a comma", "5,"],
  ["with an underscore", "0_5"],
  ["in quotes", '"5"'],
  ["before NUL", "5\0"],
  ["behind NUL", "\x005"],
  ["before a vertical tab", "5\x0b"],
  ["before DEL", "5\x7f"],
  ["before 0xa0", "5\xa0"],
  ["of 2^64 + 5", "10000000000000005"],
  ["of 2^64 - 1", "ffffffffffffffff"],
  ["of 2^63", "8000000000000000"],
  ["of 2^53 + 5", "20000000000005"],
  ["behind 300 noughts", `${"0".repeat(300)}5`],
  ["behind 100,000 noughts", `${"0".repeat(100_000)}5`],
  ["before a CR", "5\r"],
  ["before a CR and a letter", "5\rx"],
];

const BAD_EXTENSIONS: readonly (readonly [name: string, extension: string])[] = [
  ["without a name", ";"],
  ["without a name, with a space", "; "],
  ["without a name, with a value", ";=b"],
  ["without a value", ";a="],
  ["with an open quote", ';a="b'],
  ["with a quote within a value", ';a=b"c"'],
  ["with a letter behind a quote", ';a="b"c'],
  ["with a word behind it", ";a b"],
  ["without a semicolon", " a"],
  ["without a semicolon, with a value", " a=b"],
  ["with a comma", ";a,b"],
  ["with a slash in its name", ";a/b"],
  ["with two equals signs", ";a==b"],
  ["with two semicolons", ";;a"],
  ["with NUL", ";a\0"],
  ["with DEL in quotes", ';a="\x7f"'],
  ["with a control character in quotes", ';a="\x01"'],
  ["with a byte above 0x7f in its name", ";\xe9"],
  ["with a bare LF", ";a\nb"],
  ["with a bare LF in quotes", ';a="b\nc"'],
  ["with a bare CR", ";a\rb"],
  ["with a line end in quotes", ';a="\r\n"'],
  ["with a bare LF behind it", ";a\n"],
  ["with an escape that is a control character", ';a="\\\x01"'],
  ["of 5,000 bytes", `;a=${"b".repeat(5_000)}`],
  ["without an end", `;${"a".repeat(100_000)}`],
];

/** Whole bodies. */
const BAD_FRAMES: readonly (readonly [name: string, body: string])[] = [
  ["bare LF behind a size", `5\nhello\r\n${LAST}`],
  ["LF CR behind a size", `5\n\rhello\r\n${LAST}`],
  ["bare LF behind an extension", `5;a=b\nhello\r\n${LAST}`],
  ["bare LF behind data", `5\r\nhello\n${LAST}`],
  ["bare CR behind data", `5\r\nhello\r${LAST}`],
  ["CR CR LF behind data", `5\r\nhello\r\r\n${LAST}`],
  ["nothing behind data", `5\r\nhello${LAST}`],
  ["two other bytes behind data", `5\r\nhelloXY${LAST}`],
  ["CR and a letter behind data", `5\r\nhello\rX${LAST}`],
  ["two line ends behind data", `5\r\nhello\r\n\r\n${LAST}`],
  ["a space behind data", `5\r\nhello \r\n${LAST}`],
  ["more data than the size", `4\r\nhello\r\n${LAST}`],
  ["less data than the size", `6\r\nhello\r\n${LAST}`],
  ["every line ends in a bare LF", "5\nhello\n0\n\n"],
  ["bare LF behind the last size", "5\r\nhello\r\n0\n\r\n"],
  ["two bare LF at the end", "5\r\nhello\r\n0\n\n"],
  ["bare LF at the end", "5\r\nhello\r\n0\r\n\n"],
  ["CR CR LF at the end", "5\r\nhello\r\n0\r\n\r\r\n"],
  ["bare CR at the end", "5\r\nhello\r\n0\r\n\rX: y\r\n\r\n"],
  // The next request is then the trailer section of this one, and no field line.
  ["no empty line at the end", "5\r\nhello\r\n0\r\n"],
  ["no last chunk", "5\r\nhello\r\n"],
  ["an empty line before the first size", `\r\n5\r\nhello\r\n${LAST}`],
  ["no chunks at all", "hello"],
  ["a request in place of chunks", ""],
  ["a negative last size", "-0\r\n\r\n"],
  ["a space behind the last size", "0 \r\n\r\n"],
];

const BAD_TRAILERS: readonly (readonly [name: string, line: string])[] = [
  ["space before the colon", "X : y"],
  ["no colon", "X"],
  ["an empty name", ": y"],
  ["a name with a space", "X Y: z"],
  ["a name with a byte above 0x7f", "X\xe9: y"],
  ["a folded line", "X: y\r\n z"],
  ["a folded first line", " X: y"],
  ["NUL in a value", "X: y\0"],
  ["DEL in a value", "X: y\x7f"],
  ["a bare LF", "X: y\nZ: z"],
  ["a bare CR", "X: y\rZ: z"],
  ["CR CR LF", "X: y\r"],
  ["a request line", "GET /smuggled HTTP/1.1"],
];

/** RFC 9110 section 6.5.1: what frames, routes, authenticates or describes a message has no place behind it. */
const FORBIDDEN_TRAILERS = [
  "Content-Length: 100",
  "Transfer-Encoding: chunked",
  "Host: b",
  "Connection: close",
  "Upgrade: websocket",
  "Trailer: x",
  "TE: trailers",
  "Cookie: a=b",
  "Authorization: Basic eA==",
  "Expect: 100-continue",
  "Content-Type: text/html",
  "Content-Encoding: gzip",
  "Cache-Control: no-store",
  "Max-Forwards: 0",
  "Range: bytes=0-1",
  "X-Forwarded-For: 192.0.2.1",
  "Forwarded: for=192.0.2.1",
];

const HELLO = posted("hello");
const X_T: ExpectedRequest = { ...HELLO, trailers: ["x-t"] };

export const CHUNKED: readonly SmugglingCase[] = [
  ...BAD_SIZES.map(([name, size]) => refused("400", CHUNKS, `size ${name}`, chunked(`${size}\r\nhello\r\n${LAST}`))),
  ...BAD_EXTENSIONS.map(([name, extension]) =>
    refused("400", EXTENSION, `extension ${name}`, chunked(`5${extension}\r\nhello\r\n${LAST}`))
  ),
  refused("400", EXTENSION, "extension without a name on the last chunk", chunked("5\r\nhello\r\n0;\r\n\r\n")),
  refused("400", EXTENSION, "extension with a bare LF on the last chunk", chunked('5\r\nhello\r\n0;a="\n"\r\n\r\n')),
  ...BAD_FRAMES.map(([name, body]) => refused("400", CHUNKS, `chunks with ${name}`, chunked(body))),
  ...BAD_TRAILERS.map(([name, line]) =>
    refused("400", TRAILER, `trailers with ${name}`, chunked(`5\r\nhello\r\n0\r\n${line}\r\n\r\n`))
  ),
  refused("431", TRAILER, "a trailer of 40,000 bytes", chunked(`0\r\nX: ${"y".repeat(40_000)}\r\n\r\n`)),
  refused("431", TRAILER, "300 trailers", chunked(`0\r\n${"X: y\r\n".repeat(300)}\r\n`)),

  forwarded(CHUNKS, "two chunks", chunked(`3\r\nhel\r\n2\r\nlo\r\n${LAST}`), HELLO),
  forwarded(CHUNKS, "size in upper case hex", chunked(`A\r\n0123456789\r\n${LAST}`), posted("0123456789")),
  forwarded(CHUNKS, "size in lower case hex", chunked(`a\r\n0123456789\r\n${LAST}`), posted("0123456789")),
  forwarded(CHUNKS, "size with leading noughts", chunked(`0005\r\nhello\r\n${LAST}`), HELLO),
  forwarded(CHUNKS, "last size of three noughts", chunked("5\r\nhello\r\n000\r\n\r\n"), HELLO),
  forwarded(CHUNKS, "nothing but the last chunk", chunked(LAST), posted("")),
  forwarded(CHUNKS, "data that looks like the end", chunked(`5\r\n${LAST}\r\n${LAST}`), posted(LAST)),
  forwarded(
    CHUNKS,
    "data that looks like a request",
    chunked(`23\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n\r\n${LAST}`),
    posted("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
  ),
  forwarded(CHUNKS, "data of every line end", chunked(`6\r\n\r\n\n\r\0\t\r\n${LAST}`), posted("\r\n\n\r\0\t")),
  forwarded(EXTENSION, "extension", chunked(`5;a\r\nhello\r\n${LAST}`), HELLO),
  forwarded(EXTENSION, "extension with a value", chunked(`5;a=b\r\nhello\r\n${LAST}`), HELLO),
  forwarded(EXTENSION, "extension in quotes", chunked(`5;a="b; c\r\nhello\r\n${LAST}`.replace("c", 'c"')), HELLO),
  forwarded(EXTENSION, "extension with an escaped quote", chunked(`5;a="\\""\r\nhello\r\n${LAST}`), HELLO),
  forwarded(EXTENSION, "three extensions", chunked(`5;a;b=c;d="e"\r\nhello\r\n${LAST}`), HELLO),
  forwarded(EXTENSION, "extension on the last chunk", chunked("5\r\nhello\r\n0;a=b\r\n\r\n"), HELLO),
  // "A recipient MUST parse for such bad whitespace": RFC 9110 section 5.6.3.
  forwarded(EXTENSION, "extension behind a space", chunked(`5 ;a\r\nhello\r\n${LAST}`), HELLO),
  forwarded(EXTENSION, "extension with spaces around all", chunked(`5 ; a = b\r\nhello\r\n${LAST}`), HELLO),
  forwarded(TRAILER, "trailer", chunked("5\r\nhello\r\n0\r\nX-T: y\r\n\r\n"), X_T),
  forwarded(TRAILER, "trailer with an empty value", chunked("5\r\nhello\r\n0\r\nX-T:\r\n\r\n"), X_T),
  ...FORBIDDEN_TRAILERS.map((line) =>
    forwarded(
      "RFC 9110 section 6.5.1",
      `${line} as a trailer`,
      chunked(`5\r\nhello\r\n0\r\n${line}\r\nX-T: y\r\n\r\n`),
      X_T,
    )
  ),
];
