import assert from "node:assert/strict";
import { netOfLabel, networkLabel, regionLabel } from "../../core/speederize/client_label.ts";

Deno.test("networkLabel() names the /24 or /48, and nothing of the rest", () => {
  assert.match(networkLabel("192.0.2.77"), /^c-[0-9a-f]{8}-192-0-2$/);
  assert.equal(networkLabel("192.0.2.77"), networkLabel("192.0.2.1"));
  assert.match(networkLabel("2001:db8:7:1::5"), /^c-[0-9a-f]{8}-2001-db8-7$/);
  assert.equal(networkLabel("2001:db8:7::"), networkLabel("2001:db8:7:ffff::1"));
  assert.match(networkLabel("::1"), /-0-0-0$/);
});

Deno.test("a label reads back, and what is none does not", () => {
  for (const address of ["192.0.2.77", "10.1.2.3", "2001:db8:7::1"]) {
    const label = networkLabel(address);
    assert.ok(label.length <= 63);
    assert.equal(networkLabel(address).endsWith(netOfLabel(label)!), true);
  }
  assert.equal(netOfLabel("c-00000000-192-0-2"), undefined);
  assert.equal(netOfLabel("www"), undefined);
});

Deno.test("regionLabel() takes the longest network that holds the client", () => {
  const regions = [
    { net: "192.0.0.0/8", region: "world" },
    { net: "192.0.2.0/24", region: "eu-west" },
    { net: "2001:db8::/32", region: "lab" },
  ];
  assert.equal(netOfLabel(regionLabel("192.0.2.9", regions)), "eu-west");
  assert.equal(netOfLabel(regionLabel("192.9.2.9", regions)), "world");
  assert.equal(netOfLabel(regionLabel("2001:db8:1::9", regions)), "lab");
  assert.equal(netOfLabel(regionLabel("10.0.0.1", regions)), "10-0-0");
});
