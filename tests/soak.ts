/**
 * `deno task soak`: the property tests with many more cases, and the demo again and again. `DLBA_SOAK` is the factor by which each property
 * gets more cases than in the everyday run; this module applies it, and is to be imported by every file with properties.
 */
import fc from "fast-check";
import { checkMemory } from "./tls/memory.ts";

export const FACTOR = Number(Deno.env.get("DLBA_SOAK") ?? 1);
/** What fast-check runs by default. */
const DEFAULT_CASES = 100;

fc.configureGlobal({ numRuns: DEFAULT_CASES * FACTOR });

/** Cases of a property that wants another number than the default. */
export function cases(count: number): { readonly numRuns: number } {
  return { numRuns: count * FACTOR };
}

if (import.meta.main) {
  const rounds = 20;
  await run([
    "test",
    "-A",
    "--no-check",
    "tests/config",
    "tests/scheduler",
    "tests/proxy",
    "tests/http2",
    "tests/status",
    "tests/tls",
    "tests/failover",
    "tests/push",
  ]);
  await checkMemory();
  for (let round = 1; round <= rounds; round++) await run(["run", "-A", "main.ts", "demo", "--json"]);
  console.log(`soak: properties with ${FACTOR} times the cases and ${rounds} demos held`);
}

async function run(args: readonly string[]): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...args] }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
