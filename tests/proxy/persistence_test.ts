import assert from "node:assert/strict";
import fc from "fast-check";
import { readPersistence } from "../../core/proxy/persistence.ts";
import "../soak.ts";

const RULES = { cookie: "SpServer", session_cookies: ["JSESSIONID", "sid"] };

/** Back ends by their keys. */
const KEYS = new Map(Array.from({ length: 100 }, (_, key) => [String(key), key]));

Deno.test("readPersistence() finds the key and takes every copy of the cookie out, the rest byte for byte", () => {
  const read = (cookie: string) => {
    const { key, cookie: rest } = readPersistence(cookie, RULES.cookie, KEYS);
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

Deno.test("readPersistence() takes the first cookie that names a back end, and tells of one that names none", () => {
  const read = (cookie: string) => readPersistence(cookie, RULES.cookie, KEYS);
  assert.deepEqual(read("SpServer=777; SpServer=4"), { key: 4, unknown: undefined, cookie: "" });
  assert.deepEqual(read("a=1; SpServer=777; SpServer=x"), { key: undefined, unknown: "777", cookie: "a=1" });
});

Deno.test("readPersistence() leaves a cookie without ours as it is, whatever it holds", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (cookie) => {
    fc.pre(!cookie.includes("SpServer"));
    assert.deepEqual(readPersistence(cookie, RULES.cookie, KEYS), { key: undefined, unknown: undefined, cookie });
  }));
});
