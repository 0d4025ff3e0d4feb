import assert from "node:assert/strict";
import { OTHER, SET_COOKIE } from "../../../core/proxy/field_names.ts";
import { HeadBlock } from "../../../core/proxy/head_block.ts";
import { fromLatin1 } from "../harness.ts";
import { routeOf, RouteSuffixes } from "../../../core/proxy/sessions/session_routes.ts";

const PLACES = { session_cookies: ["sid"], path_parameter: "jsessionid", query_parameter: "sid" };
const SUFFIXES = new RouteSuffixes(PLACES, new Set(["r1", "r2"]));

Deno.test("routeOf() is what stands behind the last dot", () => {
  assert.equal(routeOf("abc.r1"), "r1");
  assert.equal(routeOf("a.b.r2"), "r2");
  assert.equal(routeOf("abc"), undefined);
  assert.equal(routeOf("abc."), "");
});

Deno.test("RouteSuffixes.stripCookie() takes known routes out of session cookies and changes nothing else", () => {
  assert.equal(SUFFIXES.stripCookie("sid=abc.r1"), "sid=abc");
  assert.equal(SUFFIXES.stripCookie("a=b.r1; sid=x.y.r2 ;c=d"), "a=b.r1; sid=x.y ;c=d");
  assert.equal(SUFFIXES.stripCookie('sid="abc.r1"'), 'sid="abc"');
  assert.equal(SUFFIXES.stripCookie("sid=abc.r9"), "sid=abc.r9");
  assert.equal(SUFFIXES.stripCookie("xsid=abc.r1"), "xsid=abc.r1");
});

Deno.test("RouteSuffixes.stripTarget() takes a known route out of the request line, and the fields stay what they are", () => {
  const strip = (target: string) => {
    const block = new HeadBlock(new Uint8Array(512));
    block.text(`POST ${target} HTTP/1.1\r\n`);
    block.field(0, "x");
    block.field(1, "shop");
    SUFFIXES.stripTarget(block, "POST", target);
    assert.equal(block.value(1), "shop");
    return fromLatin1(block.bytes.subarray(0, block.end)).split(" ")[1];
  };
  assert.equal(strip("/a;jsessionid=b.r1/c?d"), "/a;jsessionid=b/c?d");
  assert.equal(strip("/a?sid=b.r2&c"), "/a?sid=b&c");
  assert.equal(strip("/a;jsessionid=b.r7"), "/a;jsessionid=b.r7");
  assert.equal(strip("/a"), "/a");
});

Deno.test("RouteSuffixes.addToLocation() puts the route behind the id where a response leads to the same host", () => {
  const add = (location: string) => {
    const block = new HeadBlock(new Uint8Array(512));
    const start = block.end;
    block.text(`location: ${location}`);
    block.complete(OTHER, start);
    SUFFIXES.addToLocation(block, "r1", "shop");
    assert.equal(block.count, 1);
    return block.fieldValue("location");
  };
  assert.equal(add("/a;jsessionid=b?c"), "/a;jsessionid=b.r1?c");
  assert.equal(add("http://shop/a?sid=b&c"), "http://shop/a?sid=b.r1&c");
  for (const same of ["/a", "/a;jsessionid=b.r2", "http://other/a;jsessionid=b"]) assert.equal(add(same), same);
});

Deno.test("RouteSuffixes.add() puts the route behind each session id that is set, and none behind one that is deleted", () => {
  const add = (...values: string[]) => {
    const block = new HeadBlock(new Uint8Array(512));
    for (const value of values) block.field(SET_COOKIE, value);
    SUFFIXES.add(block, "r1");
    return Array.from({ length: block.count }, (_, i) => block.value(i)).sort();
  };
  assert.deepEqual(add("sid=abc; Path=/"), ["sid=abc.r1; Path=/"]);
  assert.deepEqual(add("sid=s; Path=/s"), ["sid=s.r1; Path=/s"]);
  assert.deepEqual(add('sid="abc"'), ['sid="abc.r1"']);
  assert.deepEqual(add("a=1", "sid=x", "b=2", "sid=y"), ["a=1", "b=2", "sid=x.r1", "sid=y.r1"]);
  assert.deepEqual(add("sid=; Max-Age=0"), ["sid=; Max-Age=0"]);
  assert.deepEqual(add("sidx=1"), ["sidx=1"]);
});
