import assert from "node:assert/strict";
import {
  decodeLearned,
  encodeLearned,
  encodeQuestion,
  MEMORY,
  MOST_BYTES,
  MOST_ENTRIES,
  NEWS,
  QUESTION,
} from "../../../core/proxy/sessions/learn_message.ts";
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

Deno.test("LearnedSessions.entries() are all that it knows", () => {
  const table = new LearnedSessions(new ArrayBuffer(LearnedSessions.bytes(1_024)));
  assert.deepEqual([...table.entries()], []);
  const learned = Array.from({ length: 500 }, (_, key) => ({ hash: sessionHash(KEY, "web", `id${key}`), key }));
  for (const { hash, key } of learned) table.learn(hash, key);
  assert.deepEqual([...table.entries()].sort((one, other) => one.key - other.key), learned);
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
  const said = { kind: NEWS, entries: [{ hash: sessionHash(KEY, "web", "a"), key: 300 }] };
  const message = encodeLearned(KEY, said);
  assert.deepEqual(decodeLearned([new Uint8Array(32), KEY], message), said);
  assert.equal(decodeLearned([new Uint8Array(32)], message), undefined);
  for (let bit = 0; bit < message.length * 8; bit++) {
    const changed = message.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeLearned([KEY], changed), undefined, `${bit}`);
  }
  for (const length of [0, 1, 16, message.length - 1]) {
    assert.equal(decodeLearned([KEY], message.slice(0, length)), undefined);
  }
  assert.equal(decodeLearned([KEY], new Uint8Array(MOST_BYTES + 16)), undefined);
  const most = Array.from({ length: MOST_ENTRIES }, (_, key) => ({ hash: sessionHash(KEY, "web", `${key}`), key }));
  const full = encodeLearned(KEY, { kind: MEMORY, entries: most });
  assert.equal(full.length, MOST_BYTES);
  assert.deepEqual(decodeLearned([KEY], full), { kind: MEMORY, entries: most });
  const { kind, entries } = decodeLearned([KEY], encodeQuestion(KEY, 255))!;
  assert.deepEqual([kind, entries[0]!.key], [QUESTION, 255]);
});
