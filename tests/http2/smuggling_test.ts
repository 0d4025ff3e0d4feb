import assert from "node:assert/strict";
import { ascii, block, frame, Peer, REQUEST, uint32 } from "./peer.ts";

type Fields = readonly (readonly [name: string, value: string])[];

const PROTOCOL = "reset 1 1";

/** The usual request with other fields in place of those of the same name, and further ones behind. */
function requestWith(...fields: Fields): Fields {
  const names = new Set(fields.filter(([name]) => name[0] === ":").map(([name]) => name));
  return [
    ...REQUEST.filter(([name]) => !names.has(name)),
    ...fields.filter(([name]) => name[0] === ":"),
    ...fields.filter(([name]) => name[0] !== ":"),
  ];
}

function without(name: string): Fields {
  return REQUEST.filter(([other]) => other !== name);
}

/** Requests that HTTP/1.1 would read otherwise, or that mean two things: what becomes of each. */
const REFUSED: readonly (readonly [what: string, fields: Fields, outcome: string])[] = [
  // Line ends, NUL and spaces where HTTP/1.1 has its own use for them.
  ...[":method", ":path", ":authority", ":scheme"].flatMap((name) =>
    ["\r", "\n", "\r\n", "\0", " ", "\t"].map((byte) =>
      [
        `${JSON.stringify(byte)} in ${name}`,
        requestWith([name, `${name === ":path" ? "/a" : "a"}${byte}b`]),
        PROTOCOL,
      ] as const
    )
  ),
  ["a request line in :path", requestWith([":path", "/ HTTP/1.1\r\nhost: evil\r\n\r\nGET /x"]), PROTOCOL],
  ["a request line in :path without line ends", requestWith([":path", "/ HTTP/1.1"]), PROTOCOL],
  ["a request line in :method", requestWith([":method", "GET / HTTP/1.1\r\nx: y"]), PROTOCOL],
  ["a second request in :authority", requestWith([":authority", "a\r\n\r\nGET / HTTP/1.1"]), PROTOCOL],
  ["a field in a field's value", requestWith(["a", "b\r\nhost: evil"]), PROTOCOL],
  ["a request in a field's value", requestWith(["a", "b\r\n\r\nGET /evil HTTP/1.1"]), PROTOCOL],
  ["LF alone in a value", requestWith(["a", "b\nc: d"]), PROTOCOL],
  ["CR alone in a value", requestWith(["a", "b\rc"]), PROTOCOL],
  ["NUL in a value", requestWith(["a", "b\0"]), PROTOCOL],
  ["a folded value", requestWith(["a", "b\r\n c"]), PROTOCOL],
  ["a space before a value", requestWith(["a", " b"]), PROTOCOL],
  ["a space behind a value", requestWith(["a", "b "]), PROTOCOL],
  ["a tab behind a value", requestWith(["a", "b\t"]), PROTOCOL],
  ["a line in a name", requestWith(["a: b\r\nc", "d"]), PROTOCOL],
  ["a colon in a name", requestWith(["a:b", "c"]), PROTOCOL],
  ["a colon at the end of a name", requestWith(["host:", "evil"]), PROTOCOL],
  ["a space in a name", requestWith(["content-length ", "5"]), PROTOCOL],
  ["a space before a name", requestWith([" host", "evil"]), PROTOCOL],
  ["a tab in a name", requestWith(["a\tb", "c"]), PROTOCOL],
  ["an empty name", requestWith(["", "a"]), PROTOCOL],
  ["a letter in upper case in a name", requestWith(["Content-Length", "5"]), PROTOCOL],
  ["a name that is no token", requestWith(["a(b)", "c"]), PROTOCOL],
  ["a byte above 0x7f in a name", requestWith(["\xe4", "c"]), PROTOCOL],
  // Fields of the connection.
  ["connection", requestWith(["connection", "close"]), PROTOCOL],
  ["connection that names a field", requestWith(["connection", "x-forwarded-for"]), PROTOCOL],
  ["keep-alive", requestWith(["keep-alive", "timeout=5"]), PROTOCOL],
  ["proxy-connection", requestWith(["proxy-connection", "keep-alive"]), PROTOCOL],
  ["transfer-encoding: chunked", requestWith(["transfer-encoding", "chunked"]), PROTOCOL],
  ["transfer-encoding: identity", requestWith(["transfer-encoding", "identity"]), PROTOCOL],
  ["an empty transfer-encoding", requestWith(["transfer-encoding", ""]), PROTOCOL],
  [
    "transfer-encoding beside content-length",
    requestWith(["content-length", "0"], ["transfer-encoding", "chunked"]),
    PROTOCOL,
  ],
  ["upgrade", requestWith(["upgrade", "websocket"]), PROTOCOL],
  ["upgrade: h2c", requestWith(["upgrade", "h2c"], ["http2-settings", "AAMAAABkAAQCAAAAAAIAAAAA"]), PROTOCOL],
  ["te: chunked", requestWith(["te", "chunked"]), PROTOCOL],
  ["te: trailers, chunked", requestWith(["te", "trailers, chunked"]), PROTOCOL],
  ["an empty te", requestWith(["te", ""]), PROTOCOL],
  // Who is asked.
  ["Host differs from :authority", requestWith(["host", "evil.example"]), PROTOCOL],
  ["Host differs in its port", requestWith(["host", "shop.example:81"]), PROTOCOL],
  ["Host empty beside :authority", requestWith(["host", ""]), PROTOCOL],
  ["two Hosts", requestWith(["host", "shop.example"], ["host", "shop.example"]), PROTOCOL],
  ["two Hosts without :authority", [...without(":authority"), ["host", "a"], ["host", "b"]], PROTOCOL],
  ["neither Host nor :authority", without(":authority"), PROTOCOL],
  ["an empty :authority", requestWith([":authority", ""]), PROTOCOL],
  ["an empty :authority beside Host", [...requestWith([":authority", ""]), ["host", "shop.example"]], PROTOCOL],
  ["userinfo in :authority", requestWith([":authority", "user@shop.example"]), PROTOCOL],
  ["a path in :authority", requestWith([":authority", "shop.example/x"]), PROTOCOL],
  ["two names in :authority", requestWith([":authority", "shop.example,evil.example"]), PROTOCOL],
  ["a port that is none in :authority", requestWith([":authority", "shop.example:99999"]), PROTOCOL],
  ["userinfo in Host", [...without(":authority"), ["host", "user@shop.example"]], PROTOCOL],
  // Pseudo-header fields.
  ["no :method", without(":method"), PROTOCOL],
  ["no :scheme", without(":scheme"), PROTOCOL],
  ["no :path", without(":path"), PROTOCOL],
  ...[":method", ":scheme", ":path", ":authority"].map((name) =>
    [`${name} twice`, [...REQUEST, REQUEST.find(([other]) => other === name)!], PROTOCOL] as const
  ),
  ["an empty :method", requestWith([":method", ""]), PROTOCOL],
  ["an empty :scheme", requestWith([":scheme", ""]), PROTOCOL],
  ["an empty :path", requestWith([":path", ""]), PROTOCOL],
  [":status in a request", requestWith([":status", "200"]), PROTOCOL],
  ["an unknown pseudo-header field", requestWith([":evil", "1"]), PROTOCOL],
  ["a pseudo-header field behind a field", [...without(":path"), ["a", "b"], [":path", "/"]], PROTOCOL],
  ["another scheme", requestWith([":scheme", "ftp"]), PROTOCOL],
  ["a scheme with a URL", requestWith([":scheme", "https://evil.example/?"]), PROTOCOL],
  [":path as a URL", requestWith([":path", "https://evil.example/"]), PROTOCOL],
  [":path without a slash", requestWith([":path", "index.html"]), PROTOCOL],
  [":path * of GET", requestWith([":path", "*"]), PROTOCOL],
  ["a fragment in :path", requestWith([":path", "/a#b"]), PROTOCOL],
  ["a backslash in :path", requestWith([":path", "/a\\b"]), PROTOCOL],
  ["a byte above 0x7f in :path", requestWith([":path", "/\xe4"]), PROTOCOL],
  ["a quotation mark in :path", requestWith([":path", '/"']), PROTOCOL],
  ["a method that is no token", requestWith([":method", "GE(T"]), PROTOCOL],
  ["a method that is too long", requestWith([":method", "A".repeat(33)]), "bad 1 501"],
  ["a path that is too long", requestWith([":path", `/${"a".repeat(15_800)}`], ["b", "c".repeat(400)]), "bad 1 431"],
  ["CONNECT", [[":method", "CONNECT"], [":authority", "a:443"]], "bad 1 400"],
  ["CONNECT with a path", requestWith([":method", "CONNECT"]), PROTOCOL],
  ["CONNECT without an authority", [[":method", "CONNECT"]], PROTOCOL],
  [":protocol without CONNECT", requestWith([":protocol", "websocket"]), PROTOCOL],
  [
    "extended CONNECT of another protocol",
    requestWith([":method", "CONNECT"], [":protocol", "connect-udp"]),
    "bad 1 501",
  ],
  ["extended CONNECT without a path", [...without(":path").slice(1), [":method", "CONNECT"], [
    ":protocol",
    "websocket",
  ]], PROTOCOL],
  // Lengths.
  ["content-length that is no number", requestWith(["content-length", "abc"]), PROTOCOL],
  ["a negative content-length", requestWith(["content-length", "-1"]), PROTOCOL],
  ["content-length with a sign", requestWith(["content-length", "+5"]), PROTOCOL],
  ["an empty content-length", requestWith(["content-length", ""]), PROTOCOL],
  ["a list in content-length", requestWith(["content-length", "5, 5"]), PROTOCOL],
  ["content-length in hex", requestWith(["content-length", "0x5"]), PROTOCOL],
  ["a content-length too long for any body", requestWith(["content-length", "9".repeat(16)]), PROTOCOL],
  ["two content-lengths that differ", requestWith(["content-length", "5"], ["content-length", "6"]), PROTOCOL],
  ["two content-lengths written otherwise", requestWith(["content-length", "5"], ["content-length", "05"]), PROTOCOL],
  ["content-length with no body", requestWith(["content-length", "5"]), PROTOCOL],
  ["an unknown expectation", requestWith(["expect", "200-ok"]), "bad 1 417"],
  ["201 fields", requestWith(...Array.from({ length: 201 }, (): [string, string] => ["a", "b"])), "bad 1 431"],
];

