import assert from "node:assert/strict";
import { ArraySecret } from "../../core/secrets/array_secret.ts";
import { ArrayTicketKeys, ROTATION_MS } from "../../core/tls/ticket_keys.ts";

async function secretOf(text: string): Promise<ArraySecret> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o600);
  const secret = ArraySecret.load(path);
  await Deno.remove(path);
  return secret;
}

Deno.test("ArrayTicketKeys are the same on every node, and others for another secret", async () => {
  const text = ArraySecret.newFile();
  const [one, other] = [await secretOf(text), await secretOf(text)].map((secret) =>
    new ArrayTicketKeys(secret, () => 1e12)
  );
  assert.deepEqual(one!.current, other!.current);
  assert.deepEqual([one!.current.name.length, one!.current.aes.length, one!.current.hmac.length], [16, 32, 32]);
  const foreign = new ArrayTicketKeys(await secretOf(ArraySecret.newFile()), () => 1e12);
  assert.notDeepEqual(foreign.current.name, one!.current.name);
  assert.equal(foreign.find(one!.current.name), undefined);
});

Deno.test("ArrayTicketKeys accept a ticket for one rotation after its key's, and from a clock that is ahead", async () => {
  const secret = await secretOf(ArraySecret.newFile());
  let now = 1e12;
  const keys = new ArrayTicketKeys(secret, () => now);
  const { name } = keys.current;
  assert.equal(keys.find(name), keys.current);
  now += ROTATION_MS;
  assert.notDeepEqual(keys.current.name, name);
  assert.ok(keys.find(name), "one rotation later");
  now += ROTATION_MS;
  assert.equal(keys.find(name), undefined, "two rotations later");
  now -= 3 * ROTATION_MS;
  assert.ok(keys.find(name), "a node whose clock is behind");
});

Deno.test("ArrayTicketKeys accept tickets of the secret before its rotation", async () => {
  const old = JSON.parse(ArraySecret.newFile()).current;
  const { current } = JSON.parse(ArraySecret.newFile());
  const before = new ArrayTicketKeys(await secretOf(JSON.stringify({ current: old })), () => 1e12);
  const after = new ArrayTicketKeys(await secretOf(JSON.stringify({ current, previous: old })), () => 1e12);
  assert.ok(after.find(before.current.name));
  assert.notDeepEqual(after.current.name, before.current.name);
});
