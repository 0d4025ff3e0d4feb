/** Content-Length: one number, in digits. */
import { forwarded, GET, get, post, posted, refused, type SmugglingCase } from "./case.ts";

const LENGTH = "RFC 9110 section 8.6";
const NAME = "RFC 9110 section 5.1";
const BODY = "RFC 9112 section 6.3";

const INVALID: readonly (readonly [name: string, value: string])[] = [
  ["with a plus", "+5"],
  ["with a minus", "-5"],
  ["of minus nought", "-0"],
  ["with a space within", "1 5"],
  ["with a tab within", "1\t5"],
  ["in hex", "0x5"],
  ["with a hex digit", "5a"],
  ["in octal", "0o5"],
  ["in binary", "0b101"],
  ["with a fraction", "5.0"],
  ["with an exponent", "5e0"],
  ["with an underscore", "0_5"],
  ["in quotes", '"5"'],
  ["in apostrophes", "'5'"],
  ["empty", ""],
  ["of a tab alone", "\t"],
  ["of a word", "five"],
  ["with a letter behind it", "5x"],
  ["with a letter before it", "x5"],
  ["with a semicolon", "5;"],
  ["with a parameter", "5;a=b"],
  ["that is a list of equals", "5, 5"],
  ["that is a list of equals without a space", "5,5"],
  ["that is a list of differing", "5, 6"],
  ["with a comma behind it", "5,"],
  ["with a comma before it", ",5"],
  ["with a superscript", "\xb2"],
  ["in Arabic digits", "\xd9\xa5"],
  ["in full-width digits", "\xef\xbc\x95"],
  ["with NUL behind it", "5\0"],
  ["with vertical tab before it", "\x0b5"],
  ["with form feed behind it", "5\x0c"],
  ["with a no-break space before it", "\xa05"],
  ["with a bare CR behind it", "5\r "],
  ["of 2^64 + 5", "18446744073709551621"],
  ["of 2^63", "9223372036854775808"],
  ["of 2^53 + 1", "9007199254740993"],
  ["of 40 digits", "9".repeat(40)],
  ["of 400 digits", "1".repeat(400)],
  // Is 5, but no client pads so far: what is longer than any length is not looked at.
  ["of 30 noughts and a 5", `${"0".repeat(30)}5`],
  ["of infinity", "Infinity"],
  ["of NaN", "NaN"],
];

const TWO: readonly (readonly [name: string, first: string, second: string])[] = [
  ["differ", "5", "6"],
  ["differ, the smaller first", "0", "5"],
  ["differ by a leading nought", "5", "05"],
  ["differ by a sign", "5", "+5"],
  ["differ by an empty one behind", "5", ""],
  ["differ by an empty one before", "", "5"],
  ["are lists that agree", "5", "5, 5"],
];

export const CONTENT_LENGTHS: readonly SmugglingCase[] = [
  ...INVALID.map(([name, value]) =>
    refused("400", LENGTH, `Content-Length ${name}`, post([`Content-Length: ${value}`], "hello"))
  ),
  ...TWO.map(([name, first, second]) =>
    refused(
      "400",
      BODY,
      `two Content-Lengths that ${name}`,
      post([`Content-Length: ${first}`, `Content-Length: ${second}`], "hello"),
    )
  ),
  refused(
    "400",
    BODY,
    "two Content-Lengths that differ, in different case and far apart",
    post(["Content-Length: 5", "X: y", "content-length: 7"], "hello"),
  ),
  refused("400", "RFC 9112 section 5.1", "space before Content-Length's colon", post(["Content-Length : 5"], "hello")),
  refused("400", "RFC 9112 section 5.1", "tab before Content-Length's colon", post(["Content-Length\t: 5"], "hello")),
  refused(
    "400",
    "RFC 9112 section 5.1",
    "good Content-Length, and another with a space before its colon",
    post(["Content-Length: 5", "Content-Length : 0"], "hello"),
  ),
  refused("400", "RFC 9112 section 5.2", "Content-Length on a folded line", post(["Content-Length:", " 5"], "hello")),
  refused(
    "400",
    "RFC 9112 section 5.2",
    "Content-Length with more digits on a folded line",
    post(["Content-Length: 5", " 0"], "hello"),
  ),
  refused("400", "RFC 9112 section 2.2", "Content-Length behind a bare LF", post(["X: y\nContent-Length: 5"], "hello")),
  refused("400", "RFC 9112 section 2.2", "Content-Length behind a bare CR", post(["X: y\rContent-Length: 5"], "hello")),
  refused("400", "RFC 9110 section 5.1", "NUL before Content-Length's colon", post(["Content-Length\0: 5"], "hello")),
  refused("400", LENGTH, "invalid Content-Length on a GET", get("Content-Length: x")),
  refused(
    "400",
    LENGTH,
    "negative Content-Length in HTTP/1.0",
    "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
  ),

  forwarded(LENGTH, "Content-Length", post(["Content-Length: 5"], "hello"), posted("hello")),
  forwarded(LENGTH, "Content-Length without a space", post(["Content-Length:5"], "hello"), posted("hello")),
  forwarded(LENGTH, "Content-Length with spaces and tabs", post(["Content-Length:\t 5 \t"], "hello"), posted("hello"), {
    peersRefuse: "nginx trims spaces, but no tabs",
  }),
  forwarded(LENGTH, "Content-Length in upper case", post(["CONTENT-LENGTH: 5"], "hello"), posted("hello")),
  // The number goes out anew, so that nobody behind us can take it for octal.
  forwarded(LENGTH, "Content-Length with leading noughts", post(["Content-Length: 010"], "0123456789"), {
    ...posted("0123456789"),
    has: ["content-length: 10"],
  }),
  // RFC 9112 section 6.3 leaves both open: refuse, or use the one value, which goes out once.
  forwarded(BODY, "two equal Content-Lengths", post(["Content-Length: 5", "Content-Length: 5"], "hello"), {
    ...posted("hello"),
    has: ["content-length: 5"],
  }, { peersRefuse: "nginx takes one only" }),
  forwarded(BODY, "Content-Length of nought", post(["Content-Length: 0"], ""), posted("")),
  forwarded(BODY, "GET with a body", get("Content-Length: 5") + "hello", { ...GET, body: "hello" }),
  forwarded(BODY, "GET with a body that looks like a request", get("Content-Length: 34") + get("X: smuggled"), {
    ...GET,
    body: get("X: smuggled").slice(0, 34),
  }, { then: "400" }),
  forwarded(
    BODY,
    "DELETE with a body",
    "DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
    { method: "DELETE", target: "/x", body: "{}" },
  ),
  forwarded(
    BODY,
    "HEAD with a body",
    "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    { method: "HEAD", target: "/", body: "hello" },
  ),
  forwarded(BODY, "POST without a length has no body", post([], ""), posted("")),
  forwarded(
    BODY,
    "a body that is a request",
    post(["Content-Length: 40"], "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n[end]"),
    {
      ...posted("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n[end]"),
    },
  ),
  forwarded(NAME, "Content_Length is no length", get("Content_Length: 5"), GET),
  forwarded(NAME, "X-Content-Length is no length", get("X-Content-Length: 5"), GET),
  forwarded(NAME, "Content-Lengt is no length", get("Content-Lengt: 5"), GET),
];
