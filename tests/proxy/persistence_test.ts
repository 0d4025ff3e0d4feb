import assert from "node:assert/strict";
import fc from "fast-check";
import { injectedCookie, privateCacheControl, readPersistence } from "../../core/proxy/persistence.ts";
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

Deno.test("injectedCookie() copies the attributes that say where and when a session cookie is sent, and of no other", () => {
  const inject = (setCookie: string) => injectedCookie(setCookie, RULES, 7);
  assert.equal(inject("JSESSIONID=x"), "SpServer=7");
  assert.equal(inject("sid=x; Path=/; HttpOnly"), "SpServer=7; Path=/; HttpOnly");
  assert.equal(
    inject("sid=x; expires=Thu, 01 Jan 2032 00:00:00 GMT;Max-Age=9 ; SameSite=None; Partitioned;Domain=a.example"),
    "SpServer=7; expires=Thu, 01 Jan 2032 00:00:00 GMT; Max-Age=9; SameSite=None; Partitioned; Domain=a.example",
  );
  assert.equal(inject(" sid =x;Secure; Priority=High; path"), "SpServer=7; Secure; path");
  for (const other of ["SID=x", "sidx=x", "theme=sid", "sid", "", "=x"]) assert.equal(inject(other), undefined, other);
});

Deno.test("injectedCookie() deletes ours where the application deletes its session cookie", () => {
  const inject = (setCookie: string) => injectedCookie(setCookie, RULES, 7);
  assert.equal(inject("sid=; Path=/x"), "SpServer=; Path=/x; Max-Age=0");
  assert.equal(inject('sid=""; Max-Age=30; Secure'), "SpServer=; Secure; Max-Age=0");
  assert.equal(inject("sid=x; Path=/; Max-Age=0"), "SpServer=7; Path=/; Max-Age=0");
  assert.equal(
    inject("sid=deleted; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"),
    "SpServer=7; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/",
  );
});

Deno.test("privateCacheControl() keeps a response from shared caches and leaves what says so already", () => {
  assert.equal(privateCacheControl([]), "private");
  assert.equal(privateCacheControl(["public, max-age=60"]), "private, max-age=60");
  assert.equal(
    privateCacheControl(["max-age=60", "s-maxage=90, must-revalidate"]),
    "private, max-age=60, must-revalidate",
  );
  assert.equal(privateCacheControl(["Private, max-age=3"]), undefined);
  assert.equal(privateCacheControl(["no-store"]), undefined);
  assert.equal(privateCacheControl(['private="set-cookie", no-cache="x, y"']), 'private, no-cache="x, y"');
});
