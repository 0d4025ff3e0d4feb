/** `.ci/run` with a stand-in for npx, whose tasks end as each case says. */
import assert from "node:assert/strict";

const CI = new URL("../../.ci/run", import.meta.url).pathname;

/** @param tasks what each task prints, and its exit code */
async function ci(tasks: Record<"setup" | "ok" | "test", readonly [output: string, code: number]>) {
  const dir = await Deno.makeTempDir();
  const cases = Object.entries(tasks).map(([name, [output, code]]) => `${name}) echo '${output}'; exit ${code};;`);
  await Deno.writeTextFile(`${dir}/npx`, `#!/bin/sh\ncase $4 in\n${cases.join("\n")}\nesac\n`, { mode: 0o755 });
  const { code, stdout } = await new Deno.Command(CI, {
    env: { PATH: `${dir}:${Deno.env.get("PATH")}` },
    stdin: "null",
  }).output();
  await Deno.remove(dir, { recursive: true });
  return { code, last: new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1) };
}

Deno.test(".ci/run ends with its count, and with the exit code of what failed", async () => {
  // When the gate failed, there was no count.
  const fine = ["fine", 0] as const;
  const passed = ["7 passed, 0 failed, 2 skipped", 0] as const;
  const none = "0 passed, 1 failed";
  assert.deepEqual(await ci({ setup: fine, ok: fine, test: passed }), { code: 0, last: passed[0] });
  assert.deepEqual(await ci({ setup: ["no right", 2], ok: fine, test: passed }), { code: 2, last: none });
  assert.deepEqual(await ci({ setup: fine, ok: ["3 passed", 1], test: passed }), { code: 1, last: none });
  assert.deepEqual(await ci({ setup: fine, ok: fine, test: ["6 passed, 1 failed", 1] }), {
    code: 1,
    last: "6 passed, 1 failed",
  });
  assert.deepEqual(await ci({ setup: fine, ok: fine, test: ["no libpcap", 2] }), { code: 2, last: none });
});
