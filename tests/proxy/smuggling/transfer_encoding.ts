/** Transfer-Encoding: chunked, once, alone; and what tries to be read as it by one of two readers. */
import { chunked, forwarded, GET, get, LAST, post, posted, refused, type SmugglingCase } from "./case.ts";

const CODING = "RFC 9112 section 6.1";
const BODY = "RFC 9112 section 6.3";
const NAME = "RFC 9110 section 5.1";
const BODY_BYTES = `5\r\nhello\r\n${LAST}`;

/** Chunked is not the last coding, or not there, or not as it should be. */
const NOT_CHUNKED: readonly (readonly [name: string, value: string])[] = [
  ["chunked twice", "chunked, chunked"],
  ["chunked twice without a space", "chunked,chunked"],
  ["chunked before identity", "chunked, identity"],
  ["chunked before gzip", "chunked, gzip"],
  ["chunked on both sides of gzip", "chunked, gzip, chunked"],
  ["a coding twice", "gzip, gzip, chunked"],
  ["identity alone", "identity"],
  ["gzip alone", "gzip"],
  ["xchunked", "xchunked"],
  ["chunkedx", "chunkedx"],
  ["chunk", "chunk"],
  ["chunked and a word", "chunked x"],
  ["chunked and a word behind a tab", "chunked\tx"],
  ["a word and chunked", "x chunked"],
  ["chunked with a weight", "chunked;q=1"],
  ["chunked with a parameter", "chunked; a=b"],
  ["chunked with an empty parameter", "chunked;"],
  ["chunked and a comma", "chunked,"],
  ["a comma and chunked", ",chunked"],
  ["two commas and chunked", ", , chunked"],
  ["chunked, split by a comma", "chun,ked"],
  ["empty", ""],
  ["a space", " "],
  ["a comma", ","],
  ["chunked in quotes", '"chunked"'],
  ["chunked in apostrophes", "'chunked'"],
  ["chunked in brackets", "[chunked]"],
  ["chunked in a comment", "(chunked)"],
  ["chunked within a quoted parameter", 'gzip;a="b, chunked"'],
  ["chunked and a colon", "chunked:"],
  ["a colon and chunked", ":chunked"],
  ["chunked with a hyphen", "chun-ked"],
  ["chunked and 0xa0", "chunked\xa0"],
  ["0xa0 and chunked", "\xa0chunked"],
  ["0x85 and chunked", "\x85chunked"],
  ["chunked with a Kelvin sign", "chun\xe2\x84\xaaed"],
  ["chunked and a letter of UTF-8", "chunked\xc3\xa9"],
  ["chunked, percent-encoded", "%63hunked"],
  ["a vertical tab and chunked", "\x0bchunked"],
  ["a form feed and chunked", "\x0cchunked"],
  ["chunked and a vertical tab", "chunked\x0b"],
  ["chunked and NUL", "chunked\0"],
  ["NUL and chunked", "\0chunked"],
  ["chunked and DEL", "chunked\x7f"],
  ["chunked and a bare CR", "chunked\r "],
  ["a bare CR and chunked", "\rchunked"],
  ["a bare LF and chunked", "\nchunked"],
  ["a bare LF, a space and chunked", "\n chunked"],
];

const UNKNOWN_CODINGS = [
  "gzip, chunked",
  "deflate, gzip, chunked",
  "identity, chunked",
  "br, chunked",
  "x, chunked",
  "gzip;q=1, chunked",
  "compress, chunked",
];

