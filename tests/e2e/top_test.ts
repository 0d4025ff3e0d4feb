/** `dlba top` in a terminal, on an array of three nodes. */
import assert from "node:assert/strict";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import type { ArrayView } from "../../core/monitor/array_view.ts";
import { ElectedArray } from "./elected_array.ts";
import { Tmux } from "./tmux.ts";

const ignore = whyNoNamespaces() !== undefined;
const NODES = ["a", "b", "c"];
const SMALL = { columns: 80, rows: 24 };
const LARGE = { columns: 200, rows: 60 };

Deno.test({
  name: "dlba top shows the array at any size, a dead node stale, and gives the terminal back",
  ignore,
  async fn(t) {
    const array = await ElectedArray.start(NODES, "pcap");
    const client = array.client;
    const port = array.lab.host("b").address;
    // From one node's port, on a machine that is none of the nodes.
    const top = (...flags: string[]) => client.command(dlbaCommand(["top", ...flags, port])).slice(1);
    try {
      await array.ask(20);

      await t.step("--once --json has what the tables have", async () => {
        const view: ArrayView = JSON.parse(await client.must(dlbaCommand(["top", "--once", "--json", port])));
        const tables = await array.tables(array.owner()!);
        assert.deepEqual([view.array, view.scheduler, view.epoch], [tables.array, tables.scheduler, tables.epoch]);
        assert.deepEqual(
          view.nodes.map(({ name, address, state, ip_groups, weight }) => ({
            name,
            address,
            state,
            ip_groups,
            weight,
          })),
          tables.server_status.map(({ name, address, state, ip_groups, weight }) => ({
            name,
            address,
            state,
            ip_groups,
            weight,
          })),
        );
        assert.equal(view.buckets!.assigned, tables.client_ip_hash_table!.assigned.length);
        assert.equal(view.buckets!.version, tables.client_ip_hash_table!.version);
        assert.ok(view.nodes.every(({ is_stale }) => !is_stale));
      });

      await t.step("with colour: pages, help, another size, and the terminal as it was at the end", async () => {
        await using tmux = await Tmux.start(top(), SMALL, { NO_COLOR: "" });
        const scheduler = array.owner()!;
        const first = await tmux.until(new RegExp(`^${scheduler} +scheduler +active`, "m"));
        assert.match(first, /^test {2}VIP 10\.72\.0\.100 {2}epoch \d+ {2}scheduler [abc] /);
        assert.match(first, /^── events \d+ ─+$/m);
        assert.deepEqual(await tmux.modes(), { cursor: false, alternate: true });
        // deno-lint-ignore no-control-regex
        assert.match(await tmux.screen(true), /\x1b\[32m/);
        await tmux.type("4");
        await tmux.until(/^── buckets: \d+ of \d+ assigned/m);
        await tmux.type("?");
        await tmux.until(/sort by the next column/);
        await tmux.type("x");
        await tmux.type("1");
        await tmux.resize(LARGE);
        await tmux.until(/^node +role .* address$/m);
        await tmux.type("/", "b", "Enter");
        await tmux.until(/── nodes 1, 2 hidden by \/b ─/);
        await tmux.type("q");
        const last = await tmux.until(/^ended with 0$/m);
        assert.match(last, /^before$/m);
        assert.doesNotMatch(last, /VIP/);
        assert.deepEqual(await tmux.modes(), { cursor: true, alternate: false });
      });

      await t.step("without colour; ended by a signal the terminal is as it was", async () => {
        await using tmux = await Tmux.start(top("--no-color"), SMALL, {});
        await tmux.until(/scheduler +active/);
        // deno-lint-ignore no-control-regex
        assert.doesNotMatch(await tmux.screen(true), /\x1b\[(3|4)[0-7]m/);
        Deno.kill(await tmux.pid("top"), "SIGTERM");
        await tmux.until(/^ended with 0$/m);
        assert.deepEqual(await tmux.modes(), { cursor: true, alternate: false });
      });

      await t.step("a node that dies while it is watched is stale within two refreshes", async () => {
        await using tmux = await Tmux.start(top(), SMALL, {});
        const victim = NODES.find((name) => name !== array.owner())!;
        await tmux.until(new RegExp(`^${victim} +server +(active|filling) .* 0s `, "m"));
        await array.lab.host(victim).die();
        const died = performance.now();
        await tmux.until(new RegExp(`^${victim} .*stale \\d+s`, "m"));
        const seconds = (performance.now() - died) / 1000;
        // Two refreshes, and half a one for the way; a loaded machine draws late.
        assert.ok(seconds < 6, `stale after ${seconds} s`);
        await tmux.until(new RegExp(`^${victim} +server +failed`, "m"));
        await tmux.until(new RegExp(`node ${victim} is failed`));
        await tmux.type("q");
        await tmux.until(/^ended with 0$/m);
      });
    } finally {
      await array.lab.close();
    }
  },
});

Deno.test("Terminal is given back by a crash too, and the error is there to read", async () => {
  const module = new URL("../../core/monitor/terminal.ts", import.meta.url).href;
  const crashes = {
    thrown: `setTimeout(() => { throw new Error("a defect"); }, 100)`,
    rejected: `setTimeout(() => Promise.reject(new Error("a defect")), 100)`,
    ended: `setTimeout(() => Deno.exit(1), 100)`,
  };
  for (const [how, crash] of Object.entries(crashes)) {
    const code =
      `const { Terminal } = await import("${module}"); new Terminal(true).enter(); ${crash}; Deno.stdin.read(new Uint8Array(1));`;
    await using tmux = await Tmux.start([Deno.execPath(), "eval", "--no-lock", code], SMALL, {});
    const screen = await tmux.until(/^ended with 1$/m);
    assert.equal(/Error: a defect/.test(screen), how !== "ended", how);
    assert.deepEqual(await tmux.modes(), { cursor: true, alternate: false }, how);
  }
});

Deno.test("dlba top needs a terminal, and names what does without one", async () => {
  const { code, stderr } = await run("top", "127.0.0.1");
  assert.deepEqual([code, stderr], [2, "dlba top needs a terminal: --once prints one look, --json as data\n"]);
});

Deno.test("dlba top --once says when nobody answers, and what a status port looks like", async () => {
  const { code, stderr } = await run("top", "--once", "127.0.0.1:1");
  assert.deepEqual([code, stderr], [1, "No node answers: 127.0.0.1:1: is dlba node running there?\n"]);
  for (const bad of ["1.2.3.4:70000", "::1:x", "[::1", "a b"]) {
    const { code, stderr } = await run("top", "--once", bad);
    assert.deepEqual([code, stderr], [2, `A status port is ADDRESS or ADDRESS:PORT, as 10.0.0.1:7600, found ${bad}\n`]);
  }
});

async function run(...args: string[]) {
  const [program, ...rest] = dlbaCommand(args);
  const { code, stderr } = await new Deno.Command(program!, { args: rest, stdin: "null" }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}