for (const [what, fields, outcome] of REFUSED) {
  Deno.test(`ServerSession refuses ${what}`, () => {
    const peer = new Peer().begin().send(frame(1, 5, 1, block(fields)));
    const outcomes = [...peer.errors(), ...peer.events];
    assert.deepEqual(outcomes, [outcome]);
    // It is the request that is refused, not the connection.
    peer.send(frame(1, 5, 3, block(REQUEST)));
    assert.equal(peer.events.at(-1), "request 3 GET / end");
  });
}

/** Bodies that are not as long as their request says. */
const LENGTHS:
  readonly (readonly [what: string, length: string, pieces: readonly string[], last: "data" | "trailers"])[] = [
    ["more than content-length", "2", ["abc"], "data"],
    ["more than content-length, in two pieces", "2", ["ab", "c"], "data"],
    ["less than content-length", "4", ["abc"], "data"],
    ["less than content-length, then trailers", "4", ["abc"], "trailers"],
    ["a body beside content-length: 0", "0", ["a"], "data"],
  ];

for (const [what, length, pieces, last] of LENGTHS) {
  Deno.test(`ServerSession refuses ${what}`, () => {
    const peer = new Peer().begin();
    peer.send(frame(1, 4, 1, block(requestWith([":method", "POST"], ["content-length", length]))));
    pieces.forEach((piece, i) => {
      peer.send(frame(0, last === "data" && i === pieces.length - 1 ? 1 : 0, 1, ascii(piece)));
    });
    if (last === "trailers") peer.send(frame(1, 5, 1, block([["a", "b"]])));
    assert.deepEqual(peer.errors(), [PROTOCOL]);
    assert.equal(peer.events.at(-1), "gone 1");
    assert.ok(!peer.events.some((event) => event.endsWith(" end")), "nobody took it for complete");
  });
}

