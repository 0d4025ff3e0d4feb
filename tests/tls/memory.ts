/**
 * The TLS tests under valgrind, for the soak: no access to memory that is not ours or was freed, no byte used before it was written,
 * nothing of OpenSSL lost. V8 compiles nothing meanwhile, since valgrind would follow each new piece of code.
 */
import assert from "node:assert/strict";

/** Those that keep OpenSSL in this process: a proxy process of its own would run outside. */
const TESTS = ["handshakes", "error_queue", "want_write"].map((name) => `tests/tls/${name}_test.ts`);
/** Waits are so many times as long. */
const SLOWNESS = 20;
/** Deno itself loses a few bytes at its end. */
const OURS = /lib(ssl|crypto)\.so/;
/** OpenSSL keeps random generators for a thread, until that says that it ends: Deno's do not. */
const OF_THREAD = /RAND_get0_p/;

/** What valgrind says of a program's memory where OpenSSL is concerned, an error each; and of any program's wrong accesses. */
async function errorsOf(args: readonly string[]): Promise<string[]> {
  const log = await Deno.makeTempFile();
  const { code } = await new Deno.Command("valgrind", {
    args: [
      ...["--smc-check=all-non-file", "--leak-check=full", "--show-leak-kinds=definite", "--num-callers=40"],
      `--log-file=${log}`,
      Deno.execPath(),
      ...args,
    ],
    env: { DLBA_TEST_SLOWNESS: String(SLOWNESS), DLBA_SOAK: "1" },
  }).spawn().status;
  const text = (await Deno.readTextFile(log)).replaceAll(/^==\d+== ?/gm, "");
  await Deno.remove(log);
  assert.equal(code, 0, `${args.join(" ")} under valgrind`);
  assert.match(text, /ERROR SUMMARY/);
  const errors = text.split("\n\n").filter((error) => /^ +at 0x/m.test(error));
  return errors.filter((error) => {
    return !/ lost in loss record /.test(error) || (OURS.test(error) && !OF_THREAD.test(error));
  });
}

export async function checkMemory(): Promise<void> {
  const flags = ["-A", "--no-check", "--v8-flags=--jitless"];
  const found = await errorsOf(["run", ...flags, new URL("leaky.ts", import.meta.url).pathname]);
  assert.ok(found.some((error) => / lost in loss record /.test(error)), "a lost SSL object is seen");
  assert.ok(found.some((error) => /^Invalid read/m.test(error)), "a read of a freed one is seen");
  assert.deepEqual(await errorsOf(["test", ...flags, ...TESTS]), []);
}

if (import.meta.main) await checkMemory();
