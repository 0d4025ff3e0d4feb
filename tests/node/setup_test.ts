import assert from "node:assert/strict";
import { loadConfig } from "../../core/config/load.ts";
import type { Config } from "../../core/config/schema.ts";
import { checkSetup } from "../../core/node/setup/check.ts";
import { NodeSetup } from "../../core/node/setup/setup.ts";
import { FakeMachine } from "./fake_machine.ts";

const shop = loadConfig(new URL("../../examples/shop.yaml", import.meta.url).pathname);
const SHOP_MACS = shop.nodes.map((node) => node.mac);

/** The example's config with another VIP, further ones, another name, interface or nodes. */
function changed(
  change: { vip?: string; further?: readonly string[]; name?: string; interface?: string; macs?: readonly string[] },
): Config {
  const array = { ...shop.array, vip: change.vip ?? shop.array.vip, name: change.name ?? shop.array.name };
  const nodes = (change.macs ?? SHOP_MACS).map((mac, id) => ({
    ...shop.nodes[0]!,
    id,
    mac,
    interface: change.interface ?? shop.nodes[0]!.interface,
  }));
  const services = (change.further ?? []).map((vip) => ({ vip, protocol: "udp" as const, ports: [443] }));
  return { ...shop, array, nodes, services };
}

interface Bench {
  readonly machine: FakeMachine;
  readonly stateFile: string;
  apply(config?: Config): string[];
  dryRun(config?: Config): string[];
  undo(): string[];
  check(config?: Config): void;
}