export const TRANSFER_ENCODINGS: readonly SmugglingCase[] = [
  ...NOT_CHUNKED.map(([name, value]) =>
    refused("400", BODY, `Transfer-Encoding is ${name}`, post([`Transfer-Encoding: ${value}`], BODY_BYTES))
  ),
  // A length beside it is what a reader would fall back on that ignores such a coding.
  ...NOT_CHUNKED.filter(([, value]) => /^[\x20-\x7e]*$/.test(value)).map(([name, value]) =>
    refused(
      "400",
      BODY,
      `Transfer-Encoding is ${name}, with Content-Length`,
      post(["Content-Length: 15", `Transfer-Encoding: ${value}`], BODY_BYTES),
    )
  ),
  ...UNKNOWN_CODINGS.map((value) =>
    refused("501", CODING, `Transfer-Encoding is ${value}`, post([`Transfer-Encoding: ${value}`], BODY_BYTES))
  ),
  refused(
    "501",
    CODING,
    "an unknown coding in a field before chunked",
    post(["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    BODY,
    "Transfer-Encoding behind Content-Length",
    post(["Content-Length: 5", "Transfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    BODY,
    "Transfer-Encoding before Content-Length",
    post(["Transfer-Encoding: chunked", "Content-Length: 15"], BODY_BYTES),
  ),
  refused(
    "400",
    BODY,
    "Transfer-Encoding with Content-Length: 0",
    post(["Content-Length: 0", "Transfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    BODY,
    "Transfer-Encoding with Content-Length on a GET",
    get("Content-Length: 15", "Transfer-Encoding: chunked") + BODY_BYTES,
  ),
  refused(
    "400",
    BODY,
    "Transfer-Encoding with Content-Length that Connection lists",
    post(["Connection: content-length", "Content-Length: 15", "Transfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    BODY,
    "Transfer-Encoding that Connection lists, with Content-Length",
    post(["Connection: transfer-encoding", "Content-Length: 15", "Transfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    CODING,
    "two Transfer-Encodings",
    post(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    BODY,
    "two Transfer-Encodings, the last identity",
    post(["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], BODY_BYTES),
  ),
  refused(
    "400",
    BODY,
    "two Transfer-Encodings, the last empty",
    post(["Transfer-Encoding: chunked", "Transfer-Encoding:"], BODY_BYTES),
  ),
  refused(
    "400",
    BODY,
    "two Transfer-Encodings, the first empty",
    post(["Transfer-Encoding:", "Transfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    BODY,
    "two Transfer-Encodings, the last unknown",
    post(["Transfer-Encoding: chunked", "Transfer-encoding: x"], BODY_BYTES),
  ),
  refused("400", BODY, "empty Transfer-Encoding on a GET", get("Transfer-Encoding:")),
  refused("400", BODY, "Transfer-Encoding: identity on a GET", get("Transfer-Encoding: identity")),
  refused(
    "400",
    CODING,
    "Transfer-Encoding in HTTP/1.0",
    `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${BODY_BYTES}`,
  ),
  refused(
    "400",
    CODING,
    "Transfer-Encoding in HTTP/1.0, kept alive",
    `POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${BODY_BYTES}`,
  ),
  refused(
    "400",
    BODY,
    "Transfer-Encoding in HTTP/1.0 with Content-Length",
    `POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n${BODY_BYTES}`,
  ),
  refused(
    "400",
    "RFC 9112 section 5.1",
    "space before Transfer-Encoding's colon",
    post(["Transfer-Encoding : chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9112 section 5.1",
    "tab before Transfer-Encoding's colon",
    post(["Transfer-Encoding\t: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9110 section 5.1",
    "NUL before Transfer-Encoding's colon",
    post(["Transfer-Encoding\0: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9110 section 5.1",
    "0xa0 before Transfer-Encoding's colon",
    post(["Transfer-Encoding\xa0: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9110 section 5.1",
    "space in place of Transfer-Encoding's hyphen",
    post(["Transfer Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9112 section 5",
    "equals sign in place of Transfer-Encoding's colon",
    post(["Transfer-Encoding= chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9112 section 5.2",
    "space before Transfer-Encoding",
    post([" Transfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9112 section 5.2",
    "Transfer-Encoding on a folded line",
    post(["Transfer-Encoding:", " chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9112 section 5.2",
    "Transfer-Encoding that goes on on a folded line",
    post(["Transfer-Encoding: chunked", "\t, x"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9112 section 5.2",
    "Transfer-Encoding folded into another field",
    post(["X: y", " Transfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9112 section 2.2",
    "Transfer-Encoding behind a bare LF",
    post(["X: y\nTransfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9112 section 2.2",
    "Transfer-Encoding behind a bare CR",
    post(["X: y\rTransfer-Encoding: chunked"], BODY_BYTES),
  ),
  refused(
    "400",
    "RFC 9112 section 2.2",
    "Transfer-Encoding before CR CR LF",
    post(["Transfer-Encoding: chunked\r"], BODY_BYTES),
  ),

  forwarded(CODING, "chunked", chunked(BODY_BYTES), posted("hello")),
  forwarded(CODING, "CHUNKED", post(["Transfer-Encoding: CHUNKED"], BODY_BYTES), posted("hello")),
  forwarded(
    CODING,
    "chunKed in a field of mixed case",
    post(["tRANSFER-eNCODING: chunKed"], BODY_BYTES),
    posted("hello"),
  ),
  forwarded(CODING, "chunked without a space", post(["Transfer-Encoding:chunked"], BODY_BYTES), posted("hello")),
  forwarded(CODING, "chunked between tabs", post(["Transfer-Encoding:\t\tchunked \t"], BODY_BYTES), posted("hello"), {
    peersRefuse: "nginx trims spaces, but no tabs",
  }),
  forwarded(CODING, "chunked on a GET", get("Transfer-Encoding: chunked") + BODY_BYTES, { ...GET, body: "hello" }),
  forwarded(CODING, "chunked on a GET, empty", get("Transfer-Encoding: chunked") + LAST, GET),
  forwarded(NAME, "Transfer_Encoding is no coding", get("Transfer_Encoding: chunked"), GET),
  forwarded(NAME, "Transfer-Encodin is no coding", get("Transfer-Encodin: chunked"), GET),
  forwarded(NAME, "X-Transfer-Encoding is no coding", get("X-Transfer-Encoding: chunked"), GET),
  forwarded(
    "RFC 9110 section 8.4",
    "Content-Encoding: chunked is no transfer coding",
    get("Content-Encoding: chunked"),
    GET,
  ),
  forwarded("RFC 9110 section 10.1.4", "TE: chunked says nothing of this body", get("TE: chunked"), GET),
];
