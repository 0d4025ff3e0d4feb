import assert from "node:assert/strict";
import fc from "fast-check";
import { IncomingBody, writeBody } from "../../core/proxy/http1/body.ts";
import { ChunkedDecoder } from "../../core/proxy/http1/chunked.ts";
import { decodeLatin1, encodeLatin1 } from "../../core/proxy/http1/latin1.ts";
import { parseRequest as parseRequestBytes, requestHeadEnd } from "../../core/proxy/http1/request.ts";
import { parseResponse as parseResponseBytes } from "../../core/proxy/http1/response.ts";
import { BadMessage } from "../../core/proxy/http1/syntax.ts";
import { finishRequest } from "../../core/proxy/http1/write.ts";
import { HeldBytes } from "../../core/proxy/http1/held_bytes.ts";
import { HeadBlock } from "../../core/proxy/head_block.ts";
import { NO_BODY, type RequestHead, UNKNOWN_LENGTH } from "../../core/proxy/message.ts";
import { fromLatin1, latin1 } from "./harness.ts";
import { cases } from "../soak.ts";

/** The bytes of a head with the 0 behind them that the readers want. */
function withSentinel(head: string): Uint8Array<ArrayBuffer> {
  return latin1(`${head}\0`);
}

/** Reads a head that is whole, and nothing more. */
function parseRequest(head: string): RequestHead {
  const request = parseRequestBytes(withSentinel(head), 0, head.length, new HeadBlock(new Uint8Array(4096)));
  assert.ok(request, "not one whole head");
  assert.equal(requestHeadEnd, head.length);
  return request;
}

function parseResponse(head: string, method: string) {
  const response = parseResponseBytes(withSentinel(head), 0, head.length, method, new HeadBlock(new Uint8Array(4096)));
  assert.ok(response, "not one whole head");
  assert.equal(response.headEnd, head.length);
  return response;
}

function fieldsOf({ block }: RequestHead): [name: string, value: string][] {
  return Array.from({ length: block.count }, (_, i) => [block.name(i), block.value(i)]);
}

function refused(status: number) {
  return (error: unknown) => error instanceof BadMessage && error.status === status;
}

Deno.test("parseRequest() separates what concerns the connection from what is passed on", () => {
  const request = parseRequest(
    "POST /a?b HTTP/1.1\r\nHost: h\r\nConnection: x-one , close\r\nX-One: 1\r\nX-Two:\t two \r\nContent-Length: 5\r\nCookie: c\r\n\r\n",
  );
  const { block, ...meaning } = request;
  assert.equal(fromLatin1(block.bytes.subarray(0, block.end)), "POST /a?b HTTP/1.1\r\nhost: h\r\nx-two: two\r\n");
  assert.deepEqual(meaning, {
    method: "POST",
    target: "/a?b",
    host: "h",
    cookie: "c",
    forwarded: null,
    bodyLength: 5,
    expectsContinue: false,
    acceptsTrailers: false,
    upgrade: "",
    isHttp11: true,
    keepAlive: false,
  });
});

Deno.test("parseRequest() takes the authority of an absolute target before Host", () => {
  const { host, target } = parseRequest("GET HTTP://real:80?q HTTP/1.1\r\nHost: other\r\n\r\n");
  assert.deepEqual([host, target], ["real:80", "/?q"]);
});

Deno.test("parseRequest() knows when HTTP/1.0 keeps the connection", () => {
  const keeps = (lines: string) => parseRequest(`GET / HTTP/1.0\r\n${lines}\r\n`).keepAlive;
  assert.equal(keeps(""), false);
  assert.equal(keeps("Connection: Keep-Alive\r\n"), true);
  assert.equal(keeps("Connection: keep-alive, close\r\n"), false);
});

Deno.test("parseRequest() lets Connection: host remove no Host", () => {
  assert.equal(parseRequest("GET / HTTP/1.1\r\nHost: h\r\nConnection: host\r\n\r\n").host, "h");
});

