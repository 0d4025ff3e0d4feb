import assert from "node:assert/strict";
import { configOf } from "../../core/config/load.ts";
import { BackEndControl } from "../../core/proxy/back_end_control.ts";

function config(...ports: number[]) {
  const list = ports.map((port) => `{ key: ${port}, address: "127.0.0.1:${port}" }`);
  return configOf(
    "dlba.yaml",
    `array: { name: test, vip: 192.0.2.10 }
nodes: [{ id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: lo }]
pools: [{ name: web, back_ends: [${list.join(", ")}] }]
`,
  );
}

Deno.test("control: what was found out of back ends that stay holds under another list of them", () => {
  const [before, after] = [config(1, 2), config(3, 2)];
  const buffer = new ArrayBuffer(BackEndControl.bytes(before));
  const old = new BackEndControl(buffer, before);
  const reader = new BackEndControl(buffer, before);
  old.begin();
  old.setUp(0, false);
  old.setUp(1, false);
  old.setFraction(1, 0.5);
  old.setAddress(1, 7);
  old.setFailed([4]);
  assert.equal(reader.isDown(1), true);
  const next = new ArrayBuffer(BackEndControl.bytes(after));
  reader.moveTo(next, after);
  assert.deepEqual([reader.isBegun, reader.isDown(1)], [false, false], "nobody has written there yet");
  new BackEndControl(next, after).begin(old);
  assert.deepEqual([reader.isDown(0), reader.isDown(1), reader.fraction(1), reader.address(1)], [false, true, 0.5, 7]);
  assert.equal(reader.hasFailed(4), true);
  assert.equal(reader.isDown(2), false, "a back end that has left");
  assert.equal(new BackEndControl(buffer, before).isBegun, false, "the former file says nothing any more");
});
