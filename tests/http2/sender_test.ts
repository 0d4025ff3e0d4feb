import assert from "node:assert/strict";
import fc from "fast-check";
import { HeadBlock } from "../../core/proxy/head_block.ts";
import { decodeLatin1 } from "../../core/proxy/http1/latin1.ts";
import { HpackDecoder } from "../../core/proxy/http2/hpack/decoder.ts";
import { cases } from "../soak.ts";
import { block, frame, Peer, POST, REQUEST, uint32 } from "./peer.ts";

function begin(...ids: number[]): Peer {
  const peer = new Peer().begin();
  for (const id of ids) peer.send(frame(1, 5, id, block(REQUEST)));
  return peer;
}

function head(text: string): HeadBlock {
  const made = new HeadBlock(new Uint8Array(65_536));
  made.text(text);
  return made;
}

/** Bytes of a body that say where they stand. */
function bodyOf(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => i % 251);
}

function dataOf(peer: Peer, id: number): { bytes: number[]; isEnded: boolean; frames: number } {
  const frames = peer.frames().filter((each) => each.type === 0 && each.id === id);
  return {
    bytes: frames.flatMap(({ payload }) => [...payload]),
    isEnded: frames.some(({ flags }) => (flags & 1) !== 0),
    frames: frames.length,
  };
}

Deno.test("Sender writes a head as a block that HPACK decodes, its table of no size first", () => {
  const peer = begin(1);
  peer.session.sender.head(
    peer.streams.get(1)!,
    200,
    head("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx: y\r\n"),
    true,
  );
  const [headers] = peer.frames();
  assert.deepEqual([headers!.type, headers!.flags, headers!.id, headers!.payload[0]], [1, 5, 1, 0x20]);
  const lines: string[] = [];
  const payload = Uint8Array.from(headers!.payload);
  new HpackDecoder().decode(payload, 0, payload.length, {
    field: (_kind, bytes, start, _valueAt, end) => lines.push(decodeLatin1(bytes, start, end - 2)),
  }, 65_536);
  assert.deepEqual(lines, [":status: 200", "content-type: text/plain", "x: y"]);
  assert.equal(peer.session.open, 0);
});

Deno.test("Sender splits a block that is longer than a frame", () => {
  const peer = begin(1);
  const value = "v".repeat(40_000);
  peer.session.sender.head(peer.streams.get(1)!, 200, head(`HTTP/1.1 200 OK\r\nx: ${value}\r\n`), true);
  const frames = peer.frames();
  assert.deepEqual(frames.map(({ type, flags }) => [type, flags]), [[1, 1], [9, 0], [9, 4]]);
  const whole = Uint8Array.from(frames.flatMap(({ payload }) => [...payload]));
  let last = "";
  new HpackDecoder().decode(whole, 0, whole.length, {
    field: (_kind, bytes, start, _valueAt, end) => last = decodeLatin1(bytes, start, end - 2),
  }, 65_536);
  assert.equal(last, `x: ${value}`);
});

Deno.test("Sender sends no more than the windows let out, and the rest as they open", () => {
  const peer = begin(1);
  const stream = peer.streams.get(1)!;
  const body = bodyOf(100_000);
  peer.session.sender.body(stream, body, 0, body.length, true, null);
  assert.ok(stream.isWaiting);
  const first = dataOf(peer, 1);
  assert.equal(first.bytes.length, 65_535);
  peer.send(frame(8, 0, 1, uint32(50_000)));
  assert.equal(dataOf(peer, 1).bytes.length, 0);
  peer.send(frame(8, 0, 0, uint32(10)));
  assert.equal(dataOf(peer, 1).bytes.length, 10);
  assert.ok(!peer.events.includes("drained 1"));
  peer.send(frame(8, 0, 0, uint32(50_000)));
  const rest = dataOf(peer, 1);
  assert.equal(rest.bytes.length, 100_000 - 65_545);
  assert.ok(rest.isEnded);
  assert.deepEqual(peer.events.at(-1), "drained 1");
  assert.equal(peer.session.open, 0);
});

Deno.test("Sender gives streams that wait their turn, a frame each", () => {
  const peer = begin(1, 3);
  peer.send(frame(4, 0, 0, [0, 4, ...uint32(1_000_000)]));
  const body = bodyOf(200_000);
  for (const id of [1, 3]) peer.session.sender.body(peer.streams.get(id)!, body, 0, body.length, true, null);
  peer.frames();
  peer.send(frame(8, 0, 0, uint32(4 * 16_384)));
  assert.deepEqual(peer.frames().filter(({ type }) => type === 0).map(({ id }) => id), [1, 3, 1, 3]);
});

