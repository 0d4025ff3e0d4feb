import assert from "node:assert/strict";
import { hashOf, parameterOf } from "../../../core/proxy/policies/hashed_part.ts";

Deno.test("hashOf() goes by the URL, the path, or a query parameter", () => {
  const url = hashOf("url", 1);
  const path = hashOf("path", 1);
  const parameter = hashOf({ parameter: "id" }, 1);
  const at = (target: string, host = "a.example") => ({ host, target });
  assert.notEqual(url(at("/x?a=1")), url(at("/x?a=2")));
  assert.notEqual(url(at("/x")), url(at("/x", "b.example")));
  assert.equal(path(at("/x?a=1")), path(at("/x?a=2", "b.example")));
  assert.notEqual(path(at("/x")), path(at("/y")));
  assert.equal(parameter(at("/x?id=7&a=1")), parameter(at("/y?a=2&id=7")));
  assert.notEqual(parameter(at("/x?id=7")), parameter(at("/x?id=8")));
  assert.equal(parameter(at("/x?a=1")), parameter(at("/x?a=2")), "without it by the path");
  assert.notEqual(hashOf("path", 2)(at("/x")), path(at("/x")), "each pool its own");
});

Deno.test("parameterOf() takes the first of that very name, as it stands", () => {
  assert.equal(parameterOf("/x?id=a%20b&id=c", "id"), "a%20b");
  assert.equal(parameterOf("/x?xid=1&id=2", "id"), "2");
  assert.equal(parameterOf("/x?idx=1&id", "id"), undefined);
  assert.equal(parameterOf("/id=1", "id"), undefined);
  assert.equal(parameterOf("/x?id=", "id"), "");
});
