import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { Supervisor } from "../../core/node/supervisor.ts";

/** A role made of a shell script. */
function role(script: string) {
  return { name: "role", command: ["sh", "-c", script] };
}

Deno.test("Supervisor.start() resolves once the role prints ready", async () => {
  const supervisor = new Supervisor(() => {}, 12_000);
  assert.equal(await supervisor.start(role("echo starting; echo ready; exec sleep 60")), "ready");
  await supervisor.stop();
});

Deno.test("Supervisor.start() passes on the exit code of a role that cannot start", async () => {
  const supervisor = new Supervisor(() => {}, 12_000);
  assert.equal(await supervisor.start(role("exit 2")), 2);
});

Deno.test("Supervisor.start() is not deceived by a line that only contains ready", async () => {
  const supervisor = new Supervisor(() => {}, 12_000);
  assert.equal(await supervisor.start(role("echo not ready; echo ready or not; exit 3")), 3);
});

Deno.test("Supervisor restarts a role that dies, and logs its exit code", async () => {
  const dir = await Deno.makeTempDir();
  const lines: string[] = [];
  const supervisor = new Supervisor((line) => lines.push(line), 12_000);
  await supervisor.start(role(`echo x >>${dir}/starts; echo ready; sleep 0.05; exit 7`));
  await delay(700);
  await supervisor.stop();
  const starts = (await Deno.readTextFile(`${dir}/starts`)).trim().split("\n").length;
  await Deno.remove(dir, { recursive: true });
  assert.ok(starts >= 2 && starts <= 5, `${starts} starts in 0.7 s with doubling pauses`);
  assert.match(lines[0]!, /^role ended with 7: starts again in 100 ms$/);
  assert.match(lines[1] ?? "in 200 ms", /in 200 ms$/);
});

Deno.test("Supervisor.stop() ends the roles by SIGTERM and starts none again", async () => {
  const dir = await Deno.makeTempDir();
  const supervisor = new Supervisor(() => {}, 12_000);
  await supervisor.start(role(`trap 'echo bye >>${dir}/said; exit 0' TERM; echo ready; while :; do sleep 0.02; done`));
  await supervisor.stop();
  await delay(300);
  assert.equal(await Deno.readTextFile(`${dir}/said`), "bye\n");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a role process dies when its supervisor is killed", async () => {
  const script = `
    import { Supervisor } from ${JSON.stringify(import.meta.resolve("../../core/node/supervisor.ts"))};
    const child = \`import { obeySupervisor, announceReady } from ${
    JSON.stringify(import.meta.resolve("../../core/node/role.ts"))
  };
      obeySupervisor(); console.error(Deno.pid); announceReady(); setInterval(() => {}, 1000);\`;
    await new Supervisor(() => {}).start({ name: "role", command: [Deno.execPath(), "eval", "--quiet", child] }, 12_000);
    setInterval(() => {}, 1000);`;
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", script],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const reader = parent.stderr.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value));
  await delay(100);
  assert.ok(await isRunning(pid));
  parent.kill("SIGKILL");
  await parent.status;
  const deadline = performance.now() + 5000;
  while (await isRunning(pid) && performance.now() < deadline) await delay(20);
  assert.equal(await isRunning(pid), false, "the role outlived its supervisor");
  await reader.cancel();
});

async function isRunning(pid: number): Promise<boolean> {
  try {
    return !/^State:\s+Z/m.test(await Deno.readTextFile(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
