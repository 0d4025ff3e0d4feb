/** Our side of a connection to a back end, frame by frame. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { HeadBlock } from "../../core/proxy/head_block.ts";
import { decodeLatin1 } from "../../core/proxy/http1/latin1.ts";
import { type BackEndHandler, BackEndSession, type Requester } from "../../core/proxy/http2/back_end_session.ts";
import { ConnectionError } from "../../core/proxy/http2/errors.ts";
import { FrameWriter } from "../../core/proxy/http2/frame_writer.ts";
import type { Http2Stream } from "../../core/proxy/http2/stream.ts";
import { NO_BODY, type RequestHead, type ResponseHead, UNKNOWN_LENGTH } from "../../core/proxy/message.ts";
import { cases } from "../soak.ts";
import { ascii, block, frame, readFrames, type ReceivedFrame, uint32 } from "./peer.ts";

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
const PROTOCOL = 1;
const FLOW_CONTROL = 3;
const CLOSED = 5;
const SIZE = 6;
const COMPRESSION = 9;
const CALM = 11;
const PREFACE_BYTES = 24;

function requestHead(method: string, bodyLength: number, fields = ""): RequestHead {
  const head = new HeadBlock(new Uint8Array(4_096));
  head.text(`${method} /a HTTP/1.1\r\n${fields}`);
  return {
    method,
    target: "/a",
    host: "shop.example",
    block: head,
    cookie: "",
    forwarded: null,
    bodyLength,
    expectsContinue: false,
    acceptsTrailers: false,
    upgrade: "",
    isHttp11: true,
    keepAlive: true,
  };
}

/** A back end against the session. What became of requests, as text: "200 end", "body abc", "gone 1 8". */
class BackEndPeer implements BackEndHandler<Requester> {
  readonly out = new FrameWriter();
  readonly session = new BackEndSession<Requester>(this, this.out, () => 0);
  readonly events: string[] = [];
  readonly heads: string[] = [];
  error: ConnectionError | null = null;

  settled(): void {
    this.events.push("settled");
  }

  interim(stream: Http2Stream<Requester>, { status }: ResponseHead): void {
    this.events.push(`interim ${stream.id} ${status}`);
  }

  response(stream: Http2Stream<Requester>, { status, block, bodyLength }: ResponseHead, isLast: boolean): void {
    this.heads.push(decodeLatin1(block.bytes, 0, block.end));
    this.events.push(`response ${stream.id} ${status} ${bodyLength}${isLast ? " end" : ""}`);
  }

  body(stream: Http2Stream<Requester>, bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean) {
    this.events.push(`body ${stream.id} ${decodeLatin1(bytes, start, end)}${isLast ? " end" : ""}`);
  }

  gone(stream: Http2Stream<Requester>, code: number): void {
    this.events.push(`gone ${stream.id} ${code}`);
  }

  drained(): void {}

  goingAway(lastId: number): void {
    this.events.push(`going away ${lastId}`);
  }

  answered(): void {
    this.events.push("pong");
  }

  send(...parts: readonly (readonly number[])[]): this {
    for (const part of parts) {
      if (this.error !== null) break;
      try {
        const bytes = Uint8Array.from(part);
        this.session.receive(bytes, 0, bytes.length);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        this.error = error;
        this.session.fail(error);
      }
    }
    return this;
  }

  /** SETTINGS came; then so many requests went out: the first a POST whose body is still to come, the others GET. */
  begin(requests = 1): this {
    this.send(frame(SETTINGS, 0, 0));
    for (let i = 0; i < requests; i++) this.request(i === 0 ? "POST" : "GET", i === 0 ? UNKNOWN_LENGTH : NO_BODY);
    this.out.clear();
    return this;
  }

  request(method = "GET", bodyLength: number = NO_BODY, fields = ""): Http2Stream<Requester> {
    return this.session.request({ method }, requestHead(method, bodyLength, fields), "https");
  }

