import assert from "node:assert/strict";
import fc from "fast-check";
import { GuardedRoutes, plainPath } from "../../core/proxy/guarded_routes.ts";

function asked(host: string, target: string, method = "GET") {
  return { method, host, target, block: { fieldValue: () => undefined } };
}

Deno.test("plainPath() reads a path as the most lenient back end does", () => {
  const cases: readonly (readonly [target: string, path: string])[] = [
    ["/", "/"],
    ["*", "/*"],
    ["/a/b?/c", "/a/b"],
    ["//a///b/", "/a/b"],
    ["/a/./b/../c", "/a/c"],
    ["/../../a", "/a"],
    ["/%61/%2e%2E/b", "/b"],
    ["/%252561", "/a"],
    ["/a;x=1/b;y", "/a/b"],
    ["/..;/a", "/a"],
    ["/a%5Cb", "/a/b"],
    ["/A%20B", "/a b"],
    ["/%zz", "/%zz"],
  ];
  for (const [target, path] of cases) assert.equal(plainPath(target), path, target);
});

Deno.test("plainPath() has neither empty nor dot segments, whatever the target", () => {
  const piece = fc.constantFrom("/", ".", "..", "%2e", "%2F", "%25", ";", "a", "?", "\\", "%");
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
    const path = plainPath(`/${pieces.join("")}`);
    assert.match(path, /^\/([^/]+(\/[^/]+)*)?$/);
    assert.ok(!path.split("/").some((segment) => segment === "." || segment === ".."), path);
  }));
});

Deno.test("plainPath() takes no time for a path that is encoded without end", () => {
  const began = performance.now();
  plainPath(`/%${"25".repeat(16_000)}`);
  assert.ok(performance.now() - began < 100);
});

Deno.test("GuardedRoutes: the first route that matches counts, with host and path", () => {
  const routes = new GuardedRoutes([
    { host: "a.example", path: "/admin/open" },
    { host: "a.example", path: "/admin/", client_certificate: "required" },
    { path: "/" },
  ]);
  assert.equal(routes.isGuarded(asked("A.example:8443", "/admin")), true);
  assert.equal(routes.isGuarded(asked("a.example.", "/x/..//admin/y")), true);
  assert.equal(routes.isGuarded(asked("a.example", "/admin/open/y")), false);
  assert.equal(routes.isGuarded(asked("a.example", "/admins")), false);
  assert.equal(routes.isGuarded(asked("b.example", "/admin")), false);
});

Deno.test("GuardedRoutes: what a route asks beside host and path counts, however the path is written", () => {
  const routes = new GuardedRoutes([
    { host: "*.example", path: "/admin", methods: ["POST"], client_certificate: "required" },
    { path: "/" },
  ]);
  assert.equal(routes.isGuarded(asked("a.example", "/x/../%61dmin", "POST")), true);
  assert.equal(routes.isGuarded(asked("a.example", "/admin", "GET")), false);
  assert.equal(routes.isGuarded(asked("example", "/admin", "POST")), false);
});