/** Requests in order, and the head of HTTP/1.1 that becomes of them, as far as the fields of the connection. */
const TAKEN: readonly (readonly [what: string, fields: Fields, head: string])[] = [
  ["a plain request", REQUEST, "GET / HTTP/1.1\r\nhost: shop.example\r\n"],
  ["Host instead of :authority", [...without(":authority"), ["host", "a"]], "GET / HTTP/1.1\r\nhost: a\r\n"],
  [
    "Host as :authority, in other case",
    requestWith(["host", "SHOP.example"]),
    "GET / HTTP/1.1\r\nhost: shop.example\r\n",
  ],
  ["OPTIONS *", requestWith([":method", "OPTIONS"], [":path", "*"]), "OPTIONS * HTTP/1.1\r\nhost: shop.example\r\n"],
  ["a query", requestWith([":path", "/a?b=/?|^"]), "GET /a?b=/?|^ HTTP/1.1\r\nhost: shop.example\r\n"],
  ["fields", requestWith(["a", "b"], ["c", ""]), "GET / HTTP/1.1\r\na: b\r\nc: \r\nhost: shop.example\r\n"],
  ["obs-text in a value", requestWith(["a", "\xe4"]), "GET / HTTP/1.1\r\na: \xe4\r\nhost: shop.example\r\n"],
  [
    "what only we may say of a client",
    requestWith(["x-forwarded-for", "1.2.3.4"], ["x_real_ip", "1.2.3.4"], ["forwarded", "for=a"]),
    "GET / HTTP/1.1\r\nhost: shop.example\r\n",
  ],
  [
    "WebSocket",
    requestWith([":method", "CONNECT"], [":protocol", "websocket"], [":path", "/chat"]),
    "GET /chat HTTP/1.1\r\nhost: shop.example\r\n",
  ],
];

