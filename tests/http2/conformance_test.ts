import assert from "node:assert/strict";
import { ascii, block, frame, Peer, POST, PREFACE, REQUEST, uint32 } from "./peer.ts";

const DATA = 0;
const HEADERS = 1;
const PRIORITY = 2;
const RST_STREAM = 3;
const SETTINGS = 4;
const PUSH_PROMISE = 5;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;
const PRIORITY_UPDATE = 16;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const PADDED = 8;
const HAS_PRIORITY = 32;
const PROTOCOL = 1;
const FLOW_CONTROL = 3;
const CLOSED = 5;
const SIZE = 6;
const REFUSED = 7;
const COMPRESSION = 9;

const GET = block(REQUEST);
const open = (id = 1) => frame(HEADERS, END_HEADERS, id, block(POST));
const whole = (id = 1) => frame(HEADERS, END_HEADERS | END_STREAM, id, GET);
const data = (id: number, text: string, flags = 0) => frame(DATA, flags, id, ascii(text));
const setting = (id: number, value: number) => [id >>> 8, id & 255, ...uint32(value)];
const zeros = (count: number) => new Array<number>(count).fill(0);

/** What a client sends behind its preface and SETTINGS, and the errors that it must be told; none where it is in order. */
type Case = readonly [what: string, frames: readonly number[][], errors: readonly string[]];

const goaway = (code: number) => [`goaway ${code}`];
const reset = (code: number, id = 1) => [`reset ${id} ${code}`];

