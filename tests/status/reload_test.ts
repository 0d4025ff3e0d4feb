/** The status daemon as a process, whose config changes under it. */
import assert from "node:assert/strict";
import { loadConfig } from "../../core/config/load.ts";
import { dlbaCommand, READY } from "../../core/node/role.ts";
import { BackEndControl, backEndControlFile } from "../../core/proxy/back_end_control.ts";
import { eventually } from "../proxy/eventually.ts";

const ADDRESS = "127.0.0.91", PORT = 17_691;

interface Wish {
  readonly backEnds: readonly number[];
  readonly check: boolean;
  readonly nodes: number;
}

function textOf({ backEnds, check, nodes }: Wish): string {
  return JSON.stringify({
    array: { name: "test", vip: "126.0.0.90" },
    control: { status_port: PORT },
    failover: { coordination: "none" },
    nodes: Array.from({ length: nodes }, (_, id) => ({
      id,
      name: `n${id}`,
      address: `127.0.0.${91 + id}/1`,
      mac: `02:00:00:00:00:0${id}`,
      interface: "eth0",
    })),
    pools: [{
      name: "p",
      // Nobody listens there.
      back_ends: backEnds.map((key) => ({ key, address: `127.0.0.99:${key}` })),
      ...(check ? { check: { type: "tcp", interval: "100ms", timeout: "100ms", rise: 1, fall: 1 } } : {}),
    }],
  });
}

Deno.test("statusd takes nodes, back ends and checks up at SIGHUP; who watches goes on watching", async () => {
  const dir = await Deno.makeTempDir();
  const file = `${dir}/dlba.yaml`;
  await Deno.writeTextFile(file, textOf({ backEnds: [1, 2], check: true, nodes: 1 }));
  const [program, ...args] = dlbaCommand(["statusd", "--config", file, "--node", "n0"]);
  const child = new Deno.Command(program!, {
    args,
    env: { DLBA_RUN_DIR: dir },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const stdout = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    assert.ok((await stdout.read()).value?.includes(READY));
    const ask = async (path: string) => await (await fetch(`http://${ADDRESS}:${PORT}${path}`)).json();
    const isDown = () => {
      const config = loadConfig(file);
      const control = new BackEndControl(
        Deno.readFileSync(`${dir}/test/n0/${backEndControlFile(config)}`).buffer,
        config,
      );
      assert.ok(control.isBegun);
      return config.pools[0]!.back_ends.map((_, row) => control.isDown(row));
    };
    const take = async (wish: Wish) => {
      await Deno.writeTextFile(file, textOf(wish));
      child.kill("SIGHUP");
      await eventually(async () => {
        const { server_status, back_ends } = await ask("/overview");
        assert.equal(server_status.length, wish.nodes);
        assert.deepEqual(back_ends.map(({ key }: { key: number }) => key), wish.backEnds);
      }, 10_000);
    };
    await eventually(() => assert.deepEqual(isDown(), [true, true]), 10_000);
    const events = (await fetch(`http://${ADDRESS}:${PORT}/watch`)).body!.getReader();
    await take({ backEnds: [2, 3, 4], check: true, nodes: 3 });
    await eventually(() => assert.deepEqual(isDown(), [true, true, true]), 10_000);
    await eventually(async () => {
      const { ok, needsRestart } = JSON.parse(await Deno.readTextFile(`${dir}/test/n0/reload/statusd.json`));
      assert.deepEqual({ ok, needsRestart }, { ok: true, needsRestart: [] });
    }, 10_000);
    // What the checks found counts no longer where there is no check.
    await take({ backEnds: [2, 3, 4], check: false, nodes: 2 });
    await eventually(() => assert.deepEqual(isDown(), [false, false, false]), 10_000);
    await Deno.writeTextFile(file, "nodes: 1");
    child.kill("SIGHUP");
    await eventually(async () => {
      assert.equal(JSON.parse(await Deno.readTextFile(`${dir}/test/n0/reload/statusd.json`)).ok, false);
    }, 10_000);
    assert.equal((await ask("/overview")).server_status.length, 2);
    let seen = "";
    await eventually(async () => {
      const { value, done } = await events.read();
      assert.ok(!done, "the stream of events ended");
      seen += new TextDecoder().decode(value);
      assert.match(seen, /event: view/);
    }, 10_000);
    await events.cancel();
  } finally {
    child.kill("SIGTERM");
    assert.equal((await child.status).code, 0);
    await stdout.cancel();
    await Deno.remove(dir, { recursive: true });
  }
});
