import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { labsOnThisMachine } from "../../core/lab/lab.ts";
import { dlbaCommand } from "../../core/node/role.ts";

const ignore = Deno.uid() !== 0;

function demo(...flags: string[]): Deno.ChildProcess {
  const [program, ...args] = dlbaCommand(["demo", ...flags]);
  return new Deno.Command(program!, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
}

/** Processes of dlba that run in a lab: those whose command line names its folder. */
function processesOf(prefix: string): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (Deno.readTextFileSync(`/proc/${name}/cmdline`).includes(`dlba-lab/${prefix}`)) count++;
    } catch {
      // It ended meanwhile.
    }
  }
  return count;
}

async function labOf(child: Deno.ChildProcess): Promise<string> {
  const prefix = `dlba-${child.pid}-`;
  for (let i = 0; i < 100 && !(await labsOnThisMachine()).includes(prefix); i++) await delay(50);
  return prefix;
}

async function assertNothingLeft(prefix: string): Promise<void> {
  for (let i = 0; i < 60 && (await labsOnThisMachine()).includes(prefix); i++) await delay(50);
  assert.ok(!(await labsOnThisMachine()).includes(prefix), "namespaces are left");
  for (let i = 0; i < 40 && processesOf(prefix) > 0; i++) await delay(50);
  assert.equal(processesOf(prefix), 0, "processes are left");
}

Deno.test({
  name: "dlba demo --json: every step holds, within 30 s, and nothing is left",
  ignore,
  async fn() {
    const began = performance.now();
    const child = demo("--json");
    const { code, stdout, stderr } = await child.output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(code, 0, text + new TextDecoder().decode(stderr));
    const { ok, steps } = JSON.parse(text.trim().split("\n").at(-1)!);
    assert.equal(ok, true);
    assert.deepEqual(steps.map((step: { name: string }) => step.name), [
      "array starts",
      "five-way path",
      "every node serves",
      "answers bypass the scheduler",
      "one user, one web server",
      "web server killed",
      "node killed",
    ]);
    for (const step of steps) {
      assert.equal(step.ok, true);
      assert.ok(step.evidence.length > 40);
    }
    assert.ok(performance.now() - began < 30_000);
    await assertNothingLeft(`dlba-${child.pid}-`);
  },
});

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
  Deno.test({
    name: `dlba demo ended by ${signal} leaves nothing`,
    ignore,
    async fn() {
      const child = demo();
      const prefix = await labOf(child);
      for (let i = 0; i < 200 && processesOf(prefix) <= 3; i++) await delay(50);
      assert.ok(processesOf(prefix) > 3, "no node runs");
      child.kill(signal);
      const { code } = await child.output();
      assert.notEqual(code, 0);
      await assertNothingLeft(prefix);
    },
  });
}

Deno.test({
  name: "dlba demo --keep leaves an array that answers, and --remove takes it away",
  ignore,
  async fn() {
    const child = demo("--keep");
    const { code, stdout } = await child.output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(code, 0, text);
    const prefix = `dlba-${child.pid}-`;
    try {
      const ask = /^ {2}a request +(.*)$/m.exec(text)![1]!;
      const { stdout: answer } = await new Deno.Command("sh", { args: ["-c", `${ask} -s -m 5`] }).output();
      assert.match(new TextDecoder().decode(answer), /"web":"web[13]"/);
      const show = /^ {2}the tables +(.*)$/m.exec(text)![1]!;
      const { stdout: tables } = await new Deno.Command("sh", { args: ["-c", show] }).output();
      assert.match(new TextDecoder().decode(tables), /^ +1 {2}b .* yes +yes +1$/m, "b was killed by the demo");
    } finally {
      const [program, ...args] = dlbaCommand(["demo", "--remove"]);
      await new Deno.Command(program!, { args }).output();
    }
    await assertNothingLeft(prefix);
  },
});

Deno.test({
  name: "dlba demo without root shows the server role on loopback, and says so",
  ignore,
  async fn() {
    // In a user namespace without a map this process is nobody, and may still read its own files.
    const [program, ...args] = ["unshare", "--user", ...dlbaCommand(["demo", "--json"])];
    const { code, stdout, stderr } = await new Deno.Command(program!, { args, stdin: "null" }).output();
    const said = new TextDecoder().decode(stderr);
    assert.equal(code, 0, said);
    assert.match(said, /namespaces need root; showing the server role alone/);
    const { ok, steps } = JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
    assert.deepEqual([ok, steps.length], [true, 3]);
  },
});
