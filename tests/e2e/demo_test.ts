import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { labsOnThisMachine } from "../../core/lab/lab.ts";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import type { ArrayView } from "../../core/monitor/array_view.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import type { TablesReport } from "../../core/status/tables.ts";
import { commandLine, processesWith, tracesOf, within10s } from "./traces.ts";

const ignore = whyNoNamespaces() !== undefined;

interface Run {
  readonly code: number;
  /** The last line. */
  readonly json: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A demo with a TMPDIR of its own; `setsid` makes it the first of its process group, as a shell does. */
class Demo implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly #child: Deno.ChildProcess;
  readonly ended: Promise<Run>;
  /** On its stdout so far. */
  #said = "";

  constructor(flags: readonly string[], wrapper: readonly string[] = []) {
    this.#child = new Deno.Command("setsid", {
      args: [...wrapper, ...dlbaCommand(["demo", ...flags])],
      env: { TMPDIR: this.folder },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stderr = new Response(this.#child.stderr).text();
    this.ended = this.#readSaid().then(async () => {
      const { code } = await this.#child.status;
      return { code, stdout: this.#said, stderr: await stderr, json: this.#said.trim().split("\n").at(-1)! };
    });
  }

  async #readSaid(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) this.#said += decoder.decode(bytes, { stream: true });
  }

  async untilSaid(text: string): Promise<void> {
    assert.ok(await within10s(() => this.#said.includes(text)), `no ${text} in: ${this.#said}`);
  }

  get prefix(): string {
    return `dlba-${this.#child.pid}-`;
  }

  /** To the process alone. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** As a terminal does: to the whole process group. */
  async interrupt(): Promise<void> {
    await new Deno.Command("kill", { args: ["-INT", "--", `-${this.#child.pid}`] }).output();
  }

  async untilNodesRun(): Promise<void> {
    const runs = (role: string) =>
      processesWith(`DLBA_LAB=${this.prefix}`).some((pid) => commandLine(pid).includes(role));
    assert.ok(await within10s(() => runs("scheduler")), "no scheduler runs");
  }

  traces(): string[] {
    return tracesOf(this.#child.pid, this.folder);
  }

  async assertNothingLeft(): Promise<void> {
    await within10s(() => this.traces().length === 0);
    assert.deepEqual(this.traces(), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It ended.
    }
    await this.ended;
    await Deno.remove(this.folder, { recursive: true });
  }
}

for (const [flags, engine] of [[[], "xdp, generic"], [["--engine", "pcap"], "pcap"]] as const) {
  Deno.test({
    name: `${["dlba demo --json", ...flags].join(" ")}: every step holds, within 30 s, and nothing is left`,
    ignore,
    async fn() {
      const began = performance.now();
      await using demo = new Demo(["--json", ...flags]);
      const { code, stdout, stderr, json } = await demo.ended;
      assert.equal(code, 0, stdout + stderr);
      const { ok, steps } = JSON.parse(json);
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
      assert.ok(steps[0].evidence.includes(`(engine ${engine})`), steps[0].evidence);
      assert.ok(performance.now() - began < 30_000);
      await demo.assertNothingLeft();
    },
  });
}

/** From before the first line of the program to the first steps, ms. */
const MOMENTS = [50, 100, 150, 200, 250, 300, 350, 400, 500, 600, 800, 1000, 1200, 1500, 1800];
const SIGNALS = ["SIGKILL", "SIGTERM", "SIGINT"] as const;

for (const flags of [[], ["--loopback"]]) {
  Deno.test({
    name: `${["dlba demo", ...flags].join(" ")} killed at any moment leaves nothing`,
    ignore: ignore && flags.length === 0,
    async fn() {
      // `dlba init` outlived its parent and made the folder with the keys again; the loopback demo had no janitor.
      const demos: Demo[] = [];
      await using stack = new AsyncDisposableStack();
      for (const [index, moment] of MOMENTS.entries()) {
        const demo = stack.use(new Demo(flags));
        demos.push(demo);
        await delay(moment);
        demo.kill(SIGNALS[index % SIGNALS.length]!);
        assert.notEqual((await demo.ended).code, 0, `after ${moment} ms`);
      }
      for (const demo of demos) await demo.assertNothingLeft();
      // Nor does anything come back.
      await delay(1500);
      for (const demo of demos) assert.deepEqual(demo.traces(), []);
    },
  });
}

for (const signal of SIGNALS) {
  Deno.test({
    name: `dlba demo whose nodes run, ended by ${signal}, leaves nothing`,
    ignore,
    async fn() {
      await using demo = new Demo([]);
      await demo.untilNodesRun();
      demo.kill(signal);
      assert.notEqual((await demo.ended).code, 0);
      await demo.assertNothingLeft();
    },
  });
}

Deno.test({
  name: "dlba demo: Ctrl-C is one line and exit code 130",
  ignore,
  async fn() {
    // It printed the steps that failed because their processes were killed, and a stack.
    for (const [flags, steps] of [[["--json"], 0], [[], 1]] as const) {
      await using demo = new Demo(flags);
      await demo.untilNodesRun();
      if (steps > 0) await demo.untilSaid("✓ array starts");
      await demo.interrupt();
      const { code, stdout, stderr } = await demo.ended;
      assert.equal(code, 130);
      assert.equal(stderr, "interrupted\n");
      if (steps === 0) assert.deepEqual(JSON.parse(stdout), { ok: false, steps: [] });
      else {
        assert.match(stdout, /^✓ array starts$/m);
        assert.doesNotMatch(stdout, /✗|did not hold/);
      }
      await demo.assertNothingLeft();
    }
  },
});

Deno.test({
  name: "dlba demo --keep leaves an array that answers, and --remove takes it and no other away",
  ignore,
  async fn() {
    // With --json nothing was said of looking around; node b and web2 were left dead; --remove killed a demo that ran.
    await using kept = new Demo(["--keep", "--json"]);
    const { code, stderr, json } = await kept.ended;
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(json).ok, true);
    const remove = async () => {
      const [program, ...args] = dlbaCommand(["demo", "--remove"]);
      return new TextDecoder().decode((await new Deno.Command(program!, { args }).output()).stdout);
    };
    try {
      assert.match(stderr, /^The array stays up; web2 and b, killed by the demo, run again\. Look around:$/m);
      const ask = /^ {2}a request +(.*)$/m.exec(stderr)![1]!;
      const webs = new Set<string>();
      for (let i = 0; i < 12; i++) {
        const { stdout: answer } = await new Deno.Command("sh", { args: ["-c", `${ask} -s -m 5`] }).output();
        webs.add(JSON.parse(new TextDecoder().decode(answer)).web);
      }
      assert.deepEqual([...webs].sort(), ["web1", "web2", "web3"]);
      const show = /^ {2}the tables +(.*)$/m.exec(stderr)![1]!;
      const { stdout: tables } = await new Deno.Command("sh", { args: ["-c", show] }).output();
      assert.match(new TextDecoder().decode(tables), /^ +1 {2}b .* (active|filling) +1$/m);

      const watch = /^ {2}watch it +(.*)$/m.exec(stderr)![1]!;
      const data = async (command: string): Promise<string> =>
        new TextDecoder().decode((await new Deno.Command("sh", { args: ["-c", command] }).output()).stdout);
      const seen: ArrayView = JSON.parse(await data(`${watch} --once --json`));
      const told: TablesReport = JSON.parse(await data(`${show} --json`));
      const rowsOf = (rows: readonly { pool: string; key: number; hits: number; cookie_groups: number }[]) =>
        rows.map(({ pool, key, hits, cookie_groups }) => ({ pool, key, hits, cookie_groups }));
      assert.deepEqual(rowsOf(seen.back_ends), rowsOf(told.web_server_summary!));
      assert.deepEqual(
        seen.nodes.map(({ name, hits }) => [name, hits]),
        told.server_status.map(({ name, hits }) => [name, hits]),
      );

      await using running = new Demo([]);
      await running.untilNodesRun();
      assert.match(await remove(), /^Removed: \d+ \(left alone: \d+ in use\)\n$/);
      assert.ok(labsOnThisMachine().includes(running.prefix));
    } finally {
      await remove();
    }
    await kept.assertNothingLeft();
  },
});

const noUserNamespaces = !new Deno.Command("unshare", { args: ["--user", "true"] }).outputSync().success;
const noSetpriv = Deno.uid() !== 0;

for (
  const [who, reason, wrapper, ignore] of [
    // In a user namespace without a map this process is nobody, and may still read its own files.
    ["without root", "network namespaces need root", ["unshare", "--user"], noUserNamespaces],
    [
      "as root without CAP_SYS_ADMIN",
      "network namespaces cannot be made here: this root lacks CAP_SYS_ADMIN, as in a container",
      ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"],
      noSetpriv,
    ],
  ] as const
) {
  Deno.test({
    name: `dlba demo ${who} shows the server role on loopback, and says so`,
    ignore,
    async fn() {
      // Root in a plain container got a stack; --keep was ignored without a word.
      await using demo = new Demo(["--json", "--keep"], wrapper);
      const { code, stderr, json } = await demo.ended;
      assert.equal(code, 0, stderr);
      assert.ok(stderr.includes(`demo: ${reason}; showing the server role alone on 127.0.0.1 (--loopback)\n`), stderr);
      assert.match(stderr, /^demo: --keep needs network namespaces; nothing will stay up$/m);
      const { ok, steps } = JSON.parse(json);
      assert.deepEqual([ok, steps.length], [true, 3]);
    },
  });
}