  frames(): ReceivedFrame[] {
    const frames = readFrames(this.out.bytes.slice(0, this.out.end));
    this.out.clear();
    return frames;
  }

  errors(): string[] {
    return this.frames().flatMap(({ type, id, payload }) => {
      const view = new DataView(payload.buffer);
      if (type === RST_STREAM) return [`reset ${id} ${view.getUint32(0)}`];
      return type === GOAWAY ? [`goaway ${view.getUint32(4)}`] : [];
    });
  }
}

const OK = block([[":status", "200"]]);
const head = (id = 1) => frame(HEADERS, 4, id, OK);
const whole = (id = 1) => frame(HEADERS, 5, id, OK);
const data = (text: string, flags = 0, id = 1) => frame(DATA, flags, id, ascii(text));
const fields = (...more: [string, string][]) => frame(HEADERS, 4, 1, block([[":status", "200"], ...more]));
const setting = (id: number, value: number) => frame(SETTINGS, 0, 0, [id >>> 8, id & 255, ...uint32(value)]);
const zeros = (count: number) => new Array<number>(count).fill(0);
const goaway = (code: number) => [`goaway ${code}`];
const reset = (code: number) => [`reset 1 ${code}`];

/** What a back end sends that has one open request, a POST on stream 1, and the errors that it must be told. */
const CASES: readonly (readonly [what: string, frames: readonly number[][], errors: readonly string[]])[] = [
  ["a response", [whole()], []],
  ["a response with a body", [head(), data("abc"), data("", 1)], []],
  ["a response with trailers", [head(), data("abc"), frame(HEADERS, 5, 1, block([["grpc-status", "0"]]))], []],
  ["1xx before the response", [frame(HEADERS, 4, 1, block([[":status", "103"], ["link", "a"]])), whole()], []],
  [
    "a response in CONTINUATION frames",
    [frame(HEADERS, 1, 1, OK.slice(0, 3)), frame(CONTINUATION, 4, 1, OK.slice(3))],
    [],
  ],
  ["padding", [head(), frame(DATA, 9, 1, [2, 97, 0, 0])], []],
  ["SETTINGS again", [setting(3, 5), setting(4, 100_000), whole()], []],
  ["ENABLE_PUSH of 0", [setting(2, 0), whole()], []],
  ["RST_STREAM", [frame(RST_STREAM, 0, 1, uint32(8))], []],
  ["NO_ERROR behind a whole response", [whole(), frame(RST_STREAM, 0, 1, uint32(0))], []],
  ["frames of a type that nobody knows", [frame(0xfa, 255, 1, [1]), whole()], []],
  ["6.5.2 ENABLE_PUSH of 1 from a server", [setting(2, 1)], goaway(PROTOCOL)],
  ["6.5.2 ENABLE_PUSH of 2", [setting(2, 2)], goaway(PROTOCOL)],
  ["6.5.2 a frame size below the least", [setting(5, 16_383)], goaway(PROTOCOL)],
  ["6.5.2 an initial window too large", [setting(4, 0x80000000)], goaway(FLOW_CONTROL)],
  ["6.5 SETTINGS on a stream", [frame(SETTINGS, 0, 1)], goaway(PROTOCOL)],
  ["6.5 SETTINGS of a wrong size", [frame(SETTINGS, 0, 0, zeros(5))], goaway(SIZE)],
  ["6.5 an acknowledgement with a payload", [frame(SETTINGS, 1, 0, zeros(6))], goaway(SIZE)],
  ["6.6 PUSH_PROMISE", [frame(PUSH_PROMISE, 4, 1, [...uint32(2), ...OK])], goaway(PROTOCOL)],
  ["RFC 9218 7.1 PRIORITY_UPDATE", [frame(PRIORITY_UPDATE, 0, 0, [...uint32(1), ...ascii("u=1")])], goaway(PROTOCOL)],
  ["5.1 HEADERS on a stream that was not begun", [head(3)], goaway(PROTOCOL)],
  ["5.1.1 HEADERS on a stream of its own", [head(2)], goaway(PROTOCOL)],
  ["5.1.1 DATA on a stream of its own", [data("a", 0, 2)], goaway(PROTOCOL)],
  ["5.1 DATA on a stream that was not begun", [data("a", 0, 3)], goaway(PROTOCOL)],
  ["5.1 RST_STREAM on a stream that was not begun", [frame(RST_STREAM, 0, 3, uint32(0))], goaway(PROTOCOL)],
  ["5.1 WINDOW_UPDATE on a stream that was not begun", [frame(WINDOW_UPDATE, 0, 3, uint32(1))], goaway(PROTOCOL)],
  ["5.1 DATA behind the end", [head(), data("", 1), data("a")], reset(CLOSED)],
  ["5.1 HEADERS behind the end", [whole(), head()], reset(CLOSED)],
  ["5.1 DATA on a stream that it reset", [frame(RST_STREAM, 0, 1, uint32(8)), data("a")], goaway(CLOSED)],
  ["6.1 DATA on stream 0", [data("a", 0, 0)], goaway(PROTOCOL)],
  ["6.1 padding longer than its frame", [head(), frame(DATA, 8, 1, [9, 97])], goaway(PROTOCOL)],
  ["6.2 HEADERS on stream 0", [head(0)], goaway(PROTOCOL)],
  ["6.2 padding longer than the block", [frame(HEADERS, 12, 1, [200, ...OK])], goaway(PROTOCOL)],
  ["6.2 DATA within a block", [frame(HEADERS, 0, 1, OK), data("a")], goaway(PROTOCOL)],
  ["6.10 CONTINUATION of another stream", [frame(HEADERS, 0, 1, OK), frame(CONTINUATION, 4, 3)], goaway(PROTOCOL)],
  ["6.10 CONTINUATION of nothing", [frame(CONTINUATION, 4, 1)], goaway(PROTOCOL)],
  ["6.10 CONTINUATION without end", [
    frame(HEADERS, 0, 1, OK),
    ...Array.from({ length: 100 }, () => frame(CONTINUATION, 0, 1)),
  ], goaway(CALM)],
  ["6.3 PRIORITY of a wrong size", [frame(PRIORITY, 0, 1, zeros(4))], reset(SIZE)],
  ["6.3 PRIORITY on stream 0", [frame(PRIORITY, 0, 0, zeros(5))], goaway(PROTOCOL)],
  ["6.4 RST_STREAM of a wrong size", [frame(RST_STREAM, 0, 1, zeros(5))], goaway(SIZE)],
  ["6.4 RST_STREAM on stream 0", [frame(RST_STREAM, 0, 0, zeros(4))], goaway(PROTOCOL)],
  ["6.7 PING of a wrong size", [frame(PING, 0, 0, zeros(7))], goaway(SIZE)],
  ["6.7 PING on a stream", [frame(PING, 0, 1, zeros(8))], goaway(PROTOCOL)],
  ["6.8 GOAWAY on a stream", [frame(GOAWAY, 0, 1, zeros(8))], goaway(PROTOCOL)],
  ["6.8 GOAWAY of a wrong size", [frame(GOAWAY, 0, 0, zeros(7))], goaway(SIZE)],
  ["6.9 WINDOW_UPDATE of 0 on the connection", [frame(WINDOW_UPDATE, 0, 0, uint32(0))], goaway(PROTOCOL)],
  ["6.9 WINDOW_UPDATE of 0 on a stream", [frame(WINDOW_UPDATE, 0, 1, uint32(0))], reset(PROTOCOL)],
  ["6.9 WINDOW_UPDATE of a wrong size", [frame(WINDOW_UPDATE, 0, 0, zeros(3))], goaway(SIZE)],
  ["6.9.1 the connection's window too large", [frame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff))], goaway(FLOW_CONTROL)],
  ["6.9.1 a stream's window too large", [frame(WINDOW_UPDATE, 0, 1, uint32(0x7fffffff))], reset(FLOW_CONTROL)],
  ["4.2 a frame longer than we take", [head(), frame(DATA, 0, 1, zeros(16_385))], goaway(SIZE)],
  ["4.3 a block that cannot be decoded", [frame(HEADERS, 4, 1, [0x80])], goaway(COMPRESSION)],
  ["8.1 DATA before HEADERS", [data("a")], reset(PROTOCOL)],
  ["8.1 1xx that ends the stream", [frame(HEADERS, 5, 1, block([[":status", "103"]]))], reset(PROTOCOL)],
  ["8.1 trailers without an end", [head(), frame(HEADERS, 4, 1, block([["a", "b"]]))], reset(PROTOCOL)],
  ["8.1 trailers with a pseudo-header field", [head(), frame(HEADERS, 5, 1, OK)], reset(PROTOCOL)],
  ["8.1.1 more DATA than Content-Length", [fields(["content-length", "2"]), data("abc")], reset(PROTOCOL)],
  ["8.1.1 less DATA than Content-Length", [fields(["content-length", "4"]), data("abc", 1)], reset(PROTOCOL)],
  ["8.1.1 Content-Length and no DATA", [
    frame(HEADERS, 5, 1, block([[":status", "200"], ["content-length", "4"]])),
  ], reset(PROTOCOL)],
  ["8.1.1 DATA of 204", [frame(HEADERS, 4, 1, block([[":status", "204"]])), data("a")], reset(PROTOCOL)],
  ["8.1.1 two lengths", [fields(["content-length", "1"], ["content-length", "2"])], reset(PROTOCOL)],
  ["8.1.1 a length that is none", [fields(["content-length", "-1"])], reset(PROTOCOL)],
  ["8.2.1 a name in upper case", [fields(["Server", "a"])], reset(PROTOCOL)],
  ["8.2.1 LF in a value", [fields(["a", "b\nset-cookie: c"])], reset(PROTOCOL)],
  ["8.2.1 CR in a value", [fields(["a", "b\rc"])], reset(PROTOCOL)],
  ["8.2.1 NUL in a value", [fields(["a", "b\0c"])], reset(PROTOCOL)],
  ["8.2.1 a space before a value", [fields(["a", " b"])], reset(PROTOCOL)],
  ["8.2.1 a colon in a name", [fields(["a:b", "c"])], reset(PROTOCOL)],
  ["8.2.1 an empty name", [fields(["", "c"])], reset(PROTOCOL)],
  ["8.2.2 connection", [fields(["connection", "close"])], reset(PROTOCOL)],
  ["8.2.2 transfer-encoding", [fields(["transfer-encoding", "chunked"])], reset(PROTOCOL)],
  ["8.2.2 keep-alive", [fields(["keep-alive", "1"])], reset(PROTOCOL)],
  ["8.2.2 proxy-connection", [fields(["proxy-connection", "close"])], reset(PROTOCOL)],
  ["8.2.2 upgrade", [fields(["upgrade", "h2c"])], reset(PROTOCOL)],
  ["8.3 a pseudo-header field of a request", [fields([":path", "/"])], reset(PROTOCOL)],
  ["8.3 a pseudo-header field behind a field", [
    frame(HEADERS, 4, 1, block([["a", "b"], [":status", "200"]])),
  ], reset(PROTOCOL)],
  ["8.3 two of :status", [fields([":status", "200"])], reset(PROTOCOL)],
  ["8.3.2 no :status", [frame(HEADERS, 4, 1, block([["a", "b"]]))], reset(PROTOCOL)],
  ["8.3.2 an empty block", [frame(HEADERS, 4, 1)], reset(PROTOCOL)],
  ["8.3.2 a :status of two digits", [frame(HEADERS, 4, 1, block([[":status", "20"]]))], reset(PROTOCOL)],
  ["8.3.2 a :status of letters", [frame(HEADERS, 4, 1, block([[":status", "2xx"]]))], reset(PROTOCOL)],
  ["8.3.2 a :status of 600", [frame(HEADERS, 4, 1, block([[":status", "600"]]))], reset(PROTOCOL)],
  ["8.6 a :status of 101", [frame(HEADERS, 4, 1, block([[":status", "101"]]))], reset(PROTOCOL)],
];

