import assert from "node:assert/strict";
import fc from "fast-check";
import { readPersistence } from "../../core/proxy/persistence.ts";
import "../soak.ts";

const RULES = { cookie: "SpServer", session_cookies: ["JSESSIONID", "sid"] };

Deno.test("readPersistence() finds the key and takes every copy of the cookie out, the rest byte for byte", () => {
  const read = (cookie: string) => {
    const { key, cookie: rest } = readPersistence(cookie, RULES);
    return [key, rest];
  };
  assert.deepEqual(read(""), [undefined, ""]);
  assert.deepEqual(read("a=1; b=2"), [undefined, "a=1; b=2"]);
  assert.deepEqual(read("SpServer=3"), [3, ""]);
  assert.deepEqual(read("a=1; SpServer=3; b=2"), [3, "a=1; b=2"]);
  assert.deepEqual(read("a=1;SpServer=3;b=2"), [3, "a=1;b=2"]);
  assert.deepEqual(read("SpServer=x; SpServer=4; SpServer=5"), [4, ""], "the first valid one wins");
  assert.deepEqual(read("spserver=3"), [undefined, "spserver=3"], "names are case-sensitive");
  assert.deepEqual(read("XSpServer=3; SpServerX=4"), [undefined, "XSpServer=3; SpServerX=4"]);
  assert.deepEqual(read("a=SpServer=3"), [undefined, "a=SpServer=3"]);
  assert.deepEqual(read("SpServer"), [undefined, "SpServer"], "no pair");
  for (const value of ["-1", "1e3", "01", "999999", "1 2", "0x1", ""]) {
    assert.equal(read(`SpServer=${value}`)[0], undefined, value);
  }
});

Deno.test("readPersistence() leaves a cookie without ours as it is, whatever it holds", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (cookie) => {
    fc.pre(!cookie.includes("SpServer"));
    assert.deepEqual(readPersistence(cookie, RULES), { key: undefined, cookie });
  }));
});