const CASES: Record<string, readonly Case[]> = {
  "4.1 frame format": [
    ["a frame of an unknown type is ignored", [frame(0xfa, 0, 0, [1, 2, 3]), whole()], []],
    ["a frame of an unknown type on a stream is ignored", [open(), frame(0xfa, 255, 1, [1])], []],
    ["flags without a meaning are ignored", [frame(PING, 0xfe, 0, zeros(8))], []],
    ["the reserved bit is ignored", [frame(PING, 0, 0x80000000, zeros(8))], []],
    ["the reserved bit of a stream's number is ignored", [frame(HEADERS, 5, 0x80000001, GET)], []],
  ],
  "4.2 frame size": [
    ["DATA of 16,384 bytes", [open(), frame(DATA, 0, 1, zeros(16_384))], []],
    ["DATA of 16,385 bytes", [open(), frame(DATA, 0, 1, zeros(16_385))], goaway(SIZE)],
    ["HEADERS of 16,385 bytes", [frame(HEADERS, 5, 1, zeros(16_385))], goaway(SIZE)],
    ["SETTINGS of 16,386 bytes", [frame(SETTINGS, 0, 0, zeros(16_386))], goaway(SIZE)],
    ["an unknown frame of 16,385 bytes", [frame(0xfa, 0, 0, zeros(16_385))], goaway(SIZE)],
    ["a length of 2^24 - 1 before any payload", [frame(DATA, 0, 1, [], 0xffffff)], goaway(SIZE)],
  ],
  "4.3 field section compression": [
    ["a block that cannot be decoded", [frame(HEADERS, 5, 1, [0x80])], goaway(COMPRESSION)],
    ["trailers that cannot be decoded", [open(), frame(HEADERS, 5, 1, [0x80])], goaway(COMPRESSION)],
    ["a block cut off", [frame(HEADERS, 5, 1, GET.slice(0, -1))], goaway(COMPRESSION)],
    ["an empty block", [frame(HEADERS, 5, 1)], reset(PROTOCOL)],
    ["a block that is refused is decoded for the table", [
      frame(HEADERS, 5, 1, [0x40, 1, 65, 1, 66]),
      frame(HEADERS, 5, 3, [...GET, 0xbe]),
    ], ["reset 1 1", "reset 3 1"]],
    ["DATA within a block", [open(), frame(HEADERS, 0, 3, GET), data(1, "a")], goaway(PROTOCOL)],
    ["HEADERS within a block", [frame(HEADERS, 0, 1, GET), frame(HEADERS, 4, 3, GET)], goaway(PROTOCOL)],
    ["PING within a block", [frame(HEADERS, 0, 1, GET), frame(PING, 0, 0, zeros(8))], goaway(PROTOCOL)],
    ["SETTINGS within a block", [frame(HEADERS, 0, 1, GET), frame(SETTINGS, 0, 0)], goaway(PROTOCOL)],
    ["PRIORITY within a block", [frame(HEADERS, 0, 1, GET), frame(PRIORITY, 0, 1, zeros(5))], goaway(PROTOCOL)],
    ["RST_STREAM within a block", [frame(HEADERS, 0, 1, GET), frame(RST_STREAM, 0, 1, zeros(4))], goaway(PROTOCOL)],
    ["an unknown frame within a block", [frame(HEADERS, 0, 1, GET), frame(0xfa, 0, 1)], goaway(PROTOCOL)],
    ["CONTINUATION of another stream", [frame(HEADERS, 0, 1, GET), frame(CONTINUATION, 4, 3)], goaway(PROTOCOL)],
  ],
  "5.1 stream states": [
    ["DATA on an idle stream", [data(1, "a")], goaway(PROTOCOL)],
    ["RST_STREAM on an idle stream", [frame(RST_STREAM, 0, 1, zeros(4))], goaway(PROTOCOL)],
    ["WINDOW_UPDATE on an idle stream", [frame(WINDOW_UPDATE, 0, 1, uint32(1))], goaway(PROTOCOL)],
    ["CONTINUATION on an idle stream", [frame(CONTINUATION, 4, 1)], goaway(PROTOCOL)],
    ["PRIORITY on an idle stream", [frame(PRIORITY, 0, 1, zeros(5)), whole()], []],
    ["DATA behind END_STREAM", [whole(), data(1, "a")], reset(CLOSED)],
    ["HEADERS behind END_STREAM", [whole(), frame(HEADERS, 5, 1, block([["a", "b"]]))], reset(CLOSED)],
    ["CONTINUATION behind END_HEADERS", [whole(), frame(CONTINUATION, 4, 1)], goaway(PROTOCOL)],
    ["WINDOW_UPDATE behind END_STREAM", [whole(), frame(WINDOW_UPDATE, 0, 1, uint32(1))], []],
    ["RST_STREAM behind END_STREAM", [whole(), frame(RST_STREAM, 0, 1, uint32(8))], []],
    ["PRIORITY behind END_STREAM", [whole(), frame(PRIORITY, 0, 1, zeros(5))], []],
    ["DATA behind the client's RST_STREAM", [open(), frame(RST_STREAM, 0, 1, uint32(8)), data(1, "a")], goaway(CLOSED)],
    ["HEADERS behind the client's RST_STREAM", [open(), frame(RST_STREAM, 0, 1, uint32(8)), whole()], goaway(CLOSED)],
    ["WINDOW_UPDATE behind the client's RST_STREAM", [
      open(),
      frame(RST_STREAM, 0, 1, uint32(8)),
      frame(WINDOW_UPDATE, 0, 1, uint32(1)),
    ], []],
    ["RST_STREAM twice", [open(), frame(RST_STREAM, 0, 1, uint32(8)), frame(RST_STREAM, 0, 1, uint32(8))], []],
    ["DATA behind our RST_STREAM is ignored", [frame(HEADERS, 4, 1, [0x82]), data(1, "a")], reset(PROTOCOL)],
    ["trailers behind our RST_STREAM are ignored", [
      frame(HEADERS, 4, 1, [0x82]),
      frame(HEADERS, 5, 1, block([["a", "b"]])),
    ], reset(PROTOCOL)],
    ["DATA on a stream that was left out", [whole(5), data(3, "a")], goaway(CLOSED)],
  ],
  "5.1.1 stream identifiers": [
    ["an even number", [frame(HEADERS, 5, 2, GET)], goaway(PROTOCOL)],
    ["a number below the last", [whole(5), whole(3)], goaway(PROTOCOL)],
    ["numbers left out", [whole(1), whole(7)], []],
    ["the highest number", [whole(0x7fffffff)], []],
    ["DATA on an even number", [whole(5), data(4, "a")], goaway(PROTOCOL)],
    ["WINDOW_UPDATE on an even number", [whole(5), frame(WINDOW_UPDATE, 0, 4, uint32(1))], goaway(PROTOCOL)],
    ["RST_STREAM on an even number", [whole(5), frame(RST_STREAM, 0, 4, uint32(1))], goaway(PROTOCOL)],
  ],
  "5.1.2 stream concurrency": [
    ["100 streams", Array.from({ length: 100 }, (_, i) => open(2 * i + 1)), []],
    ["101 streams", Array.from({ length: 101 }, (_, i) => open(2 * i + 1)), reset(REFUSED, 201)],
    ["a stream is free once it is reset", [
      ...Array.from({ length: 100 }, (_, i) => open(2 * i + 1)),
      frame(RST_STREAM, 0, 1, uint32(8)),
      open(201),
    ], []],
  ],
  "5.2 flow control": [
    ["DATA as much as the stream's window", [
      open(),
      ...Array.from({ length: 16 }, () => frame(DATA, 0, 1, zeros(16_384))),
    ], []],
    ["padding counts, and is given back", [
      open(),
      ...Array.from({ length: 100 }, () => frame(DATA, PADDED, 1, [255, 65, ...zeros(255)])),
    ], []],
  ],
  "6.1 DATA": [
    ["on stream 0", [data(0, "a")], goaway(PROTOCOL)],
    ["padded", [open(), frame(DATA, PADDED | END_STREAM, 1, [2, 65, 0, 0])], []],
    ["padding alone", [open(), frame(DATA, PADDED | END_STREAM, 1, [2, 0, 0])], []],
    ["padding as long as the frame", [open(), frame(DATA, PADDED, 1, [3, 65, 0])], goaway(PROTOCOL)],
    ["padding longer than the frame", [open(), frame(DATA, PADDED, 1, [255, 65, 0])], goaway(PROTOCOL)],
    ["padded, without a length", [open(), frame(DATA, PADDED, 1, [])], goaway(PROTOCOL)],
    ["empty, with END_STREAM", [open(), data(1, "", END_STREAM)], []],
  ],
  "6.2 HEADERS": [
    ["on stream 0", [frame(HEADERS, 5, 0, GET)], goaway(PROTOCOL)],
    ["padded", [frame(HEADERS, 5 | PADDED, 1, [3, ...GET, 0, 0, 0])], []],
    ["padding longer than the frame", [frame(HEADERS, 5 | PADDED, 1, [255, ...GET])], goaway(PROTOCOL)],
    ["padded, without a length", [frame(HEADERS, 5 | PADDED, 1)], goaway(PROTOCOL)],
    ["with a priority", [frame(HEADERS, 5 | HAS_PRIORITY, 1, [0, 0, 0, 0, 15, ...GET])], []],
    ["padded, with a priority", [frame(HEADERS, 5 | HAS_PRIORITY | PADDED, 1, [1, 0, 0, 0, 0, 15, ...GET, 0])], []],
    ["a priority cut off", [frame(HEADERS, 5 | HAS_PRIORITY, 1, [0, 0, 0])], goaway(SIZE)],
    ["padding that takes the priority's bytes", [
      frame(HEADERS, 5 | HAS_PRIORITY | PADDED, 1, [1, 0, 0, 0, 0, 0]),
    ], goaway(PROTOCOL)],
  ],
  "6.3 PRIORITY": [
    ["on stream 0", [frame(PRIORITY, 0, 0, zeros(5))], goaway(PROTOCOL)],
    ["4 bytes", [open(), frame(PRIORITY, 0, 1, zeros(4))], reset(SIZE)],
    ["6 bytes", [open(), frame(PRIORITY, 0, 1, zeros(6))], reset(SIZE)],
    ["4 bytes, on an idle stream", [frame(PRIORITY, 0, 1, zeros(4))], goaway(SIZE)],
    ["on an open stream", [open(), frame(PRIORITY, 0, 1, zeros(5))], []],
  ],
  "6.4 RST_STREAM": [
    ["on stream 0", [frame(RST_STREAM, 0, 0, zeros(4))], goaway(PROTOCOL)],
    ["3 bytes", [open(), frame(RST_STREAM, 0, 1, zeros(3))], goaway(SIZE)],
    ["5 bytes", [open(), frame(RST_STREAM, 0, 1, zeros(5))], goaway(SIZE)],
    ["an unknown code", [open(), frame(RST_STREAM, 0, 1, uint32(0xffffffff))], []],
  ],
  "6.5 SETTINGS": [
    ["on a stream", [frame(SETTINGS, 0, 1)], goaway(PROTOCOL)],
    ["an acknowledgement on a stream", [frame(SETTINGS, ACK, 1)], goaway(PROTOCOL)],
    ["an acknowledgement that holds something", [frame(SETTINGS, ACK, 0, setting(3, 1))], goaway(SIZE)],
    ["an acknowledgement", [frame(SETTINGS, ACK, 0)], []],
    ["5 bytes", [frame(SETTINGS, 0, 0, zeros(5))], goaway(SIZE)],
    ["7 bytes", [frame(SETTINGS, 0, 0, zeros(7))], goaway(SIZE)],
    ["ENABLE_PUSH 0", [frame(SETTINGS, 0, 0, setting(2, 0))], []],
    ["ENABLE_PUSH 1", [frame(SETTINGS, 0, 0, setting(2, 1))], []],
    ["ENABLE_PUSH 2", [frame(SETTINGS, 0, 0, setting(2, 2))], goaway(PROTOCOL)],
    ["ENABLE_PUSH 2^32 - 1", [frame(SETTINGS, 0, 0, setting(2, 0xffffffff))], goaway(PROTOCOL)],
    ["INITIAL_WINDOW_SIZE 2^31 - 1", [frame(SETTINGS, 0, 0, setting(4, 0x7fffffff))], []],
    ["INITIAL_WINDOW_SIZE 2^31", [frame(SETTINGS, 0, 0, setting(4, 0x80000000))], goaway(FLOW_CONTROL)],
    ["INITIAL_WINDOW_SIZE 2^32 - 1", [frame(SETTINGS, 0, 0, setting(4, 0xffffffff))], goaway(FLOW_CONTROL)],
    ["MAX_FRAME_SIZE 16,383", [frame(SETTINGS, 0, 0, setting(5, 16_383))], goaway(PROTOCOL)],
    ["MAX_FRAME_SIZE 16,384", [frame(SETTINGS, 0, 0, setting(5, 16_384))], []],
    ["MAX_FRAME_SIZE 2^24 - 1", [frame(SETTINGS, 0, 0, setting(5, 0xffffff))], []],
    ["MAX_FRAME_SIZE 2^24", [frame(SETTINGS, 0, 0, setting(5, 0x1000000))], goaway(PROTOCOL)],
    ["ENABLE_CONNECT_PROTOCOL 2", [frame(SETTINGS, 0, 0, setting(8, 2))], goaway(PROTOCOL)],
    ["NO_RFC7540_PRIORITIES 1", [frame(SETTINGS, 0, 0, setting(9, 1))], []],
    ["NO_RFC7540_PRIORITIES 2", [frame(SETTINGS, 0, 0, setting(9, 2))], goaway(PROTOCOL)],
    ["an unknown setting", [frame(SETTINGS, 0, 0, setting(0x4242, 1))], []],
    ["the same setting twice", [frame(SETTINGS, 0, 0, [...setting(4, 1), ...setting(4, 2)])], []],
    ["HEADER_TABLE_SIZE 0", [frame(SETTINGS, 0, 0, setting(1, 0))], []],
    ["HEADER_TABLE_SIZE 2^32 - 1", [frame(SETTINGS, 0, 0, setting(1, 0xffffffff))], []],
  ],
  "6.6 PUSH_PROMISE": [
    ["from a client", [open(), frame(PUSH_PROMISE, 4, 1, [0, 0, 0, 2, ...GET])], goaway(PROTOCOL)],
    ["from a client on stream 0", [frame(PUSH_PROMISE, 4, 0, [0, 0, 0, 2, ...GET])], goaway(PROTOCOL)],
  ],
  "6.7 PING": [
    ["on a stream", [open(), frame(PING, 0, 1, zeros(8))], goaway(PROTOCOL)],
    ["7 bytes", [frame(PING, 0, 0, zeros(7))], goaway(SIZE)],
    ["9 bytes", [frame(PING, 0, 0, zeros(9))], goaway(SIZE)],
    ["none", [frame(PING, 0, 0)], goaway(SIZE)],
    ["an acknowledgement that nobody asked for", [frame(PING, ACK, 0, zeros(8))], []],
  ],
  "6.8 GOAWAY": [
    ["on a stream", [open(), frame(GOAWAY, 0, 1, zeros(8))], goaway(PROTOCOL)],
    ["7 bytes", [frame(GOAWAY, 0, 0, zeros(7))], goaway(SIZE)],
    ["with debug data", [frame(GOAWAY, 0, 0, [...zeros(8), ...ascii("bye")]), whole()], []],
  ],
  "6.9 WINDOW_UPDATE": [
    ["3 bytes", [frame(WINDOW_UPDATE, 0, 0, zeros(3))], goaway(SIZE)],
    ["5 bytes", [frame(WINDOW_UPDATE, 0, 0, zeros(5))], goaway(SIZE)],
    ["5 bytes, on a stream", [open(), frame(WINDOW_UPDATE, 0, 1, zeros(5))], goaway(SIZE)],
    ["0 for the connection", [frame(WINDOW_UPDATE, 0, 0, uint32(0))], goaway(PROTOCOL)],
    ["0 for a stream", [open(), frame(WINDOW_UPDATE, 0, 1, uint32(0))], reset(PROTOCOL)],
    ["0 with the reserved bit", [open(), frame(WINDOW_UPDATE, 0, 1, uint32(0x80000000))], reset(PROTOCOL)],
    ["the connection's window 2^31 - 1", [frame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff - 65_535))], []],
    ["the connection's window 2^31", [frame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff - 65_534))], goaway(FLOW_CONTROL)],
    ["a stream's window 2^31 - 1", [open(), frame(WINDOW_UPDATE, 0, 1, uint32(0x7fffffff - 65_535))], []],
    ["a stream's window 2^31", [open(), frame(WINDOW_UPDATE, 0, 1, uint32(0x7fffffff - 65_534))], reset(FLOW_CONTROL)],
    ["a stream's window 2^31 by SETTINGS", [
      open(),
      frame(WINDOW_UPDATE, 0, 1, uint32(0x7fffffff - 65_535)),
      frame(SETTINGS, 0, 0, setting(4, 65_536)),
    ], goaway(FLOW_CONTROL)],
  ],
  "6.10 CONTINUATION": [
    ["of a block", [frame(HEADERS, 1, 1, GET.slice(0, 7)), frame(CONTINUATION, 4, 1, GET.slice(7))], []],
    ["three of a block", [
      frame(HEADERS, 1, 1, GET.slice(0, 7)),
      frame(CONTINUATION, 0, 1, GET.slice(7, 9)),
      frame(CONTINUATION, 0, 1),
      frame(CONTINUATION, 4, 1, GET.slice(9)),
    ], []],
    ["of a padded block", [
      frame(HEADERS, 1 | PADDED, 1, [2, ...GET.slice(0, 7), 0, 0]),
      frame(CONTINUATION, 4, 1, GET.slice(7)),
    ], []],
    ["on stream 0", [frame(HEADERS, 0, 1, GET), frame(CONTINUATION, 4, 0)], goaway(PROTOCOL)],
    ["without HEADERS", [frame(CONTINUATION, 4, 1, GET)], goaway(PROTOCOL)],
    ["behind DATA", [open(), data(1, "a"), frame(CONTINUATION, 4, 1, GET)], goaway(PROTOCOL)],
    ["of trailers", [
      open(),
      frame(HEADERS, 1, 1, block([["a", "b"]]).slice(0, 3)),
      frame(CONTINUATION, 4, 1, block([["a", "b"]]).slice(3)),
    ], []],
  ],
  "8.1 message framing": [
    ["trailers", [open(), data(1, "a"), frame(HEADERS, 5, 1, block([["x-sum", "1"]]))], []],
    ["trailers without END_STREAM", [open(), frame(HEADERS, 4, 1, block([["a", "b"]]))], reset(PROTOCOL)],
    ["trailers with a pseudo-header field", [open(), frame(HEADERS, 5, 1, block([[":path", "/"]]))], reset(PROTOCOL)],
    ["trailers with a malformed name", [open(), frame(HEADERS, 5, 1, block([["A", "b"]]))], reset(PROTOCOL)],
    ["trailers with a malformed value", [open(), frame(HEADERS, 5, 1, block([["a", "b\n"]]))], reset(PROTOCOL)],
    ["trailers with a field of the connection", [
      open(),
      frame(HEADERS, 5, 1, block([["transfer-encoding", "chunked"]])),
    ], reset(PROTOCOL)],
    ["DATA behind trailers", [open(), frame(HEADERS, 5, 1, block([["a", "b"]])), data(1, "a")], reset(CLOSED)],
  ],
  "RFC 9218 7.1 PRIORITY_UPDATE": [
    ["on stream 0", [frame(PRIORITY_UPDATE, 0, 0, [...uint32(1), ...ascii("u=1")])], []],
    ["on a stream", [open(), frame(PRIORITY_UPDATE, 0, 1, [...uint32(1), ...ascii("u=1")])], goaway(PROTOCOL)],
    ["of stream 0", [frame(PRIORITY_UPDATE, 0, 0, uint32(0))], goaway(PROTOCOL)],
    ["3 bytes", [frame(PRIORITY_UPDATE, 0, 0, zeros(3))], goaway(SIZE)],
  ],
};

