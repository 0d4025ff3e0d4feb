/** A PIN that the token refused is not tried again by each process that starts: a token locks after a few wrong ones. */
import { existsSync } from "node:fs";
import { TokenError } from "../../ffi/pkcs11_token.ts";
import { UsageError } from "../errors.ts";

/**
 * Does what needs the PIN, unless the token refused this very file before. Throws UsageError then.
 *
 * @param note where the refusal is remembered; it holds nothing of the PIN
 */
export function tryPinOnce<T>(note: string, pinFile: string, work: () => T): T {
  const state = stateOf(pinFile);
  if (existsSync(note) && Deno.readTextFileSync(note) === state) {
    throw new UsageError(
      `The token refused the PIN in ${pinFile} before: write the right one there, or touch the file`,
    );
  }
  try {
    return work();
  } catch (error) {
    if (isRefusal(error)) Deno.writeTextFileSync(note, state);
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof UsageError && error.cause instanceof TokenError && error.cause.part === "PIN";
}

/** Changes when the file does. */
function stateOf(file: string): string {
  const { ino, mtime } = Deno.statSync(file);
  return `${ino} ${mtime?.getTime()}`;
}
