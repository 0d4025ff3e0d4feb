/** `deno task setup [MODE]`: installs what the demo and the tests need from Debian's packages. */
import { UsageError } from "../errors.ts";
import { ensureRequirements, type Mode } from "./requirements.ts";

const MODES = ["loopback", "unit", "demo", "test", "bench"] as const satisfies readonly Mode[];

function modeNamed(name: string): Mode {
  const mode = MODES.find((mode) => mode === name);
  if (!mode) throw new UsageError(`No mode ${name}: it is one of ${MODES.join(", ")}`);
  return mode;
}

if (import.meta.main) {
  try {
    ensureRequirements(modeNamed(Deno.args[0] ?? "test"), true);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`setup: ${error.message}`);
    Deno.exit(2);
  }
}
