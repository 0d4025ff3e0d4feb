/** Which keys need a restart. */
import assert from "node:assert/strict";
import { configOf } from "../../core/config/load.ts";
import { RESTART_KEYS, restartPaths } from "../../core/config/restart.ts";
import { schema } from "../../core/config/schema.ts";
import { dlba } from "./dlba.ts";

interface Shape {
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly item?: Shape;
  readonly wrapped?: Shape;
}

const TEXT = `array: { name: test, vip: 192.0.2.10 }
proxy: { workers: 1 }
nodes:
  - { id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: eth0 }
  - { id: 1, name: b, address: 192.0.2.12/24, mac: "02:00:00:00:00:0b", interface: eth0 }
pools: [{ name: web, back_ends: [{ key: 1, address: "127.0.0.1:1" }] }]
`;

function paths(...changes: readonly (readonly [string, string])[]): string[] {
  const after = changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  }, TEXT);
  return restartPaths(configOf("before", TEXT), configOf("after", after));
}

Deno.test("restart: each key of the table is one of the schema", () => {
  for (const path of RESTART_KEYS) {
    let shape = schema as Shape;
    for (const step of path.split(".")) {
      while (shape.wrapped) shape = shape.wrapped;
      const next = step === "*" ? shape.item : shape.entries?.[step];
      assert.ok(next, `${path}: the schema has no ${step}`);
      shape = next;
    }
  }
});

Deno.test("restart: what cannot change is named by its path, what can is not", () => {
  assert.deepEqual(paths(["workers: 1", "workers: 2"]), ["proxy.workers"]);
  assert.deepEqual(paths(["vip: 192.0.2.10", "vip: 192.0.2.13, ports: { http: 8080 }"]), [
    "array.vip",
    "array.ports.http",
  ]);
  assert.deepEqual(paths(["0b", "0c"], ["interface: eth0 }\npools", "interface: eth0, weight: 7 }\npools"]), [
    "nodes[b].mac",
  ]);
  assert.deepEqual(
    paths(["proxy: { workers: 1", "control: { push_port: 7609 }\nproxy: { workers: 1, max_body_bytes: 9"]),
    [
      "control.push_port",
    ],
  );
  const [second] = / {2}- \{ id: 1.*\n/.exec(TEXT)!;
  assert.deepEqual(paths([second, ""]), [], "a node that leaves is no change of its keys");
  assert.deepEqual(paths(["key: 1,", "key: 2, weight: 3,"]), []);
});

Deno.test("check --against names them", async () => {
  const dir = await Deno.makeTempDir();
  const [running, next] = [`${dir}/running.yaml`, `${dir}/next.yaml`];
  await Deno.writeTextFile(running, TEXT);
  await Deno.writeTextFile(next, TEXT.replace("workers: 1", "workers: 2"));
  const { code, stdout } = await dlba("check", "--against", running, next);
  assert.equal(code, 0);
  assert.match(stdout, /ok, array test[^\n]*\nneeds a restart: proxy\.workers\n$/);
  const json = await dlba("check", "--json", "--against", running, next);
  assert.deepEqual(JSON.parse(json.stdout).needs_restart, ["proxy.workers"]);
  const missing = await dlba("check", "--against", `${dir}/none.yaml`, next);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /none\.yaml/);
  await Deno.remove(dir, { recursive: true });
});
