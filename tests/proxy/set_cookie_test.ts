/** Cookie injection over odd Set-Cookie fields; the npm package `tough-cookie`, which knows nothing of ours, says what they mean. */
import assert from "node:assert/strict";
import { Cookie } from "tough-cookie";
import { CookieInjector, keepPrivate } from "../../core/proxy/cookie_injection.ts";
import { CACHE_CONTROL, SET_COOKIE } from "../../core/proxy/field_names.ts";
import { HeadBlock } from "../../core/proxy/head_block.ts";
import { readPersistence } from "../../core/proxy/persistence.ts";
import { answering, RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";
import { oddSetCookies, RULES } from "./set_cookie_cases.ts";

const KEY = 7;
/** One for all: it keeps something of what it saw last. */
const INJECTOR = new CookieInjector(RULES);

/** The application's Set-Cookie fields as they are after the injection, and those that it added. */
function inject(setCookies: readonly string[]): { readonly own: string[]; readonly ours: string[] } {
  const block = new HeadBlock(new Uint8Array(65_536));
  for (const setCookie of setCookies) block.field(SET_COOKIE, setCookie);
  const added = INJECTOR.inject(block, String(KEY));
  const values = Array.from({ length: block.count }, (_, i) => block.value(i));
  assert.equal(added, block.count > setCookies.length);
  return { own: values.slice(0, setCookies.length), ours: values.slice(setCookies.length) };
}

/** Whether a browser drops the cookie at once: Max-Age goes before Expires (RFC 6265 section 5.3). */
function isDeleted({ maxAge, expires }: Cookie): boolean {
  if (maxAge !== null) return maxAge === "-Infinity" || Number(maxAge) <= 0;
  return expires instanceof Date && expires.getTime() <= Date.now();
}

function isEmpty({ value }: Cookie): boolean {
  return value === "" || value === '""';
}

/** Where and to whom a cookie is sent. */
function scope({ path, domain, secure, httpOnly, sameSite, extensions }: Cookie): unknown {
  const isPartitioned = (extensions ?? []).some((extension) => /^partitioned$/i.test(extension));
  return { path, domain, secure, httpOnly, sameSite, isPartitioned };
}

/** How long it lives. */
function life({ maxAge, expires }: Cookie): unknown {
  return { maxAge, expires: expires instanceof Date ? expires.getTime() : expires };
}

/** Asserts that `ours` is what belongs beside the application's `own`. */
function assertBeside(own: string, ours: string | undefined): void {
  const session = Cookie.parse(own);
  const isSession = session !== undefined && RULES.session_cookies.includes(session.key);
  assert.equal(ours !== undefined, isSession, JSON.stringify(own));
  if (session === undefined || ours === undefined) return;
  const shown = `${JSON.stringify(own)} and ${JSON.stringify(ours)}`;
  const parsed = Cookie.parse(ours);
  assert.ok(parsed, shown);
  assert.equal(parsed.key, RULES.cookie, shown);
  assert.deepEqual(scope(parsed), scope(session), shown);
  assert.equal(isDeleted(parsed), isDeleted(session) || isEmpty(session), shown);
  if (isEmpty(session)) return;
  assert.equal(parsed.value, String(KEY), shown);
  assert.deepEqual(life(parsed), life(session), shown);
}

/** Back ends by their keys. */
const KEYS = new Map(Array.from({ length: 100 }, (_, key) => [String(key), key]));

Deno.test("CookieInjector.inject() sets ours beside each session cookie, with its scope and life, and beside no other", () => {
  const cases = oddSetCookies();
  assert.ok(new Set(cases).size > 2_000);
  let sessions = 0;
  let deletions = 0;
  for (const setCookie of cases) {
    const { own, ours } = inject([setCookie]);
    assert.deepEqual(own, [setCookie], "the application's own stays byte for byte");
    assert.ok(ours.length <= 1);
    assertBeside(setCookie, ours[0]);
    if (ours.length === 0) continue;
    sessions++;
    if (isDeleted(Cookie.parse(ours[0]!)!)) deletions++;
  }
  assert.ok(
    sessions > 1_000 && deletions > 100 && sessions < cases.length,
    `${sessions} sessions, ${deletions} deletions`,
  );
});

Deno.test("CookieInjector.inject() sets one for each session cookie of a response, in their order", () => {
  const cases = oddSetCookies();
  for (let at = 0; at + 9 <= cases.length; at += 9) {
    const setCookies = cases.slice(at, at + 9);
    const { own, ours } = inject(setCookies);
    assert.deepEqual(own, setCookies);
    assert.deepEqual(ours, setCookies.flatMap((setCookie) => inject([setCookie]).ours));
  }
});

/** Directives without an argument that a Cache-Control holds; quoted strings are arguments. */
function bareDirectives(cacheControl: string): string[] {
  const parts = cacheControl.match(/(?:"(?:\\.|[^"\\])*"|[^,])+/g) ?? [];
  return parts.map((part) => part.trim().toLowerCase());
}

Deno.test("keepPrivate() makes every Cache-Control private or stricter and leaves the rest of it", () => {
  const directives = [
    "public",
    "PUBLIC",
    "private",
    "Private",
    'private="set-cookie, x"',
    "no-store",
    "no-cache",
    'no-cache="set-cookie"',
    "max-age=60",
    "s-maxage=600",
    "S-MaxAge = 600",
    "must-revalidate",
    "immutable",
    'ext="a, private, no-store"',
    'ext="\\", private"',
    "stale-while-revalidate=30",
    "",
  ];
  for (const first of directives) {
    for (const second of directives) {
      for (const fields of [[first], [`${first}, ${second}`], [`${first},${second}`], [first, second]]) {
        const block = new HeadBlock(new Uint8Array(4096));
        for (const field of fields) block.field(CACHE_CONTROL, field);
        keepPrivate(block);
        const values = Array.from({ length: block.count }, (_, i) => block.value(i));
        const shown = `${JSON.stringify(fields)} became ${JSON.stringify(values)}`;
        const result = bareDirectives(values.join(","));
        assert.ok(result.includes("private") || result.includes("no-store"), shown);
        for (const directive of bareDirectives(fields.join(","))) {
          if (!/^(public|private|s-maxage|$)/.test(directive)) assert.ok(result.includes(directive), shown);
        }
      }
    }
  }
});

Deno.test("readPersistence() shows the application every cookie of its own and never ours", () => {
  const own = [
    "a=1",
    "SpServerX=3",
    "XSpServer=3",
    "spserver=3",
    "sid=SpServer=3",
    'b="x',
    "flag",
    "",
    "=3",
    "c=\xe9\x80 d",
  ];
  const ours = [
    "SpServer=3",
    "SpServer=",
    "SpServer=x",
    " SpServer = 4 ",
    "SpServer=70000",
    "\tSpServer=5",
    "SpServer=3=4",
  ];
  const names = (cookie: string) =>
    cookie.split(";").map((pair) => pair.split("=")[0]!.replace(/^[ \t]+|[ \t]+$/g, ""));
  for (const separator of ["; ", ";", " ; "]) {
    for (const one of own) {
      for (const other of own) {
        for (const injected of ours) {
          for (
            const pairs of [[injected, one, other], [one, injected, other], [one, other, injected], [
              injected,
              one,
              injected,
            ]]
          ) {
            const cookie = pairs.join(separator);
            const read = readPersistence(cookie, RULES.cookie, KEYS).cookie;
            const shown = `${JSON.stringify(cookie)} became ${JSON.stringify(read)}`;
            assert.ok(!read.split(";").some((pair) => pair.includes("=") && names(pair)[0] === RULES.cookie), shown);
            const kept = pairs.filter((pair) => pair !== injected).map((pair) => pair.trim());
            assert.deepEqual(read.split(";").map((pair) => pair.trim()).filter(Boolean), kept.filter(Boolean), shown);
          }
        }
      }
    }
  }
});

Deno.test("serve: 40 responses with odd Set-Cookie fields reach the client with ours, private, and lead back to one back end", async () => {
  const all = oddSetCookies();
  const step = Math.floor(all.length / 240);
  const perResponse = Array.from(
    { length: 40 },
    (_, i) => Array.from({ length: 6 }, (_, j) => all[(i * 6 + j) * step]!),
  );
  let seen = "";
  const backEnd = new RawBackEnd(answering((head) => {
    seen = head;
    const fields = perResponse[Number(/^GET \/(\d+)/.exec(head)![1])]!.map((value) => `Set-Cookie: ${value}\r\n`);
    return `HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\n${fields.join("")}Content-Length: 0\r\n\r\n`;
  }));
  const pool = `, persistence: { session_cookies: [${RULES.session_cookies.join(", ")}] }`;
  await withServe([backEnd], { pool }, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (const [i, setCookies] of perResponse.entries()) {
      await client.send(`GET /${i} HTTP/1.1\r\nHost: shop\r\nCookie: sid=x; SpServer=1; b=2\r\n\r\n`);
      const { head } = await client.message();
      assert.match(seen, /\r\ncookie: sid=x; b=2\r\n/);
      const values = [...head.matchAll(/^set-cookie: (.*)\r$/gm)].map(([, value]) => value!);
      assert.deepEqual(values.slice(0, setCookies.length), setCookies);
      const ours = inject(setCookies).ours.map((value) => value.replace(`=${KEY}`, "=1"));
      assert.deepEqual(values.slice(setCookies.length), ours);
      const cacheControl = ours.length > 0 ? "private, max-age=60" : "public, max-age=60";
      assert.match(head, new RegExp(`^cache-control: ${cacheControl}\r$`, "m"));
    }
    client.close();
  });
});
