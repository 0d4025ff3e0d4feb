/**
 * `deno task test`: installs what the tests need, runs every test, and prints `N passed, N failed` as its last line
 * (`, N skipped` follows where end-to-end tests were skipped for want of network namespaces).
 */
import { UsageError } from "../core/errors.ts";
import { whyNoNamespaces } from "../core/lab/namespaces.ts";
import { ensureRequirements } from "../core/lab/requirements.ts";

const SUMMARY = /(\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/;

async function run(paths: readonly string[]): Promise<number> {
  const reason = whyNoNamespaces();
  ensureRequirements(reason ? "unit" : "test", Deno.uid() === 0);
  if (reason) console.error(`test: ${reason}: the end-to-end tests are skipped`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--trace-leaks", ...(paths.length > 0 ? paths : ["tests"])],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let summary: RegExpExecArray | null = null;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    Deno.stdout.writeSync(new TextEncoder().encode(text));
    summary = SUMMARY.exec(text) ?? summary;
  }
  const { code } = await child.status;
  const [passed, failed, skipped] = summary ? summary.slice(1, 4).map((count) => Number(count ?? 0)) : [0, 0, 0];
  // A test file that cannot even be loaded fails the run without being counted.
  const broken = code !== 0 && failed === 0 ? 1 : 0;
  console.log(`${passed} passed, ${failed! + broken} failed${skipped ? `, ${skipped} skipped` : ""}`);
  return code;
}

if (import.meta.main) {
  try {
    Deno.exit(await run(Deno.args));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`test: ${error.message}`);
    Deno.exit(2);
  }
}
