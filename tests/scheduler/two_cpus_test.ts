/** The kernel assigns on two CPUs while user space lets nodes fail and sweeps: every bucket is counted once. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { detachPinned, PinnedProgram } from "../../core/scheduler/pinned_program.ts";
import { arrayOver, testConfig } from "./array.ts";

const SIZE = 4096;
const SECONDS = 1.5;
const NODES = [{ weight: 1 }, { weight: 2 }, { weight: 1 }];

Deno.test({
  name: "IP groups stay exact while two CPUs assign and nodes fail",
  ignore: Deno.uid() !== 0,
  async fn() {
    const folder = await Deno.makeTempDir();
    const pinned = new PinnedProgram(folder, SIZE);
    try {
      const { tables, state, upkeep } = arrayOver(testConfig(NODES, { table_size: SIZE }), pinned.tables);
      const script = new URL("hammer.ts", import.meta.url).pathname;
      const hammers = [0, 1].map((core) =>
        new Deno.Command("taskset", {
          args: [
            "-c",
            String(core),
            Deno.execPath(),
            "run",
            "-A",
            "--no-check",
            script,
            folder,
            String(SIZE),
            String(SECONDS),
          ],
          stdin: "null",
        }).output()
      );
      let running = true;
      const ended = Promise.all(hammers).finally(() => running = false);
      for (let round = 0; running; round++) {
        const node = 1 + round % 2;
        state.setFailed(node, true);
        upkeep.refresh();
        await delay(3);
        state.setFailed(node, false);
        upkeep.refresh();
        await delay(3);
      }
      for (const { success, stdout, stderr } of await ended) {
        assert.ok(success, new TextDecoder().decode(stderr));
        assert.ok(Number(new TextDecoder().decode(stdout)) > 1000);
      }
      const groups = [0, 0, 0];
      for (let bucket = 0; bucket < SIZE; bucket++) {
        const node = tables.buckets.node(bucket);
        if (node >= 0) groups[node]!++;
      }
      assert.deepEqual(NODES.map((_, node) => tables.nodes.groups(node)), groups);
      const { forwarded, self, no_node } = tables.counts.toObject();
      assert.ok(forwarded! > 0 && self! > 0 && no_node === 0);
    } finally {
      pinned.close();
      detachPinned(folder);
    }
  },
});
