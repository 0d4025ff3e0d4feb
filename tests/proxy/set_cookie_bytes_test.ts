/** Cookies are bytes: what is a letter's second half in UTF-8 (0xA0 of "\u00e0") is a space to JavaScript's trim(). */
import assert from "node:assert/strict";
import { CookieInjector } from "../../core/proxy/cookie_injection.ts";
import { SET_COOKIE } from "../../core/proxy/field_names.ts";
import { HeadBlock } from "../../core/proxy/head_block.ts";
import { readPersistence } from "../../core/proxy/persistence.ts";

const RULES = { cookie: "SpServer", session_cookies: ["sid"] };
/** "voil\u00e0" in UTF-8, a character a byte. */
const VOILA = "voil\xc3\xa0";

/** Back ends by their keys. */
const KEYS = new Map(Array.from({ length: 100 }, (_, key) => [String(key), key]));

Deno.test("readPersistence() leaves bytes above ASCII at either end of a cookie", () => {
  assert.equal(readPersistence(`SpServer=3; word=${VOILA}`, RULES.cookie, KEYS).cookie, `word=${VOILA}`);
  assert.equal(readPersistence(`\xa0a=1; SpServer=3`, RULES.cookie, KEYS).cookie, `\xa0a=1`);
  assert.deepEqual(readPersistence(`\xa0SpServer=3`, RULES.cookie, KEYS), {
    key: undefined,
    unknown: undefined,
    cookie: "\xa0SpServer=3",
  });
});

Deno.test("CookieInjector.inject() copies attributes with bytes above ASCII at their ends as they are", () => {
  const inject = (setCookie: string) => {
    const block = new HeadBlock(new Uint8Array(1024));
    block.field(SET_COOKIE, setCookie);
    return new CookieInjector(RULES).inject(block, "7") ? block.value(1) : undefined;
  };
  assert.equal(inject(`sid=x; Path=/${VOILA}; Secure`), `SpServer=7; Path=/${VOILA}; Secure`);
  assert.equal(inject("sid\xa0=x"), undefined, "another name");
});
