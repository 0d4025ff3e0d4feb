import assert from "node:assert/strict";
import { FACTOR } from "../soak.ts";
import { countStrays, MODES } from "./strays.ts";

const SESSIONS = 40 * FACTOR;

for (const mode of MODES) {
  Deno.test(`persistence, ${mode.name}: users of two nodes reach the back end that began their session, whatever they change`, async () => {
    const { requests, strays } = await countStrays(mode, SESSIONS);
    assert.equal(requests, SESSIONS * 5);
    assert.equal(strays, 0);
  });
}