Deno.test("parseRequest() joins Cookie fields, and one without a pair adds nothing", () => {
  // An empty one left a separator behind, which was another value when it was read again.
  const cookie = (lines: string) => parseRequest(`GET / HTTP/1.1\r\nHost: h\r\n${lines}\r\n`).cookie;
  assert.equal(cookie("Cookie: a=1\r\nCookie: \r\nCookie: b=2\r\n"), "a=1; b=2");
  assert.equal(cookie("Cookie:\r\nCookie: a=1\r\nCookie:\r\n"), "a=1");
});

Deno.test("what parseRequest() accepts is written as one request that it reads as the same", () => {
  const piece = fc.string({ unit: "binary-ascii", maxLength: 12 });
  const line = fc.oneof(
    fc.tuple(
      fc.constantFrom("host", "content-length", "transfer-encoding", "connection", "cookie", "x-a", "te", ""),
      piece,
    )
      .map(([name, value]) => `${name}: ${value}`),
    piece,
    fc.constantFrom("Host: h", "Content-Length: 3", "Transfer-Encoding: chunked", " folded", "X-B: \xe9"),
  );
  const head = fc.tuple(
    fc.constantFrom("GET / HTTP/1.1", "POST /x HTTP/1.0", "GET http://a/ HTTP/1.1"),
    fc.array(line, { maxLength: 5 }),
  )
    .map(([first, lines]) => [first, "Host: h", ...lines].join("\r\n") + "\r\n\r\n");
  let accepted = 0;
  fc.assert(
    fc.property(head, (head) => {
      let request;
      try {
        request = parseRequest(head);
      } catch (error) {
        assert.ok(error instanceof BadMessage || error instanceof assert.AssertionError);
        return;
      }
      accepted++;
      const { host, target, method, cookie, bodyLength } = request;
      const fields = fieldsOf(request);
      finishRequest(request, cookie, "", true);
      const again = parseRequest(fromLatin1(request.block.bytes.subarray(0, request.block.end)));
      assert.deepEqual([again.host, again.target, again.method, again.cookie], [host, target, method, cookie]);
      assert.equal(again.bodyLength, bodyLength);
      assert.deepEqual(fieldsOf(again), fields);
    }),
    cases(3000),
  );
  assert.ok(accepted > 100, `only ${accepted} were accepted`);
});

