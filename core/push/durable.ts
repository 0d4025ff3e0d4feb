/** Files that a crash leaves whole: written beside, synced, renamed, the folder synced. */
import { dirname } from "node:path";

/** Bytes between two steps of a write: small, so that a crash may fall between them. */
const PIECE_BYTES = 4096;

/** Called before each call of the system; tests end the process there. */
export type Step = (what: string) => void;

/** Writes a file that only its owner may read: whole or not at all, and on the disk when this returns. */
export function writeDurably(path: string, text: string, step: Step = () => {}): void {
  const fresh = `${path}.new`;
  const bytes = new TextEncoder().encode(text);
  step("open");
  {
    using file = Deno.openSync(fresh, { write: true, create: true, truncate: true, mode: 0o600 });
    for (let at = 0; at < bytes.length;) {
      step("write");
      at += file.writeSync(bytes.subarray(at, at + PIECE_BYTES));
    }
    step("fsync");
    file.syncSync();
  }
  step("rename");
  Deno.renameSync(fresh, path);
  step("fsync folder");
  syncFolder(dirname(path));
  step("written");
}

/** Removes a file that need not be there, durably. */
export function removeDurably(path: string, step: Step = () => {}): void {
  step("remove");
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  step("fsync folder");
  syncFolder(dirname(path));
}

/** Names that were added to the folder, and removed, are so on the disk only then. */
export function syncFolder(path: string): void {
  using folder = Deno.openSync(path);
  folder.syncSync();
}

/** The text of a file; undefined where there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