for (const [section, cases] of Object.entries(CASES)) {
  for (const [what, frames, errors] of cases) {
    Deno.test(`ServerSession, ${section}: ${what}`, () => {
      const peer = new Peer().begin().send(...frames);
      assert.deepEqual(peer.errors(), errors);
      if (errors.length > 0) return;
      // It still serves.
      if (peer.session.open === 100 || peer.streams.has(0x7fffffff)) return;
      const next = Math.max(0, ...peer.streams.keys()) + (peer.streams.size === 0 ? 101 : 100);
      peer.send(whole(next));
      assert.equal(peer.events.at(-1), `request ${next} GET / end`);
    });
  }
}

/** Bytes instead of a preface: RFC 9113 section 3.4. */
const PREFACES: readonly Case[] = [
  ["no preface", [ascii("GET / HTTP/1.1\r\nhost: a\r\n\r\n")], goaway(PROTOCOL)],
  ["a preface with another byte", [[...PREFACE.slice(0, -1), 0], frame(SETTINGS, 0, 0)], goaway(PROTOCOL)],
  ["no SETTINGS behind it", [PREFACE, frame(PING, 0, 0, zeros(8))], goaway(PROTOCOL)],
  ["an acknowledgement behind it", [PREFACE, frame(SETTINGS, ACK, 0)], goaway(PROTOCOL)],
  ["HEADERS behind it", [PREFACE, whole()], goaway(PROTOCOL)],
  ["SETTINGS behind it", [PREFACE, frame(SETTINGS, 0, 0)], []],
];

