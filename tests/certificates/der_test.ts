import assert from "node:assert/strict";
import { elementsOf, partsIn } from "../../core/certificates/der.ts";
import { run } from "../config/dlba.ts";

Deno.test("elementsOf() gives what stands one behind the other, and refuses what ends early", () => {
  const [first, second] = elementsOf(Uint8Array.of(0x30, 3, 2, 1, 5, 4, 0x81, 1, 7));
  assert.deepEqual([first!.tag, partsIn(first)[0]!.content], [0x30, Uint8Array.of(5)]);
  assert.deepEqual([second!.tag, second!.content, second!.whole.length], [4, Uint8Array.of(7), 4]);
  for (const bytes of [[0x30], [0x30, 1], [0x30, 0x80, 0, 0], [0x30, 0x82, 1], [0x30, 0x84, 0, 0, 0, 1, 5]]) {
    assert.throws(() => elementsOf(Uint8Array.from(bytes)), SyntaxError);
  }
});

Deno.test("processes that serve load no node-forge", async () => {
  // It cost each 80 ms at start and 18 MB.
  for (const role of ["proxy", "status", "scheduler"]) {
    const file = new URL(`../../core/${role}/run.ts`, import.meta.url).pathname;
    const { code, stdout } = await run(Deno.execPath(), ["info", "--json", file]);
    assert.equal(code, 0);
    const { modules } = JSON.parse(stdout) as { modules: { specifier: string }[] };
    assert.ok(modules.length > 5);
    assert.deepEqual(modules.map(({ specifier }) => specifier).filter((name) => /forge/.test(name)), []);
  }
});
