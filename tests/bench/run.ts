/**
 * `deno task bench NAME [--json] [--quick]`: our system and its real peers in one run, interleaved. Prints a table of medians with
 * ranges and ratios; with --json the last line is one object. --quick ends within 240 s.
 */
import { UsageError } from "../../core/errors.ts";
import { ensureRequirements } from "../../core/lab/requirements.ts";
import { printReport } from "./report.ts";
import type { Bench } from "./report.ts";

const BENCHES: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  http: () => import("./http/bench.ts"),
  http2: () => import("./http2/bench.ts"),
  tls: () => import("./tls/bench.ts"),
  l4: () => import("./l4/bench.ts"),
  speederize: () => import("./speederize/bench.ts"),
  policy: () => import("./policy/bench.ts"),
  see: () => import("./see/bench.ts"),
  failover: () => import("./failover/bench.ts"),
};

async function main(args: readonly string[]): Promise<void> {
  const [name, ...flags] = args;
  const unknown = flags.find((flag) => flag !== "--json" && flag !== "--quick");
  const load = name === undefined ? undefined : BENCHES[name];
  if (!load || unknown) {
    throw new UsageError(
      `Usage: deno task bench NAME [--json] [--quick]; NAME is one of ${Object.keys(BENCHES).join(", ")}`,
    );
  }
  ensureRequirements("bench", true);
  const { bench } = await load();
  printReport(await bench({ quick: flags.includes("--quick") }), flags.includes("--json"));
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`bench: ${error.message}`);
    Deno.exit(2);
  }
}
