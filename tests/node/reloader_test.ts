import assert from "node:assert/strict";
import { Reloader } from "../../core/node/reloader.ts";
import { Supervisor } from "../../core/node/supervisor.ts";

const VERSION = { number: 7, hash: "00ff", author: "alice", time: 0 };

/** A role that says at each SIGHUP that it runs the version of the run folder. */
function role(dir: string): string[] {
  const script = `
    Deno.addSignalListener("SIGHUP", () => {
      const { version, hash } = JSON.parse(Deno.readTextFileSync("${dir}/version.json"));
      Deno.writeTextFileSync("${dir}/reload/new", JSON.stringify({ version, hash, ok: true, needsRestart: ["proxy.workers"] }));
      Deno.renameSync("${dir}/reload/new", "${dir}/reload/serve-0.json");
    });
    console.log("ready");
    setInterval(() => {}, 1000);`;
  return [Deno.execPath(), "eval", script];
}

Deno.test("Reloader hears of a role what it made of a version, and names one that says nothing", async () => {
  const dir = await Deno.makeTempDir({ prefix: "dlba-test-" });
  const supervisor = new Supervisor(() => {}, 2000);
  const reloader = new Reloader(dir, supervisor);
  try {
    assert.equal(await supervisor.start({ name: "serve 0", command: role(dir) }), "ready");
    await Deno.writeTextFile(`${dir}/version.json`, JSON.stringify({ version: 7, hash: "00ff" }));
    const report = { role: "serve 0", version: 7, hash: "00ff", ok: true, needsRestart: ["proxy.workers"] };
    assert.deepEqual(await reloader.reload(VERSION), [report]);
    assert.deepEqual(reloader.reports(), [report]);
    const hasty = new Reloader(dir, supervisor, 200);
    const [late] = await hasty.reload({ ...VERSION, number: 8 });
    assert.deepEqual([late!.ok, late!.error], [false, "it did not say within 200 ms that it runs version 8"]);
  } finally {
    await supervisor.stop();
    await Deno.remove(dir, { recursive: true });
  }
});
