import assert from "node:assert/strict";
import { CookieInjector, privateCacheControl } from "../../core/proxy/cookie_injection.ts";
import { SET_COOKIE } from "../../core/proxy/field_names.ts";
import { HeadBlock } from "../../core/proxy/head_block.ts";

const RULES = { cookie: "SpServer", session_cookies: ["JSESSIONID", "sid"] };

const INJECTOR = new CookieInjector(RULES);

/** The value that is added for a Set-Cookie of the application; undefined without. */
function inject(setCookie: string): string | undefined {
  const block = new HeadBlock(new Uint8Array(1024));
  block.field(SET_COOKIE, setCookie);
  const added = INJECTOR.inject(block, "7");
  assert.equal(block.value(0), setCookie, "the application's own stays as it is");
  assert.equal(block.count, added ? 2 : 1);
  return added ? block.value(1) : undefined;
}

Deno.test("CookieInjector.inject() copies the attributes that say where and when a session cookie is sent, and of no other", () => {
  assert.equal(inject("JSESSIONID=x"), "SpServer=7");
  assert.equal(inject("sid=x; Path=/; HttpOnly"), "SpServer=7; Path=/; HttpOnly");
  assert.equal(
    inject("sid=x; expires=Thu, 01 Jan 2032 00:00:00 GMT;Max-Age=9 ; SameSite=None; Partitioned;Domain=a.example"),
    "SpServer=7; expires=Thu, 01 Jan 2032 00:00:00 GMT; Max-Age=9; SameSite=None; Partitioned; Domain=a.example",
  );
  assert.equal(inject("sid =x;Secure; Priority=High; path"), "SpServer=7; Secure; path");
  for (const other of ["SID=x", "sidx=x", "theme=sid", "sid", "", "=x"]) assert.equal(inject(other), undefined, other);
});

Deno.test("CookieInjector.inject() deletes ours where the application deletes its session cookie", () => {
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
