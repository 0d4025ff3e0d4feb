import assert from "node:assert/strict";
import { loadConfig } from "../../core/config/load.ts";
import { NodeSetup } from "../../core/node/setup/setup.ts";
import type { Runner } from "../../core/node/setup/steps.ts";

const config = loadConfig(new URL("../../examples/shop.yaml", import.meta.url).pathname);
const node = config.nodes[0]!;

/** A machine made of a few settings, that understands the commands of setup-node. */
class FakeMachine {
  readonly sysctls = new Map([
    ["net.ipv4.conf.all.arp_ignore", "0"],
    ["net.ipv4.conf.all.arp_announce", "1"],
    ["net.ipv4.conf.lo.rp_filter", "0"],
  ]);
  readonly offloads = new Map([["generic-receive-offload", "on"], ["large-receive-offload", "off [fixed]"]]);
  readonly lo = new Set<string>();
  guard = "";
  readonly commands: string[] = [];
  /** The command that begins so fails. */
  failing: string | undefined;

  readonly run: Runner = (command) => {
    const text = command.join(" ");
    this.commands.push(text);
    if (this.failing && text.startsWith(this.failing)) return { ok: false, stdout: "", stderr: "no such thing\n" };
    return { ok: true, stdout: this.#answer(text, command), stderr: "" };
  };

  #answer(text: string, command: readonly string[]): string {
    const setting = /^sysctl -qw (\S+)=(.*)$/.exec(text);
    if (setting) this.sysctls.set(setting[1]!, setting[2]!);
    const asked = /^sysctl -n (\S+)$/.exec(text);
    if (asked) return this.sysctls.get(asked[1]!)! + "\n";
    const offload = /^ethtool -K eth0 gro (on|off)$/.exec(text);
    if (offload) this.offloads.set("generic-receive-offload", offload[1]!);
    if (text === "ethtool -k eth0") return [...this.offloads].map(([key, value]) => `${key}: ${value}\n`).join("");
    if (text.startsWith("ip addr add")) this.lo.add(command[3]!);
    if (text.startsWith("ip addr del")) this.lo.delete(command[3]!);
    if (text.startsWith("ip -4 -o addr show")) {
      return [...this.lo].map((ip) => `1: lo    inet ${ip} scope global lo\n`).join("");
    }
    if (command[0] === "nft") this.guard = command[1]!.startsWith("delete") ? "" : command[1]!;
    return "";
  }

  state(): unknown {
    return [[...this.sysctls], [...this.offloads], [...this.lo], this.guard];
  }
}

async function withMachine(work: (machine: FakeMachine, setup: () => NodeSetup) => void): Promise<void> {
  const dir = await Deno.makeTempDir();
  Deno.env.set("DLBA_STATE_DIR", dir);
  const machine = new FakeMachine();
  work(machine, () => new NodeSetup(config, node, machine.run));
  Deno.env.delete("DLBA_STATE_DIR");
  await Deno.remove(dir, { recursive: true });
}

Deno.test("setup-node --apply changes what is not so yet, and --undo restores exactly", async () => {
  await withMachine((machine, setup) => {
    const before = machine.state();
    const applied = setup().apply();
    assert.deepEqual(applied, [
      "kernel guard",
      "net.ipv4.conf.all.arp_ignore",
      "net.ipv4.conf.all.arp_announce",
      "net.ipv4.conf.lo.rp_filter",
      "gro off",
      "VIP on lo",
    ]);
    assert.ok(machine.lo.has("192.0.2.10/32"));
    assert.match(machine.guard, /ip daddr 192\.0\.2\.10 ether saddr != \{ 02:00:00:00:00:0a, .*0b, .*0c \} .*drop/);
    assert.ok(
      machine.commands.findIndex((c) => c.startsWith("nft")) <
        machine.commands.findIndex((c) => c.startsWith("ip addr add")),
      "the guard stands before the VIP comes",
    );
    setup().undo();
    assert.deepEqual(machine.state(), before);
    assert.deepEqual(setup().undo(), [], "a second undo has nothing to do");
  });
});

Deno.test("setup-node --apply twice keeps the first originals", async () => {
  await withMachine((machine, setup) => {
    const before = machine.state();
    setup().apply();
    const after = machine.state();
    assert.deepEqual(setup().apply(), ["kernel guard"], "the guard follows the config's nodes each time");
    assert.deepEqual(machine.state(), after);
    setup().undo();
    assert.deepEqual(machine.state(), before);
  });
});

Deno.test("setup-node --apply takes back what it did when a step fails", async () => {
  await withMachine((machine, setup) => {
    const before = machine.state();
    machine.failing = "ethtool -K";
    assert.throws(() => setup().apply(), {
      name: "UsageError",
      message: "Cannot apply gro off: ethtool -K eth0 gro off said: no such thing. Nothing was changed",
    });
    assert.deepEqual(machine.state(), before);
    assert.deepEqual(setup().undo(), []);
  });
});

Deno.test("setup-node --dry-run prints the commands and runs none", async () => {
  await withMachine((machine, setup) => {
    const lines = setup().dryRun();
    assert.equal(machine.commands.length, 0);
    assert.equal(lines.length, 7);
    assert.match(
      lines[0]!,
      /^nft 'table netdev dlba; delete table netdev dlba; table netdev dlba \{ .*' {3}# kernel guard \(nftables\)$/,
    );
    assert.equal(lines[6], "ip addr add 192.0.2.10/32 dev lo   # VIP on lo (iproute2)");
  });
});