for (const [what, parts, errors] of PREFACES) {
  Deno.test(`ServerSession, 3.4 preface: ${what}`, () => {
    assert.deepEqual(new Peer().send(...parts).errors(), errors);
  });
}

Deno.test("ServerSession begins with SETTINGS, and acknowledges the client's", () => {
  const peer = new Peer();
  const [settings] = peer.frames();
  assert.deepEqual([settings!.type, settings!.flags, settings!.id], [SETTINGS, 0, 0]);
  peer.send(PREFACE, frame(SETTINGS, 0, 0, setting(4, 100)));
  const [acknowledgement, ...rest] = peer.frames();
  assert.deepEqual([acknowledgement!.type, acknowledgement!.flags, acknowledgement!.payload.length], [
    SETTINGS,
    ACK,
    0,
  ]);
  assert.deepEqual(rest, []);
});

Deno.test("ServerSession answers a PING with its bytes", () => {
  const [pong] = new Peer().begin().send(frame(PING, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])).frames();
  assert.deepEqual([pong!.type, pong!.flags, ...pong!.payload], [PING, ACK, 1, 2, 3, 4, 5, 6, 7, 8]);
});

Deno.test("ServerSession refuses DATA beyond the stream's window (6.9.1)", () => {
  const peer = new Peer().begin();
  peer.consumes = false;
  peer.send(open(), ...Array.from({ length: 16 }, () => frame(DATA, 0, 1, zeros(16_384))));
  assert.deepEqual(peer.errors(), []);
  peer.send(data(1, "a"));
  assert.deepEqual(peer.errors(), reset(FLOW_CONTROL));
});

Deno.test("ServerSession refuses DATA beyond the connection's window (6.9.1)", () => {
  const peer = new Peer().begin();
  peer.consumes = false;
  for (let id = 1; id <= 7; id += 2) {
    peer.send(open(id), ...Array.from({ length: 16 }, () => frame(DATA, 0, id, zeros(16_384))));
  }
  assert.deepEqual(peer.errors(), []);
  peer.send(open(9), data(9, "a"));
  assert.deepEqual(peer.errors(), goaway(FLOW_CONTROL));
});

Deno.test("ServerSession gives the connection back what a stream that is reset had not taken", () => {
  const peer = new Peer().begin();
  peer.consumes = false;
  for (let id = 1; id <= 41; id += 2) {
    peer.send(open(id), ...Array.from({ length: 10 }, () => frame(DATA, 0, id, zeros(16_384))));
    peer.send(frame(RST_STREAM, 0, id, uint32(8)));
  }
  assert.deepEqual(peer.errors(), []);
});
