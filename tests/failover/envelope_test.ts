import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_BYTES } from "../../core/failover/codec.ts";
import { Envelopes, KEY_BYTES, OVERHEAD_BYTES } from "../../core/failover/envelope.ts";
import "../soak.ts";

const KEY = new Uint8Array(KEY_BYTES).fill(7);
const OTHER = new Uint8Array(KEY_BYTES).fill(8);
const TEXT = new TextEncoder().encode("take this");

function node(self: number, boot: number, current = KEY, previous?: Uint8Array): Envelopes {
  const peers = [1, 2, 3].filter((id) => id !== self);
  return new Envelopes(self, boot, peers, { current, previous });
}

/** Two nodes that know one another's boot. */
function pair() {
  const one = node(1, 100), other = node(2, 200);
  other.open(one.seal(2));
  one.open(other.seal(1));
  assert.ok(one.knows(2) && other.knows(1));
  return { one, other };
}

Deno.test("open() gives what was sealed, once", () => {
  const { one, other } = pair();
  const sealed = one.seal(2, TEXT);
  assert.deepEqual(other.open(sealed), { from: 1, content: TEXT, wantsGreeting: false });
  assert.equal(other.open(sealed), undefined, "replayed");
});

Deno.test("open() takes messages in their order only: an overtaken one is lost", () => {
  const { one, other } = pair();
  const early = one.seal(2, TEXT), late = one.seal(2, TEXT);
  assert.ok(other.open(late)?.content);
  assert.equal(other.open(early), undefined);
});

Deno.test("a node that was restarted takes nothing that was recorded before, and is greeted", () => {
  const { one, other } = pair();
  const recorded = one.seal(2, TEXT);
  assert.ok(other.open(recorded)?.content);
  const restarted = node(2, 201);
  assert.deepEqual(restarted.open(recorded), { from: 1, content: undefined, wantsGreeting: true });
  one.open(restarted.seal(1));
  assert.deepEqual(restarted.open(one.seal(2, TEXT))?.content, TEXT);
  assert.equal(restarted.open(recorded)?.content, undefined);
});

Deno.test("what a former process of the sender sent is worth nothing once its successor was heard", () => {
  const { one, other } = pair();
  const recorded = one.seal(2, TEXT);
  const successor = node(1, 101);
  successor.open(other.seal(1));
  assert.deepEqual(other.open(successor.seal(2, TEXT))?.content, TEXT);
  assert.equal(other.open(recorded), undefined);
});

Deno.test("a message for another node, of no node of the array, or by another key is not opened", () => {
  const { one, other } = pair();
  assert.equal(other.open(one.seal(3, TEXT)), undefined);
  assert.equal(other.open(new Envelopes(9, 300, [2], { current: KEY, previous: undefined }).seal(2, TEXT)), undefined);
  assert.equal(other.open(node(1, 300, OTHER).seal(2, TEXT)), undefined);
  assert.deepEqual(other.open(one.seal(2, TEXT))?.content, TEXT, "these left nothing behind");
});

Deno.test("after a rotation of the secret the key before is taken too, and nothing is sealed by it", () => {
  const rotated = node(2, 200, OTHER, KEY), old = node(1, 100);
  assert.ok(rotated.open(old.seal(2)));
  assert.equal(old.open(rotated.seal(1)), undefined);
});

Deno.test("open() refuses a datagram of which any bit was changed, and any bytes of anybody", () => {
  const { one, other } = pair();
  fc.assert(fc.property(fc.nat(), (bit) => {
    const sealed = one.seal(2, TEXT);
    const at = bit % (sealed.length * 8);
    sealed[at >> 3]! ^= 1 << (at & 7);
    assert.equal(other.open(sealed), undefined);
  }));
  assert.equal(other.open(one.seal(2, new Uint8Array(MAX_BYTES + 1))), undefined, "longer than any message");
  assert.ok(other.open(one.seal(2, new Uint8Array(MAX_BYTES)))?.content);
  fc.assert(fc.property(fc.uint8Array({ maxLength: OVERHEAD_BYTES * 2 }), (bytes) => {
    assert.equal(other.open(bytes), undefined);
  }));
});
