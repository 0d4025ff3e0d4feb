import assert from "node:assert/strict";
import { checkConfig } from "../../core/config/load.ts";
import { cookieValues } from "../../core/proxy/cookie_values.ts";
import { ArraySecret } from "../../core/secrets/array_secret.ts";

function pool(persistence: string) {
  const { config } = checkConfig(
    "f",
    `array: { name: a, vip: 192.0.2.10 }
nodes: [{ id: 1, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: eth0 }]
pools: [{ name: web, persistence: { session_cookies: [sid]${persistence} }, back_ends: [
  { key: 7, address: "10.0.0.1:80" }, { key: 8, address: "10.0.0.2:80" }] }]`,
  );
  return config!.pools[0]!;
}

async function secretOf(text: string): Promise<ArraySecret> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o600);
  const secret = ArraySecret.load(path);
  await Deno.remove(path);
  return secret;
}

Deno.test("cookieValues() are the keys, or what only the array's secret makes of them", async () => {
  assert.deepEqual([...cookieValues(pool(""), undefined).keys], [["7", 7], ["8", 8]]);
  const file = ArraySecret.newFile();
  const { keys, values } = cookieValues(pool(", opaque: true"), await secretOf(file));
  assert.equal(keys.size, 2);
  for (const [value, key] of keys) {
    assert.match(value, /^[A-Za-z0-9_-]{22}$/);
    assert.equal(values.get(key), value);
  }
  assert.deepEqual(cookieValues(pool(", opaque: true"), await secretOf(file)).keys, keys, "on every node the same");
  assert.ok(!cookieValues(pool(", opaque: true"), await secretOf(ArraySecret.newFile())).keys.has(values.get(7)!));
  assert.ok(!cookieValues(pool(", opaque: true, cookie: Other"), await secretOf(file)).keys.has(values.get(7)!));
});

Deno.test("cookieValues() of a rotated secret are still read, and given out no more", async () => {
  const [before, after] = [ArraySecret.newFile(), ArraySecret.newFile()];
  const old = cookieValues(pool(", opaque: true"), await secretOf(before));
  const rotated = JSON.stringify({ current: JSON.parse(after).current, previous: JSON.parse(before).current });
  const { keys, values } = cookieValues(pool(", opaque: true"), await secretOf(rotated));
  assert.equal(keys.size, 4);
  for (const [value, key] of old.keys) assert.equal(keys.get(value), key);
  assert.notEqual(values.get(7), old.values.get(7));
});
