import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, encode, MAX_BYTES } from "../../core/failover/codec.ts";
import type { Message } from "../../core/failover/messages.ts";
import { cases } from "../soak.ts";

const word = fc.integer({ min: 0, max: 0xffffffff });
const ids = fc.uniqueArray(fc.integer({ min: 0, max: 255 })).map((list) => list.sort((one, other) => one - other));
/** Like the codec's own objects. */
const plain = { noNullPrototype: true };
const membership = fc.record({ epoch: word, sequence: word, members: ids }, plain);

export const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    kind: fc.constant("beat" as const),
    epoch: word,
    isQuorate: fc.boolean(),
    isFinal: fc.boolean(),
    membership,
    heard: ids,
    heir: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
    table: word,
  }, plain),
  fc.record({
    kind: fc.constant("reply" as const),
    epoch: word,
    followed: word,
    promised: word,
    accepted: fc.record({ epoch: word, sequence: word }, plain),
    isReady: fc.boolean(),
  }, plain),
  fc.record({ kind: fc.constant("request" as const), epoch: word, membership, yielding: word }, plain),
  fc.record({ kind: fc.constant("grant" as const), epoch: word }, plain),
  fc.record({ kind: fc.constant("refusal" as const), epoch: word, promised: word, membership }, plain),
);

Deno.test("decode() gives back what encode() was given, of every kind of message", () => {
  fc.assert(fc.property(messages, (message) => {
    const bytes = encode(message);
    assert.ok(bytes.length <= MAX_BYTES);
    assert.deepEqual(decode(bytes), message);
  }));
});

Deno.test("decode() refuses a message that is cut short, goes on, or is of no kind", () => {
  fc.assert(fc.property(messages, fc.nat(), (message, at) => {
    const bytes = encode(message);
    assert.throws(() => decode(bytes.subarray(0, at % bytes.length)), RangeError);
    assert.throws(() => decode(new Uint8Array([...bytes, 0])), RangeError);
  }));
  assert.throws(() => decode(new Uint8Array(MAX_BYTES).fill(5)), RangeError);
});

Deno.test("decode() takes any bytes and throws nothing but RangeError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: MAX_BYTES + 8 }), (bytes) => {
      try {
        decode(bytes);
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }),
    cases(1000),
  );
});

Deno.test("encode() refuses an epoch that does not fit its word", () => {
  assert.throws(() => encode({ kind: "grant", epoch: 2 ** 32 }), RangeError);
});
