import assert from "node:assert/strict";
import fc from "fast-check";
import { RouteTree } from "../../core/proxy/route_tree.ts";
import "../soak.ts";

function tree(patterns: readonly string[], isFinal = (_: number) => true): RouteTree<number> {
  const routes = new RouteTree<number>(isFinal);
  patterns.forEach((pattern, i) => routes.add("ALL", pattern, i));
  return routes;
}

function found(routes: RouteTree<number>, path: string): number[] {
  return (routes.match("GET", path)[0] as [number, unknown][]).map(([handler]) => handler);
}

Deno.test("RouteTree takes the named host before a pattern, the longer pattern first, any host last", () => {
  const routes = tree(["/:host/*", "/*.example/*", "/*.shop.example/*", "/a.shop.example/*"]);
  assert.deepEqual(found(routes, "/a.shop.example/x"), [3]);
  assert.deepEqual(found(routes, "/b.shop.example/x"), [2]);
  assert.deepEqual(found(routes, "/c.b.shop.example/x"), [2]);
  assert.deepEqual(found(routes, "/shop.example/"), [1]);
  assert.deepEqual(found(routes, "/example/"), [0]);
  assert.deepEqual(found(routes, "/-/"), [0]);
});

Deno.test("RouteTree matches a path and what is below it, the longest first, and falls back to another host's", () => {
  const routes = tree(["/a/x/*", "/a/x/y/*", "/:host/*"]);
  assert.deepEqual(found(routes, "/a/x"), [0]);
  assert.deepEqual(found(routes, "/a/x/"), [0]);
  assert.deepEqual(found(routes, "/a/x/y/z"), [1]);
  assert.deepEqual(found(routes, "/a/xy"), [2]);
  assert.deepEqual(found(routes, "/a//x"), [2]);
  assert.deepEqual(found(tree(["/a/x/*"]), "/b/x"), []);
});

Deno.test("RouteTree tells segments of one hash apart, and does not look into the query", () => {
  const routes = tree(["/a/Aa/*", "/a/BB/*", "/a/BB/Aa/*"]);
  assert.deepEqual(["/Aa", "/BB/BB", "/BB/Aa/x", "/AaBB", "/C#"].map((target) => routes.find("a", target)[0]?.[0]), [
    0,
    1,
    2,
    undefined,
    undefined,
  ]);
  assert.deepEqual(["/BB?/Aa", "/BB/Aa?x", "/?/Aa"].map((target) => routes.find("a", target)[0]?.[0]), [
    1,
    2,
    undefined,
  ]);
});

Deno.test("RouteTree gives those that may refuse a request in their order, up to one that takes all", () => {
  const routes = tree(["/a/x/*", "/a/x/*", "/a/*", "/:host/*"], (handler) => handler === 3);
  assert.deepEqual(found(routes, "/a/x/y"), [0, 1, 2, 3]);
  assert.deepEqual(found(tree(["/a/x/*", "/a/x/*", "/a/*", "/:host/*"], (handler) => handler === 1), "/a/x/y"), [0, 1]);
});

Deno.test("RouteTree finds what a search through all patterns finds", () => {
  const host = fc.constantFrom("a.b", "b", "c.b");
  const pattern = fc.constantFrom("a.b", "b", "*.b", ":host");
  const path = fc.array(fc.constantFrom("x", "y", "z"), { maxLength: 3 }).map((parts) =>
    parts.map((part) => `/${part}`).join("")
  );
  const rank = (name: string) => name === ":host" ? 0 : name.startsWith("*") ? 1 : 2;
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(pattern, path), { selector: String }), host, path, (routes, name, asked) => {
      const matching = routes.filter(([of, start]) =>
        (of === ":host" || of === name || of.startsWith("*") && name.endsWith(of.slice(1))) &&
        (asked === start || asked.startsWith(`${start}/`))
      ).sort(([of, start], [other, otherStart]) => rank(other) - rank(of) || otherStart.length - start.length);
      const names = routes.map(([of, start]) => `/${of}${start}/*`);
      const [first] = found(tree(names), `/${name}${asked === "" ? "/" : asked}`);
      const expected = matching[0] === undefined ? undefined : routes.indexOf(matching[0]);
      assert.equal(first, expected);
    }),
  );
});
