import assert from "node:assert/strict";
import fc from "fast-check";
import { AbuseError } from "../../core/proxy/http2/errors.ts";
import { cases } from "../soak.ts";
import { block, frame, Peer, POST, REQUEST, uint32 } from "./peer.ts";

const POST_BLOCK = block(POST);
const open = (id: number) => frame(1, 4, id, POST_BLOCK);

/** Sends what `next` makes until the connection ends, `each` ms apart; says why it ended, or "lives" after `most`. */
function flood(
  next: (i: number) => readonly number[][],
  each: number,
  most: number,
  peer = new Peer().begin(),
): string {
  for (let i = 0; i < most; i++) {
    peer.now += each;
    peer.send(...next(i));
    peer.out.clear();
    if (peer.error !== null) return peer.error instanceof AbuseError ? peer.error.abuse : `error ${peer.error.message}`;
  }
  return "lives";
}

const reset = (i: number) => [open(2 * i + 1), frame(3, 0, 2 * i + 1, uint32(8))];
const malformed = (i: number) => [frame(1, 5, 2 * i + 1, [0x82])];
const wrongUpdate = (i: number) => [open(2 * i + 1), frame(8, 0, 2 * i + 1, uint32(0))];
const empty = () => [frame(0, 0, 1)];

/** What ends a connection when it comes at once, and how fast it may come for ever: ms between two. */
const FLOODS:
  readonly (readonly [abuse: string, what: string, next: (i: number) => number[][], harmlessEach: number])[] = [
    ["rapid reset", "requests that their client resets", reset, 21],
    ["rapid reset", "requests that are malformed", malformed, 21],
    ["rapid reset", "requests that their client has us reset", wrongUpdate, 21],
    ["settings flood", "SETTINGS", () => [frame(4, 0, 0)], 600],
    ["settings flood", "acknowledgements of SETTINGS", () => [frame(4, 1, 0)], 600],
    ["ping flood", "PINGs", () => [frame(6, 0, 0, new Array(8).fill(0))], 2],
    ["ping flood", "answers to no PING", () => [frame(6, 1, 0, new Array(8).fill(0))], 2],
    ["useless frames", "frames of a type that nobody knows", () => [frame(0xfa, 0, 0)], 6],
    ["useless frames", "PRIORITY", () => [frame(2, 0, 1, new Array(5).fill(0))], 6],
    ["useless frames", "PRIORITY_UPDATE", () => [frame(16, 0, 0, uint32(1))], 6],
    ["useless frames", "GOAWAY", () => [frame(7, 0, 0, new Array(8).fill(0))], 6],
    ["window update flood", "crumbs of a window", () => [frame(8, 0, 0, uint32(1))], 11],
  ];

for (const [abuse, what, next, harmlessEach] of FLOODS) {
  Deno.test(`ServerSession ends a connection for a flood of ${what}`, () => {
    assert.equal(flood(next, 0, 10_000), abuse);
  });
  Deno.test(`ServerSession lives with ${what} at the pace of real clients`, () => {
    assert.equal(flood(next, harmlessEach, 4_000), "lives");
  });
}

Deno.test("ServerSession ends a connection for empty DATA, and lives with a little of it", () => {
  assert.equal(flood(empty, 0, 10_000, new Peer().begin().send(open(1))), "empty frames");
  assert.equal(flood(empty, 60, 10_000, new Peer().begin().send(open(1))), "lives");
});

Deno.test("ServerSession ends a connection for DATA that is padding alone", () => {
  const padding = () => [frame(0, 8, 1, [3, 0, 0, 0])];
  assert.equal(flood(padding, 0, 10_000, new Peer().begin().send(open(1))), "empty frames");
});

Deno.test("ServerSession ends a connection for a header block in pieces without end", () => {
  const peer = new Peer().begin().send(frame(1, 0, 1, block(REQUEST)));
  assert.equal(flood(() => [frame(9, 0, 1)], 0, 10_000, peer), "continuation flood");
});

Deno.test("ServerSession ends a connection for a header block that is too long, before it is whole", () => {
  const peer = new Peer().begin().send(frame(1, 0, 1, block(REQUEST)));
  for (let i = 0; i < 4; i++) peer.send(frame(9, 0, 1, new Array(16_384).fill(0x82)));
  assert.equal(peer.error?.message, "header block too long");
  assert.deepEqual(peer.errors(), ["goaway 11"]);
});

Deno.test("ServerSession answers an HPACK bomb with 431, and ends a connection for many", () => {
  const bomb = [
    ...block(REQUEST),
    0x40,
    1,
    97,
    127,
    129,
    30,
    ...new Array(3_968).fill(98),
    ...new Array(9_000).fill(0xbe),
  ];
  const peer = new Peer().begin().send(frame(1, 5, 1, bomb));
  assert.deepEqual(peer.events, ["bad 1 431"]);
  assert.deepEqual(peer.errors(), []);
  assert.equal(flood((i) => [frame(1, 5, 2 * i + 3, bomb)], 0, 1_000, peer), "header list too long");
});

Deno.test("ServerSession takes any number of window updates that DATA answers", () => {
  const peer = new Peer().begin().send(open(1));
  const stream = peer.streams.get(1)!;
  const piece = new Uint8Array(1_000);
  for (let i = 0; i < 20_000; i++) {
    peer.session.sender.body(stream, piece, 0, piece.length, false, null);
    peer.send(frame(8, 0, 0, uint32(1_000)), frame(8, 0, 1, uint32(1_000)));
    peer.out.clear();
  }
  assert.equal(peer.error, null);
});

Deno.test("ServerSession throws nothing but ConnectionError, and holds little, whatever the frames", () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(Uint8Array.from(block(REQUEST)), Uint8Array.from(block(POST)), Uint8Array.from(uint32(5))),
  );
  const anyFrame = fc.tuple(
    fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 9 }) }, { weight: 1, arbitrary: fc.nat(255) }),
    fc.nat(63),
    fc.oneof(fc.constantFrom(0, 1, 3, 5, 7), fc.nat(0x7fffffff)),
    payload,
  );
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 60, size: "max" }), (frames) => {
      // Its handler and reader would throw anything else.
      const peer = new Peer().begin();
      for (const [type, flags, id, bytes] of frames) peer.send(frame(type, flags, id, [...bytes]));
      assert.ok(peer.session.open <= 100);
      peer.frames();
    }),
    cases(2_000),
  );
});

Deno.test("ServerSession throws nothing but ConnectionError, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (parts) => {
      const peer = new Peer().begin();
      for (const part of parts) peer.send([...part]);
    }),
    cases(1_000),
  );
});