async function withMachine(work: (bench: Bench) => void): Promise<void> {
  const dir = await Deno.makeTempDir();
  Deno.env.set("DLBA_STATE_DIR", dir);
  const machine = new FakeMachine();
  const setup = () => new NodeSetup(machine);
  try {
    work({
      machine,
      stateFile: `${dir}/setup-node.json`,
      apply: (config = shop) => setup().apply(config, config.nodes[0]!),
      dryRun: (config = shop) => setup().dryRun(config, config.nodes[0]!),
      undo: () => setup().undo(),
      check: (config = shop) => checkSetup(config, config.nodes[0]!, machine),
    });
  } finally {
    Deno.env.delete("DLBA_STATE_DIR");
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("setup-node --apply changes what is not so yet, and --undo restores exactly", async () => {
  await withMachine(({ machine, apply, undo, check }) => {
    const before = machine.state();
    assert.deepEqual(apply(), [
      "kernel guard",
      "net.ipv4.conf.all.arp_ignore",
      "net.ipv4.conf.all.arp_announce",
      "net.ipv4.conf.lo.rp_filter",
      "gro of eth0",
      "VIP 192.0.2.10 on lo",
    ]);
    assert.ok(machine.lo.has("192.0.2.10/32"));
    assert.match(machine.guard, /ip daddr 192\.0\.2\.10 ether saddr != \{ 02:00:00:00:00:0a, .*0b, .*0c \} .*drop/);
    assert.match(machine.changes[0]!, /^nft/, "the guard stands before the VIP comes");
    check();
    undo();
    assert.deepEqual(machine.state(), before);
    assert.deepEqual(undo(), [], "a second undo has nothing to do");
  });
});

Deno.test("setup-node --apply twice changes nothing and keeps the first originals", async () => {
  await withMachine(({ machine, apply, undo }) => {
    const before = machine.state();
    apply();
    const after = machine.state();
    assert.deepEqual(apply(), []);
    assert.deepEqual(machine.state(), after);
    undo();
    assert.deepEqual(machine.state(), before);
  });
});

Deno.test("setup-node --apply takes back what it did when a change fails", async () => {
  await withMachine(({ machine, apply, undo }) => {
    const before = machine.state();
    machine.failing = "ethtool -K";
    assert.throws(() => apply(), {
      name: "UsageError",
      message: "Cannot change the gro of eth0: ethtool -K eth0 gro off said: no such thing. Nothing was changed",
    });
    assert.deepEqual(machine.state(), before);
    assert.deepEqual(undo(), []);
  });
});

Deno.test("setup-node --apply looks for every tool before it changes anything", async () => {
  // Without ethtool the guard and the sysctls stayed half applied, and the message named no package.
  await withMachine(({ machine, apply, dryRun, check }) => {
    machine.missing.add("ethtool").add("nft");
    const error = {
      name: "UsageError",
      message: "No nft, ethtool on this machine. As root run: apt-get install -y nftables ethtool",
    };
    for (const work of [apply, dryRun, check]) assert.throws(() => work(), error);
    assert.deepEqual(machine.changes, []);
  });
});

Deno.test("setup-node --apply that fails leaves an earlier apply as it was", async () => {
  // The rollback of a second apply removed the guard that the first had made, and said that nothing was changed.
  await withMachine(({ machine, apply, undo }) => {
    const before = machine.state();
    apply();
    const applied = machine.state();
    machine.failing = "ip addr add";
    const other = changed({ vip: "192.0.2.20", macs: [...SHOP_MACS, "02:00:00:00:00:0d"] });
    assert.throws(() => apply(other), /said: no such thing\. Left changed: VIP 192\.0\.2\.10 on lo$/);
    machine.failing = undefined;
    undo();
    assert.deepEqual(machine.state(), before);

    apply();
    machine.failing = "ip addr add 192.0.2.20/32";
    assert.throws(() => apply(other), /said: no such thing\. Nothing was changed$/);
    assert.deepEqual(machine.state(), applied);
    machine.failing = undefined;
    undo();
    assert.deepEqual(machine.state(), before);
  });
});

Deno.test("setup-node --apply takes back what the config no longer says", async () => {
  // After a change of the VIP both VIPs were on lo, and undo left the first one there.
  await withMachine(({ machine, apply, undo, check }) => {
    const before = machine.state();
    apply();
    const other = changed({ vip: "192.0.2.20" });
    assert.deepEqual(apply(other), ["VIP 192.0.2.10 on lo", "kernel guard", "VIP 192.0.2.20 on lo"]);
    assert.deepEqual([...machine.lo], ["192.0.2.20/32"]);
    assert.match(machine.guard, /ip daddr 192\.0\.2\.20 /);
    check(other);
    undo();
    assert.deepEqual(machine.state(), before);
  });
});

Deno.test("setup-node --apply for another interface, and --undo when it is gone", async () => {
  await withMachine(({ machine, apply, undo }) => {
    apply();
    machine.interface = "eth1";
    machine.offloads.set("generic-receive-offload", "on");
    assert.deepEqual(apply(changed({ interface: "eth1" })), ["kernel guard", "gro of eth1"]);
    machine.interface = "eth0";
    undo();
    assert.equal(machine.lo.size, 0);
    assert.equal(machine.guard, "");
  });
});

Deno.test("setup-node --undo works whatever the array is called now", async () => {
  // The state lay in a folder named after the array: renamed, undo said that there was nothing to do.
  await withMachine(({ machine, apply, undo }) => {
    const before = machine.state();
    apply();
    const renamed = changed({ name: "store" });
    assert.throws(() => apply(renamed), {
      name: "UsageError",
      message:
        "This machine is prepared for the array shop, and it can be in one only. First run: dlba setup-node --undo",
    }, "a second array would replace the guard of the first");
    undo();
    assert.deepEqual(machine.state(), before);
    assert.equal(apply(renamed).length, 6);
  });
});

Deno.test("setup-node --undo after a reboot has nothing left to do", async () => {
  // It tried to remove what was gone, and exited with 1 on every run.
  await withMachine(({ machine, apply, undo }) => {
    apply();
    machine.reboot();
    const before = machine.state();
    assert.deepEqual(undo(), []);
    assert.deepEqual(machine.state(), before);

    apply();
    machine.lo.clear();
    assert.equal(undo().includes("VIP 192.0.2.10 on lo"), false);
    assert.deepEqual(machine.state(), before);
  });
});

Deno.test("setup-node says what to do about a damaged state file", async () => {
  // It printed the stack of a SyntaxError.
  await withMachine(({ apply, undo, dryRun, stateFile }) => {
    for (const text of ['{ "array": ', '{ "array": "shop", "changes": [{ "kind": "rm" }] }']) {
      Deno.writeTextFileSync(stateFile, text);
      for (const work of [apply, undo, dryRun]) {
        assert.throws(() => work(), {
          name: "UsageError",
          message:
            `${stateFile} is damaged: what to restore is unknown. Remove it and reboot: no change of setup-node outlives that`,
        });
      }
    }
  });
});

Deno.test("setup-node --dry-run prints the commands that --apply would run, and runs none", async () => {
  // On a prepared machine it printed them all.
  await withMachine(({ machine, apply, dryRun }) => {
    const lines = dryRun();
    assert.deepEqual(machine.changes, []);
    assert.equal(lines.length, 6);
    assert.match(
      lines[0]!,
      /^nft 'table netdev dlba; delete table netdev dlba; table netdev dlba \{ .*' {3}# kernel guard \(nftables\)$/,
    );
    assert.equal(lines[5], "ip addr add 192.0.2.10/32 dev lo   # VIP 192.0.2.10 on lo (iproute2)");
    apply();
    assert.deepEqual(dryRun(), []);
    machine.mayLook = false;
    assert.match(dryRun().join("\n"), /^nft .*$/, "without the right to look the guard may be missing");
  });
});

Deno.test("checkSetup() tells what it may not see from what is missing", async () => {
  // With CAP_NET_RAW alone, on a prepared machine, the scheduler said that the kernel guard was missing.
  await withMachine(({ machine, apply, check }) => {
    apply();
    machine.mayLook = false;
    assert.throws(() => check(), {
      name: "UsageError",
      message:
        "No right to look at the kernel guard: run as root or with the capabilities CAP_NET_RAW and CAP_NET_ADMIN",
    });
  });
});

Deno.test("checkSetup() finds every setting that is not as the config wants it", async () => {
  // With arp_ignore 0, or with a guard that did not know a new node, the node said that it was ready.
  await withMachine(({ machine, apply, check }) => {
    apply();
    machine.sysctls.set("net.ipv4.conf.all.arp_ignore", "0").set("net.ipv4.conf.all.arp_announce", "0");
    assert.throws(() => check(), {
      message:
        "This machine is not prepared: net.ipv4.conf.all.arp_ignore is 0, net.ipv4.conf.all.arp_announce is 0. " +
        "Run: dlba setup-node --apply",
    });
    apply();
    const guardIsOld = /is not prepared: the kernel guard is for another interface, VIP or set of nodes/;
    for (const macs of [[...SHOP_MACS, "02:00:00:00:00:0d"], SHOP_MACS.slice(0, 1)]) {
      assert.throws(() => check(changed({ macs })), guardIsOld);
      apply(changed({ macs }));
      check(changed({ macs }));
    }
    assert.throws(() => check(changed({ interface: "eth1" })), guardIsOld);
    machine.guard = machine.guard.replace("drop", "accept");
    assert.throws(() => check(changed({ macs: SHOP_MACS.slice(0, 1) })), guardIsOld);
  });
});

Deno.test("setup-node guards further VIPs, puts them on lo, and lets the card take what IPv6 asks them", async () => {
  await withMachine(({ machine, apply, undo, check }) => {
    const before = machine.state();
    // Two of one solicited group.
    const config = changed({ further: ["192.0.2.20", "2001:db8::10", "2001:db8:1::10"] });
    apply();
    assert.throws(
      () => check(config),
      /the kernel guard is for another .*, the VIP 2001:db8::10 is not on lo, .*33:33:ff/,
    );
    assert.deepEqual(apply(config), [
      "kernel guard",
      "VIP 192.0.2.20 on lo",
      "VIP 2001:db8::10 on lo",
      "VIP 2001:db8:1::10 on lo",
      "group 33:33:ff:00:00:10 of eth0",
    ]);
    assert.ok(machine.lo.has("2001:db8::10/128"));
    assert.match(machine.guard, /ip daddr 192\.0\.2\.20 ether saddr != .*\n.*ip6 daddr 2001:db8::10 ether saddr != /);
    check(config);
    assert.deepEqual(apply(config), []);
    machine.guard = machine.guard.replace("02:00:00:00:00:0c", "02:00:00:00:00:0d");
    assert.throws(() => check(config), /is not prepared: the kernel guard is for another/);
    apply(config);
    assert.deepEqual(apply(shop).length, 5);
    check(shop);
    undo();
    assert.deepEqual(machine.state(), before);
  });
});
