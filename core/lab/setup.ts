/** `deno task setup`: installs what the demo and the tests need from Debian's packages. */
import { UsageError } from "../errors.ts";
import { ensureRequirements, type Mode } from "./requirements.ts";

if (import.meta.main) {
  const mode = (Deno.args[0] ?? "test") as Mode;
  try {
    ensureRequirements(mode, true);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`setup: ${error.message}`);
    Deno.exit(2);
  }
}
