import assert from "node:assert/strict";
import { decodeLearned, encodeLearned, MESSAGE_BYTES } from "../../../core/proxy/sessions/learn_message.ts";
import { LearnedSessions, sessionHash } from "../../../core/proxy/sessions/learned_sessions.ts";

const KEY = new Uint8Array(32).fill(1);

Deno.test("LearnedSessions finds as many sessions as it was made for, and forgets the oldest beyond that", () => {
  const sessions = 4_096;
  const table = new LearnedSessions(new ArrayBuffer(LearnedSessions.bytes(sessions)));
  const hashes = Array.from({ length: 3 * sessions }, (_, i) => sessionHash(KEY, "web", `id${i}`));
  hashes.slice(0, sessions).forEach((hash, i) => table.learn(hash, i));
  hashes.slice(0, sessions).forEach((hash, i) => assert.equal(table.find(hash), i));
  for (let round = 0; round < 3; round++) hashes.forEach((hash, i) => table.learn(hash, i));
  assert.ok(hashes.filter((hash) => table.find(hash) !== undefined).length <= 4 * sessions);
  hashes.slice(-sessions).forEach((hash, i) => assert.equal(table.find(hash), 2 * sessions + i));
});

Deno.test("LearnedSessions takes the newest back end of an id, and knows no other id or pool", () => {
  const table = new LearnedSessions(new ArrayBuffer(LearnedSessions.bytes(64)));
  table.learn(sessionHash(KEY, "web", "a"), 1);
  table.learn(sessionHash(KEY, "web", "a"), 65_535);
  assert.equal(table.find(sessionHash(KEY, "web", "a")), 65_535);
  assert.equal(table.find(sessionHash(KEY, "web", "b")), undefined);
  assert.equal(table.find(sessionHash(KEY, "app", "a")), undefined);
});

Deno.test("decodeLearned() takes what a node of the array made and nothing else", () => {
  const entry = { hash: sessionHash(KEY, "web", "a"), key: 300 };
  const message = encodeLearned(KEY, entry);
  assert.equal(message.length, MESSAGE_BYTES);
  assert.deepEqual(decodeLearned([new Uint8Array(32), KEY], message), entry);
  assert.equal(decodeLearned([new Uint8Array(32)], message), undefined);
  for (let bit = 0; bit < MESSAGE_BYTES * 8; bit++) {
    const changed = message.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeLearned([KEY], changed), undefined, `${bit}`);
  }
  for (const length of [0, 1, MESSAGE_BYTES - 1]) {
    assert.equal(decodeLearned([KEY], message.slice(0, length)), undefined);
  }
  assert.equal(decodeLearned([KEY], new Uint8Array(MESSAGE_BYTES + 1)), undefined);
});
