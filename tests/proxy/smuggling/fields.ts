/** Field lines: names, colons, values, line ends, limits. */
import { bare, forwarded, GET, get, refused, type SmugglingCase } from "./case.ts";

const NAME = "RFC 9110 section 5.1";
const VALUE = "RFC 9110 section 5.5";
const LINE = "RFC 9112 section 5";
const COLON = "RFC 9112 section 5.1";
const FOLD = "RFC 9112 section 5.2";
const LINE_END = "RFC 9112 section 2.2";
const LIMIT = "RFC 6585 section 5";

/** What a token may not hold: RFC 9110 section 5.6.2. */
const DELIMITERS = ["(", ")", "<", ">", "@", ",", ";", "\\", '"', "/", "[", "]", "?", "=", "{", "}"];

const CONTROLS: readonly (readonly [name: string, byte: string])[] = [
  ["NUL", "\0"],
  ["SOH", "\x01"],
  ["backspace", "\b"],
  ["vertical tab", "\x0b"],
  ["form feed", "\x0c"],
  ["escape", "\x1b"],
  ["unit separator", "\x1f"],
  ["DEL", "\x7f"],
];

export const FIELDS: readonly SmugglingCase[] = [
  ...DELIMITERS.map((byte) => refused("400", NAME, `name with ${byte}`, get(`X${byte}Y: z`))),
  ...CONTROLS.map(([name, byte]) => refused("400", NAME, `name with ${name}`, get(`X${byte}Y: z`))),
  ...CONTROLS.map(([name, byte]) => refused("400", VALUE, `value with ${name}`, get(`X: y${byte}z`))),
  refused("400", NAME, "name with a space", get("X Y: z")),
  refused("400", NAME, "name with a tab", get("X\tY: z")),
  refused("400", NAME, "name with a byte above 0x7f", get("X\xe9: z")),
  refused("400", NAME, "name with a soft hyphen in place of a hyphen", get("Content\xadLength: 5")),
  refused("400", NAME, "empty name", get(": z")),
  refused("400", NAME, "line of a colon alone", get(":")),
  refused("400", LINE, "no colon", get("Xyz")),
  refused("400", LINE, "no colon, but a value", get("X y")),
  refused("400", LINE, "a second request line", get("GET /smuggled HTTP/1.1")),
  refused("400", COLON, "space before the colon", get("X : y")),
  refused("400", COLON, "tab before the colon", get("X\t: y")),
  refused("400", COLON, "space before the first field's colon", bare("X : y", "Host: a")),
  refused("400", FOLD, "folded by a space", get("X: y", " z")),
  refused("400", FOLD, "folded by a tab", get("X: y", "\tz")),
  refused("400", FOLD, "folded line that looks like a field", get("X: y", " Content-Length: 5")),
  refused("400", FOLD, "folded line of spaces alone", get("X: y", "  ")),
  refused("400", FOLD, "folded value that is empty before", get("X:", " y")),
  refused("400", LINE_END, "space before the first field", bare(" X: y", "Host: a")),
  refused("400", LINE_END, "tab before the first field", bare("\tX: y", "Host: a")),
  refused("400", LINE_END, "line of spaces as the first field", bare("  ", "Host: a")),
  refused("400", LINE_END, "bare CR in a value", get("X: y\rz")),
  refused("400", LINE_END, "bare CR and a field in a value", get("X: y\rContent-Length: 5")),
  refused("400", LINE_END, "bare CR before a value", get("X: \ry")),
  refused("400", LINE_END, "bare CR in a name", get("X\rY: z")),
  refused("400", LINE_END, "bare CR before the colon", get("X\r: z")),
  refused("400", LINE_END, "CR CR LF at a line's end", get("X: y\r")),
  refused("400", LINE_END, "bare LF at a line's end", get("X: y\nY: z")),
  refused("400", LINE_END, "bare LF at Host's end", "GET / HTTP/1.1\r\nHost: a\n\r\n"),
  refused("400", LINE_END, "bare LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
  refused("400", LINE_END, "bare CR for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n"),
  refused("400", LINE_END, "CR CR LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"),
  refused("400", LINE_END, "LF CR for line ends", "GET / HTTP/1.1\r\nHost: a\n\r\n\r"),
  refused("400", LINE_END, "bare LF twice in a value: the end of a head for some", get("X: y\n\nGET /b HTTP/1.1")),
  refused("400", LINE_END, "NUL at a line's end", get("X: y\0")),
  refused("400", LINE_END, "NUL for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\0\r\n\r\n"),

  refused("431", LIMIT, "value of 40,000 bytes", get(`X: ${"y".repeat(40_000)}`)),
  refused("431", LIMIT, "name of 40,000 bytes", get(`${"X".repeat(40_000)}: y`)),
  refused("431", LIMIT, "value without an end", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(200_000)}`),
  refused("431", LIMIT, "name without an end", `GET / HTTP/1.1\r\nHost: a\r\n${"X".repeat(200_000)}`),
  refused("431", LIMIT, "fields without an end", "GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n".repeat(20_000)),
  refused("431", LIMIT, "spaces without an end", `GET / HTTP/1.1\r\nHost: a\r\nX:${" ".repeat(200_000)}`),
  refused("431", LIMIT, "300 fields", get(...Array<string>(300).fill("X: y"))),
  // Those that are not passed on count as well: each costs as much to read.
  refused("431", LIMIT, "20,000 fields for a hop", get(...Array<string>(20_000).fill("Connection: x"))),

  forwarded(VALUE, "value with bytes above 0x7f", get("X: \x80\xe9\xff"), { ...GET, has: ["x: \x80\xe9\xff"] }),
  forwarded(VALUE, "value with a tab within", get("X: y\tz"), { ...GET, has: ["x: y\tz"] }),
  forwarded(VALUE, "empty value", get("X:"), { ...GET, has: ["x: "] }),
  forwarded(VALUE, "value of spaces alone", get("X: \t "), { ...GET, has: ["x: "] }),
  forwarded(VALUE, "value with spaces around it", get("X:\t  y \t"), { ...GET, has: ["x: y"] }),
  forwarded(VALUE, "value with colons", get("X::y: z"), { ...GET, has: ["x: :y: z"] }),
  forwarded(VALUE, "value with a backslash and letters for a line end", get("X: y\\r\\nHost: b"), {
    ...GET,
    has: ["x: y\\r\\nHost: b"],
  }),
  forwarded(NAME, "name of a token's odd characters", get("!#$%&'*+-.^_`|~09: z"), {
    ...GET,
    has: ["!#$%&'*+-.^_`|~09: z"],
  }),
  forwarded(LIMIT, "value of 7,000 bytes", get(`X: ${"y".repeat(7_000)}`), {
    ...GET,
    has: [`x: ${"y".repeat(7_000)}`],
  }),
  forwarded(LIMIT, "100 fields", get(...Array<string>(98).fill("X: y")), GET),
];
