/** kill -9 at every step of stage and commit: each time exactly one whole version is in force, and none that was is lost. */
import assert from "node:assert/strict";
import { VersionStore } from "../../core/push/version_store.ts";
import { FACTOR } from "../soak.ts";

/** With `deno task soak` all of 100, which is more than there are steps. */
const SEEDS = Math.min(100, 36 * FACTOR);
const WORKER = new URL("crash_worker.ts", import.meta.url).pathname;

Deno.test("a node that is killed at any step of a push has one whole version, the one before or the new one", async () => {
  const dir = await Deno.makeTempDir({ prefix: "dlba-test-" });
  try {
    const total = Number(/after (\d+) calls/.exec((await work(dir, 1, -1)).said)![1]);
    assert.ok(total > 15, `${total} steps`);
    let last = 1, isStaged: boolean = false;
    for (let seed = 0; seed < SEEDS; seed++) {
      // What the one before left staged is removed first, in two steps.
      const steps: number = total + (isStaged ? 2 : 0);
      const at = SEEDS > steps ? seed % steps : Math.floor(seed * (steps - 1) / (SEEDS - 1));
      const { said, signal } = await work(dir, last + 1, at);
      assert.equal(signal, "SIGKILL", `step ${at}: ${said}`);
      const store = new VersionStore(dir), { current } = store;
      assert.ok(current, `step ${at}`);
      assert.ok(current.number === last || current.number === last + 1, `step ${at}: ${current.number} after ${last}`);
      // What was in force is: the hash of each was checked as it was read.
      assert.equal(current.text, `version ${current.number}\n`.repeat(2000));
      assert.deepEqual(
        store.history().map(({ number }) => number),
        Array.from({ length: current.number }, (_, i) => i + 1),
      );
      last = current.number;
      isStaged = store.staged !== undefined;
    }
    assert.ok(last > 1, "no kill came after the rename of a commit");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

async function work(dir: string, number: number, at: number) {
  const args = ["run", "-A", "--no-check", WORKER, dir, String(number), String(at)];
  const { stdout, stderr, signal } = await new Deno.Command(Deno.execPath(), { args }).output();
  const text = new TextDecoder();
  return { said: text.decode(stdout) + text.decode(stderr), signal };
}