for (const [what, fields, head] of TAKEN) {
  Deno.test(`ServerSession makes one head of ${what}`, () => {
    const peer = new Peer().begin().send(frame(1, what === "WebSocket" ? 4 : 5, 1, block(fields)));
    assert.deepEqual(peer.errors(), []);
    assert.deepEqual(peer.heads, [head]);
  });
}

Deno.test("ServerSession joins cookies (8.2.3)", () => {
  const peer = new Peer().begin();
  peer.send(frame(1, 5, 1, block(requestWith(["cookie", "a=1"], ["cookie", "b=2"], ["cookie", "c=3"]))));
  assert.equal(peer.requests[0]!.cookie, "a=1; b=2; c=3");
});

Deno.test("ServerSession passes on trailers that have no meaning of their own", () => {
  const peer = new Peer().begin();
  peer.send(frame(1, 4, 1, block(requestWith([":method", "POST"]))));
  const trailers = block([["x-sum", "1"], ["content-length", "5"], ["host", "evil"], ["authorization", "x"]]);
  peer.send(frame(1, 5, 1, trailers));
  const received = peer.streams.get(1)!.trailers!;
  assert.equal(new TextDecoder().decode(received.bytes.subarray(0, received.end)), "x-sum: 1\r\n");
});

Deno.test("ServerSession gives the same events at every split of the bytes", () => {
  const bytes = Uint8Array.from([
    ...ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ...frame(4, 0, 0, [0, 4, ...uint32(1_000)]),
    ...frame(1, 4, 1, block(requestWith([":method", "POST"], ["content-length", "6"]))),
    ...frame(0, 8, 1, [2, ...ascii("abc"), 0, 0]),
    ...frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
    ...frame(1, 1, 3, block(REQUEST).slice(0, 9)),
    ...frame(9, 4, 3, block(REQUEST).slice(9)),
    ...frame(0, 0, 1, ascii("def")),
    ...frame(1, 5, 1, block([["x-sum", "1"]])),
    ...frame(0, 0, 1, ascii("late")),
  ]);
  const whole = new Peer();
  whole.sendBytes(bytes);
  assert.deepEqual(whole.events, [
    "request 1 POST /",
    "body 1 abc",
    "request 3 GET / end",
    "body 1 def",
    "body 1  end",
    "gone 1",
  ]);
  const answer = whole.out.bytes.slice(0, whole.out.end);
  for (let split = 0; split <= bytes.length; split++) {
    const peer = new Peer();
    peer.sendBytes(bytes.slice(0, split));
    peer.sendBytes(bytes.slice(split));
    assert.deepEqual(peer.events, whole.events, `split at ${split}`);
    assert.deepEqual(peer.out.bytes.slice(0, peer.out.end), answer, `split at ${split}`);
  }
  const single = new Peer();
  for (const byte of bytes) single.sendBytes(Uint8Array.of(byte));
  assert.deepEqual(single.events, whole.events);
});
