import assert from "node:assert/strict";
import fc from "fast-check";
import { idInReference, idInTarget, sessionId } from "../../../core/proxy/sessions/session_id.ts";
import "../../soak.ts";

const PLACES = { session_cookies: ["JSESSIONID", "sid"], path_parameter: "jsessionid", query_parameter: "sid" };

Deno.test("sessionId() finds the id in a cookie, else in the path, else in the query", () => {
  const cases: readonly (readonly [cookie: string, target: string, id: string | undefined])[] = [
    ["sid=a", "/;jsessionid=b?sid=c", "a"],
    ["x=1; JSESSIONID=a.b; y=2", "/", "a.b"],
    ['sid="a"', "/", "a"],
    ["sid=; sid=b", "/", "b"],
    ["xsid=a; sidx=b; SID=c", "/", undefined],
    ["", "/x;jsessionid=b", "b"],
    ["", "/x;a=1;jsessionid=b;c=2/y", "b"],
    ["", "/x;jsessionid=b/y?z", "b"],
    ["", "/x?;jsessionid=b", undefined],
    ["", "/x?a=1&sid=c&d", "c"],
    ["", "/x?sid=c", "c"],
    ["", "/x?xsid=c&sidx=d", undefined],
    ["", "/x&sid=c", undefined],
    ["", "/x;jsessionid=", undefined],
    ["", "*", undefined],
  ];
  for (const [cookie, target, id] of cases) assert.equal(sessionId(cookie, target, PLACES), id, `${cookie} ${target}`);
});

Deno.test("idInReference() finds the id of a URL that leads to the same host, and of no other", () => {
  const cases: readonly (readonly [reference: string, id: string | undefined])[] = [
    ["/x;jsessionid=b?c", "b"],
    ["x;jsessionid=b", "b"],
    ["?sid=c#?sid=d", "c"],
    ["/x#;jsessionid=b", undefined],
    ["https://Shop.example/x;jsessionid=b", "b"],
    ["http://shop.example:8080?sid=b", "b"],
    ["//shop.example/?sid=b", "b"],
    ["https://other.example/x;jsessionid=b", undefined],
    ["https://shop.example.evil/?sid=b", undefined],
    ["//other.example/?sid=b", undefined],
    ["", undefined],
  ];
  for (const [reference, id] of cases) {
    const found = idInReference(reference, "shop.example:80", PLACES);
    assert.equal(found?.id, id, reference);
    if (found) assert.ok(reference.startsWith(found.id, found.at));
  }
});

Deno.test("sessionId() looks only where the config says", () => {
  assert.equal(sessionId("", "/;jsessionid=b?sid=c", { session_cookies: ["sid"] }), undefined);
});

Deno.test("idInTarget() names the place where the id stands, whatever the target", () => {
  const piece = fc.constantFrom("/", ";", "?", "&", "jsessionid=", "sid=", "a", ".", "=");
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
    const target = `/${pieces.join("")}`;
    const found = idInTarget(target, PLACES);
    if (found !== undefined) assert.equal(target.slice(found.at, found.at + found.id.length), found.id);
  }));
});