Deno.test("Sender takes a window that SETTINGS made negative, and waits until it is positive (6.9.2)", () => {
  const peer = begin(1);
  const stream = peer.streams.get(1)!;
  const body = bodyOf(10_000);
  peer.session.sender.body(stream, body, 0, body.length, false, null);
  peer.send(frame(4, 0, 0, [0, 4, ...uint32(0)]));
  assert.equal(stream.sendWindow, -10_000);
  peer.session.sender.body(stream, body, 0, body.length, true, null);
  peer.frames();
  peer.send(frame(8, 0, 1, uint32(10_000)));
  assert.equal(dataOf(peer, 1).frames, 0);
  peer.send(frame(8, 0, 1, uint32(10_000)));
  assert.deepEqual(dataOf(peer, 1), { bytes: [...body], isEnded: true, frames: 1 });
});

Deno.test("Sender sends trailers behind what waits", () => {
  const peer = begin(1);
  const body = bodyOf(70_000);
  peer.session.sender.body(peer.streams.get(1)!, body, 0, body.length, true, head("grpc-status: 0\r\n"));
  assert.ok(!dataOf(peer, 1).isEnded);
  peer.send(frame(8, 0, 0, uint32(70_000)), frame(8, 0, 1, uint32(70_000)));
  const frames = peer.frames();
  assert.deepEqual(frames.map(({ type, flags }) => [type, flags]), [[0, 0], [1, 5]]);
});

Deno.test("Sender ends a body of no bytes by an empty frame", () => {
  const peer = begin(1);
  peer.session.sender.body(peer.streams.get(1)!, bodyOf(0), 0, 0, true, null);
  assert.deepEqual(dataOf(peer, 1), { bytes: [], isEnded: true, frames: 1 });
});

Deno.test("ServerSession asks for no more of a body once the response is complete (8.1)", () => {
  const peer = new Peer().begin().send(frame(1, 4, 1, block(POST)));
  peer.session.sender.body(peer.streams.get(1)!, bodyOf(3), 0, 3, true, null);
  assert.deepEqual(peer.errors(), ["reset 1 0"]);
  // What was on its way already is ignored.
  peer.send(frame(0, 1, 1, [1, 2, 3]));
  assert.deepEqual(peer.errors(), []);
});

Deno.test("ServerSession drops what waits on a stream that its client resets", () => {
  const peer = begin(1);
  const stream = peer.streams.get(1)!;
  peer.session.sender.body(stream, bodyOf(100_000), 0, 100_000, true, null);
  peer.send(frame(3, 0, 1, uint32(8)));
  assert.ok(!stream.isWaiting);
  peer.frames();
  peer.send(frame(8, 0, 0, uint32(100_000)));
  assert.equal(dataOf(peer, 1).frames, 0);
});

Deno.test("ServerSession announces its end, serves what was on its way, and nothing behind", () => {
  const peer = begin(1);
  peer.session.announceEnd();
  peer.send(frame(1, 5, 3, block(REQUEST)));
  peer.session.refuseMore();
  peer.send(frame(1, 5, 5, block(REQUEST)), frame(0, 0, 5, [1]));
  const goaways = peer.frames().filter(({ type }) => type === 7).map(({ payload }) =>
    new DataView(payload.buffer).getUint32(0)
  );
  assert.deepEqual(goaways, [0x7fffffff, 3]);
  assert.deepEqual(peer.events, ["request 1 GET / end", "request 3 GET / end"]);
  assert.equal(peer.error, null);
});

Deno.test("Sender keeps every byte of every body in its order, whatever the windows", () => {
  const step = fc.oneof(
    fc.record({ piece: fc.tuple(fc.nat(2), fc.nat(40_000)) }),
    fc.record({ update: fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 50_000 })) }),
    fc.record({ initial: fc.nat(200_000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const ids = [1, 3, 5];
      const peer = begin(...ids);
      const streams = ids.map((id) => peer.streams.get(id)!);
      const sent = [0, 0, 0];
      const body = bodyOf(251 * 8_000);
      for (const each of steps) {
        if ("piece" in each) {
          const [which, length] = each.piece;
          const end = Math.min(body.length, sent[which]! + length);
          peer.session.sender.body(streams[which]!, body, sent[which]!, end, false, null);
          sent[which] = end;
        } else if ("update" in each) {
          const [which, count] = each.update;
          peer.send(frame(8, 0, which === 3 ? 0 : ids[which]!, uint32(count)));
        } else peer.send(frame(4, 0, 0, [0, 4, ...uint32(each.initial)]));
      }
      ids.forEach((_, i) => peer.session.sender.body(streams[i]!, body, 0, 0, true, null));
      peer.send(frame(4, 0, 0, [0, 4, ...uint32(0x3fffffff)]), frame(8, 0, 0, uint32(0x3fffffff)));
      assert.equal(peer.error, null);
      const frames = peer.frames().filter(({ type }) => type === 0);
      ids.forEach((id, i) => {
        const mine = frames.filter((each) => each.id === id);
        const length = mine.reduce((sum, { payload }) => sum + payload.length, 0);
        assert.equal(length, sent[i]);
        let at = 0;
        for (const { payload } of mine) {
          assert.deepEqual(payload, body.slice(at, at + payload.length));
          at += payload.length;
        }
        assert.deepEqual(mine.map(({ flags }) => flags & 1).indexOf(1), mine.length - 1);
      });
    }),
    cases(100),
  );
});