for (const [what, frames, errors] of CASES) {
  Deno.test(`BackEndSession: ${what}`, () => {
    const peer = new BackEndPeer().begin().send(...frames);
    assert.deepEqual(peer.errors(), errors);
    if (peer.error !== null) return;
    // It still asks, and takes the answer.
    const { id } = peer.request();
    peer.send(frame(HEADERS, 5, id, OK));
    assert.equal(peer.events.at(-1), `response ${id} 200 -1 end`);
  });
}

for (
  const [what, first] of [["PING", frame(PING, 0, 0, zeros(8))], ["an acknowledgement", frame(SETTINGS, 1, 0)]] as const
) {
  Deno.test(`BackEndSession, 3.4: ${what} in place of SETTINGS at first`, () => {
    assert.equal(new BackEndPeer().send(first).error?.code, PROTOCOL);
  });
}

Deno.test("BackEndSession begins with the preface and SETTINGS that forbid pushes", () => {
  const peer = new BackEndPeer();
  const bytes = peer.out.bytes.slice(0, peer.out.end);
  assert.equal(decodeLatin1(bytes, 0, PREFACE_BYTES), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const [settings, update] = readFrames(bytes.slice(PREFACE_BYTES));
  assert.deepEqual([settings!.type, ...settings!.payload.slice(0, 6)], [SETTINGS, 0, 2, 0, 0, 0, 0]);
  assert.equal(update!.type, WINDOW_UPDATE);
});

Deno.test("BackEndSession sends a request's pseudo-header fields first, by the static table", () => {
  const peer = new BackEndPeer().begin(0);
  peer.request("GET", NO_BODY, "x: y\r\n");
  const [headers] = peer.frames();
  assert.deepEqual([headers!.type, headers!.flags, headers!.id], [HEADERS, 5, 1]);
  const host = "shop.example";
  const expected = [
    0x20,
    0x82,
    0x87,
    1,
    host.length,
    ...ascii(host),
    4,
    2,
    ...ascii("/a"),
    0,
    1,
    ...ascii("x"),
    1,
    ...ascii("y"),
  ];
  assert.deepEqual([...headers!.payload], expected);
});

Deno.test("BackEndSession has room for what the back end takes, none before it said so, and 100 at most", () => {
  const peer = new BackEndPeer();
  assert.equal(peer.session.room, 0);
  peer.send(setting(3, 2));
  assert.equal(peer.session.room, 2);
  peer.request();
  assert.equal(peer.session.room, 1);
  peer.send(setting(3, 1));
  assert.equal(peer.session.room, 0);
  peer.send(setting(3, 1_000));
  assert.equal(peer.session.room, 99);
  peer.send(whole());
  assert.equal(peer.session.room, 100);
});

Deno.test("BackEndSession refuses DATA beyond a stream's window, and opens the connection's at once", () => {
  const peer = new BackEndPeer().begin(6);
  for (let id = 1; id <= 11; id += 2) {
    peer.send(
      head(id),
      ...Array.from({ length: 16 }, () => frame(DATA, 0, id, zeros(16_384))),
    );
  }
  assert.equal(peer.error, null);
  assert.deepEqual(peer.frames().filter(({ type }) => type === WINDOW_UPDATE).map(({ id }) => id), [0, 0, 0]);
  peer.send(data("a"));
  assert.deepEqual(peer.errors(), reset(FLOW_CONTROL));
});

Deno.test("BackEndSession keeps what is left of a body until the windows open", () => {
  const peer = new BackEndPeer().begin();
  const stream = [...peer.session.streams][0]!;
  const body = new Uint8Array(100_000);
  peer.session.sender.body(stream, body, 0, body.length, true, null);
  const sum = () =>
    peer.frames().filter(({ type }) => type === DATA).reduce((total, { payload }) => total + payload.length, 0);
  assert.equal(sum(), 65_535);
  peer.send(frame(WINDOW_UPDATE, 0, 0, uint32(100_000)));
  assert.equal(sum(), 0);
  peer.send(frame(WINDOW_UPDATE, 0, 1, uint32(100_000)));
  assert.equal(sum(), 100_000 - 65_535);
  assert.equal(stream.isLocalDone, true);
});

Deno.test("BackEndSession tells of GOAWAY, of resets with their code, and of the answer to its PING", () => {
  const peer = new BackEndPeer().begin(2);
  peer.session.ping();
  peer.send(
    frame(RST_STREAM, 0, 1, uint32(7)),
    frame(GOAWAY, 0, 0, [...uint32(3), ...uint32(0)]),
    frame(PING, 1, 0, zeros(8)),
  );
  assert.deepEqual(peer.events, ["settled", "gone 1 7", "going away 3", "pong"]);
});

/** A back end's side of an exchange that has a bit of everything. */
const STORY = [
  frame(SETTINGS, 0, 0, [0, 3, 0, 0, 0, 9]),
  frame(SETTINGS, 1, 0),
  frame(HEADERS, 4, 1, block([[":status", "103"], ["link", "</a>"]])),
  frame(HEADERS, 0, 1, OK.slice(0, 4)),
  frame(CONTINUATION, 4, 1, OK.slice(4)),
  frame(PING, 0, 0, zeros(8)),
  frame(HEADERS, 4, 3, block([[":status", "404"], ["content-length", "3"]])),
  data("ab", 0, 3),
  frame(DATA, 8, 1, [1, 120, 0]),
  data("c", 1, 3),
  frame(HEADERS, 5, 1, block([["grpc-status", "0"]])),
  frame(GOAWAY, 0, 0, [...uint32(3), ...uint32(0)]),
].flat();

function played(...parts: readonly (readonly number[])[]) {
  const peer = new BackEndPeer();
  peer.send(frame(SETTINGS, 0, 0));
  peer.request("POST", UNKNOWN_LENGTH);
  peer.request();
  peer.send(...parts);
  assert.equal(peer.error, null);
  return { events: peer.events, heads: peer.heads, out: [...peer.out.bytes.slice(0, peer.out.end)] };
}

Deno.test("BackEndSession gives the same events at every split of the bytes", () => {
  const expected = played(STORY);
  assert.equal(expected.events.at(-1), "going away 3");
  for (let split = 1; split < STORY.length; split++) {
    assert.deepEqual(played(STORY.slice(0, split), STORY.slice(split)), expected, `split at ${split}`);
  }
  assert.deepEqual(played(...STORY.map((byte) => [byte])), expected, "byte by byte");
});

Deno.test("BackEndSession throws nothing but ConnectionError, whatever the frames", () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(Uint8Array.from(OK), Uint8Array.from(block([["a", "b"]])), Uint8Array.from(uint32(5))),
  );
  const anyFrame = fc.tuple(
    fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 9 }) }, { weight: 1, arbitrary: fc.nat(255) }),
    fc.nat(63),
    fc.oneof(fc.constantFrom(0, 1, 3, 5), fc.nat(0x7fffffff)),
    payload,
  );
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 60, size: "max" }), (frames) => {
      const peer = new BackEndPeer().begin(3);
      for (const [type, flags, id, bytes] of frames) peer.send(frame(type, flags, id, [...bytes]));
      assert.ok(peer.session.open <= 3);
      peer.frames();
    }),
    cases(2_000),
  );
});
