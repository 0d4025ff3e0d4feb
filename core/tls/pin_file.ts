/** The PIN of a token, in a file of its own. */
import { readText, Unreadable } from "../config/read.ts";

const GROUP_AND_OTHERS = 0o077;

/** The PIN without the line's end. Throws {@linkcode Unreadable}, which says what was found in place of a file with a PIN. */
export function readPin(file: string): string {
  const pin = readText(file).replace(/\r?\n$/, "");
  const { mode } = Deno.statSync(file);
  if (mode !== null && (mode & GROUP_AND_OTHERS) !== 0) {
    throw new Unreadable("can be read by others than its owner: chmod 600");
  }
  if (pin === "") throw new Unreadable("empty");
  // A C string ends there.
  if (pin.includes("\0")) throw new Unreadable("holds a zero byte");
  return pin;
}