Deno.test("parseResponse() frames the body by status, method and fields", () => {
  const parse = (head: string, method = "GET") => {
    const { bodyLength, isChunked, keepAlive } = parseResponse(head, method);
    return [bodyLength, isChunked, keepAlive];
  };
  assert.deepEqual(parse("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"), [7, false, true]);
  assert.deepEqual(parse("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "HEAD"), [NO_BODY, false, true]);
  assert.deepEqual(parse("HTTP/1.1 204 No\r\n\r\n"), [NO_BODY, false, true]);
  assert.deepEqual(parse("HTTP/1.1 304 No\r\nContent-Length: 7\r\n\r\n"), [NO_BODY, false, true]);
  assert.deepEqual(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"), [UNKNOWN_LENGTH, true, true]);
  assert.deepEqual(parse("HTTP/1.1 200 OK\r\n\r\n"), [UNKNOWN_LENGTH, false, false]);
  assert.deepEqual(parse("HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n"), [7, false, false]);
  assert.deepEqual(parse("HTTP/1.0 200 OK\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\n"), [7, false, true]);
  assert.deepEqual(parse("HTTP/1.1 200\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"), [7, false, false]);
  for (const bad of ["HTTP/1.1 20 OK", "HTTP/1.1 600 OK", "HTTP/1.1 200OK", "HTTP/2 200", "200 OK", ""]) {
    assert.throws(() => parse(`${bad}\r\n\r\n`), refused(502), bad);
  }
});

/** Feeds `bytes` in pieces that end at the given places; returns the data and the bytes left over. */
function decodeInPieces(bytes: Uint8Array, cuts: readonly number[]): [data: string, left: string] {
  const decoder = new ChunkedDecoder();
  let data = "";
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = bytes.slice(at, cut);
    data += fromLatin1(piece.subarray(0, decoder.decode(piece, 0, piece.length)));
    if (decoder.isDone) return [data, fromLatin1(bytes.subarray(at + decoder.consumed))];
    at = cut;
  }
  return [data, "not done"];
}

Deno.test("ChunkedDecoder gives the same data at every split", () => {
  const body = latin1(
    "4;a=b;c\r\nWiki\r\n6\r\npedia \r\n0A\r\nin \r\nchunk\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nGET / next",
  );
  for (let one = 0; one <= body.length; one++) {
    for (let other = one; other <= body.length; other++) {
      assert.deepEqual(decodeInPieces(body, [one, other]), ["Wikipedia in \r\nchunk", "GET / next"]);
    }
  }
});

Deno.test("ChunkedDecoder refuses what two readers could take differently", () => {
  const bad = [
    "\r\n",
    "g\r\n",
    "-1\r\n",
    "+1\r\n",
    "0x1\r\n",
    " 1\r\na\r\n",
    "1\na\r\n",
    "1\r\na\n",
    "1\r\nab\r\n",
    "1\r\na\r0",
    "1;\na\r\n",
    "1;a\x00\r\n",
    "1111111111111\r\n",
    `1;${"a".repeat(300)}\r\n`,
    "0\r\nA: \x01\r\n\r\n",
    "0\r\nA\n\r\n",
    "0\r\n\rX",
  ];
  for (const text of bad) {
    assert.throws(() => decodeInPieces(latin1(text), []), refused(400), JSON.stringify(text.slice(0, 40)));
  }
  assert.throws(() => decodeInPieces(latin1(`0\r\n${"A: b\r\n".repeat(2000)}`), []), refused(431));
});

Deno.test("bodies written in chunks are read as they were, whatever the pieces", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
      fc.array(fc.nat(300), { maxLength: 6 }),
      (pieces, cuts) => {
        const out = new Uint8Array(2000);
        let end = 0;
        pieces.forEach((piece, i) =>
          end = writeBody(out, end, piece, 0, piece.length, true, i === pieces.length - 1, null)
        );
        if (pieces.length === 0) end = writeBody(out, 0, out, 0, 0, true, true, null);
        const sorted = cuts.filter((cut) => cut <= end).sort((one, other) => one - other);
        assert.deepEqual(decodeInPieces(out.slice(0, end), sorted), [pieces.map(fromLatin1).join(""), ""]);
      },
    ),
  );
});

function incoming(length: number): IncomingBody {
  const body = new IncomingBody();
  body.begin(length, false);
  return body;
}

Deno.test("IncomingBody ends where its length says and leaves the rest", () => {
  const body = incoming(5);
  const bytes = latin1("abcdefgh");
  assert.equal(body.take(bytes, 0, 3), 3);
  assert.equal(body.isDone, false);
  assert.equal(body.take(bytes, 3, 8), 5);
  assert.deepEqual([body.isDone, body.consumed], [true, 5]);
  assert.ok(incoming(NO_BODY).isDone);
  const endless = incoming(UNKNOWN_LENGTH);
  assert.equal(endless.take(bytes, 0, 8), 8);
  assert.deepEqual([endless.isDone, endless.endsWithConnection], [false, true]);
});

Deno.test("latin1 keeps every byte, both ways", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    const text = decodeLatin1(bytes, 0, bytes.length);
    assert.equal(text.length, bytes.length);
    const out = new Uint8Array(bytes.length);
    assert.equal(encodeLatin1(text, out, 0), bytes.length);
    assert.deepEqual(out, bytes);
  }));
  assert.throws(() => encodeLatin1("abc", new Uint8Array(4), 2), RangeError);
});

Deno.test("HeldBytes finds the empty line and waits for what is not there yet, at every split", () => {
  const head = latin1("GET / HTTP/1.1\r\nA: b\r\n\r\nbody\r\n\r\n");
  const end = head.indexOf(98, 20);
  for (let first = 0; first <= head.length; first++) {
    const held = new HeldBytes(head, 0, first);
    assert.equal(held.findHeadEnd(), first >= end ? end : -1);
    if (first >= end) continue;
    for (let at = first; at < end; at++) {
      held.append(head, at, at + 1);
      assert.equal(held.bytes[held.length], 0);
      assert.equal(held.findHeadEnd(), at + 1 === end ? end : -1);
    }
  }
});
