/** Reads a file that an operator names. */

/** Longest file, bytes: the config of 256 nodes and 1,000 back ends needs a tenth. */
const MAX_BYTES = 1_048_576;

/** The message says what was found in place of a readable file. */
export class Unreadable extends Error {
  override name = "Unreadable";
}

/** The text of a regular file in UTF-8. Throws {@linkcode Unreadable}. */
export function readText(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readBytes(file));
  } catch (error) {
    throw error instanceof Unreadable ? error : new Unreadable(why(error), { cause: error });
  }
}

/** The content of a regular file. Throws {@linkcode Unreadable}. */
export function readBytes(file: string): Uint8Array<ArrayBuffer> {
  try {
    // First, since opening a FIFO waits for its writer, and a device may never end.
    const { isFile, isDirectory, size } = Deno.statSync(file);
    if (!isFile) throw new Unreadable(isDirectory ? "a directory" : "no regular file");
    if (size > MAX_BYTES) throw new Unreadable(`${size} bytes, more than ${MAX_BYTES}`);
    return Deno.readFileSync(file);
  } catch (error) {
    throw error instanceof Unreadable ? error : new Unreadable(why(error), { cause: error });
  }
}

function why(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "no right to read it";
  // Of the decoder; the operating system's errors are no TypeErrors.
  if (error instanceof TypeError) return "bytes that are not UTF-8";
  // Without the call and the path, which stand behind the reason.
  return error instanceof Error ? error.message.split(": ")[0]! : String(error);
}
