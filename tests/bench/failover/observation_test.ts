import assert from "node:assert/strict";
import { Observation } from "./observation.ts";

const OWNED = Array.from({ length: 500 }, (_, i) => `O ${i * 5 - 50} a\n`).join("");

Deno.test("Observation: the gap is between accepted SYNs as they were sent, and up to the end", () => {
  const seen = new Observation(OWNED + "S 0 1\nA 3 1\nS 5 2\nR 6 2\nS 10 3\nS 15 4\nA 200 4\nR 201 4\nS 20 5\n");
  assert.equal(seen.gapMs(0, 20), 15, "from 0 to 15");
  assert.equal(seen.gapMs(0, 50), 35, "from 15 on");
  assert.equal(seen.gapMs(-30, 20), 30, "before the first");
  assert.equal(seen.refused(0, 20), 1);
  assert.equal(seen.ownGapMs(0, 20), 5);
  assert.equal(seen.ownGapMs(0, 50), 30);
});

Deno.test("Observation: an answer belongs to the last SYN from its port, and only in time", () => {
  const seen = new Observation(OWNED + "S 0 1\nS 1000 1\nA 1001 1\nS 2000 2\nA 5001 2\n");
  assert.equal(seen.gapMs(0, 2000), 1000);
});

Deno.test("Observation: without an answer by ARP nobody has the VIP, though SYNs are accepted", () => {
  const syns = Array.from({ length: 100 }, (_, i) => `S ${i} ${i}\nA ${i}.5 ${i}\n`).join("");
  assert.equal(new Observation(syns + "O 10 a\nO 20 a\nO 75 b\nO 90 b\n").gapMs(10, 90), 55);
});

Deno.test("Observation: two owners are two answers to one question, of different machines", () => {
  const seen = new Observation("O 0 a\nO 10 a\nO 20 a\nO 21 b\nO 30 b\nO 31 a\nO 45 b\nO 60 b\n");
  assert.equal(seen.twoOwnerMs(0, 100), 20, "from 21 to 31, and the time of a question");
  assert.equal(seen.twoOwnerMs(32, 100), 0, "45 answers another question");
  assert.deepEqual([seen.ownerAt(-1), seen.ownerAt(31), seen.ownerAt(99)], [undefined, "a", "b"]);
});
