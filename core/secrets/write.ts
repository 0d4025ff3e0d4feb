/** Writes what an array keeps secret. */
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../errors.ts";

/** Writes a file that only its owner may read, whole or not at all. Throws {@linkcode UsageError}. */
export function writeSecret(path: string, text: string): void {
  makeFolder(dirname(path));
  const fresh = `${path}.new`;
  try {
    // What an interrupted run or somebody else left there would keep its mode and its owner.
    rmSync(fresh, { force: true });
    using file = Deno.openSync(fresh, { write: true, createNew: true, mode: 0o600 });
    file.writeSync(new TextEncoder().encode(text));
    file.syncSync();
    Deno.renameSync(fresh, path);
  } catch (error) {
    throw asUsageError(`Cannot write ${path}`, error);
  }
}

function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const isFile = error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotADirectory;
    throw isFile
      ? new UsageError(`Cannot make the folder ${folder}: a file is in its way`)
      : asUsageError(`Cannot make the folder ${folder}`, error);
  }
}

/** Whatever the operating system refuses is for the operator to mend. */
function asUsageError(what: string, error: unknown): unknown {
  return error instanceof Error && "code" in error ? new UsageError(`${what}: ${error.message}`) : error;
}
