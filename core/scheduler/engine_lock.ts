/** One engine a node: two would each send every frame on. A lock of a file in the run folder, which the system frees with its process. */
import { delay } from "../delay.ts";
import { UsageError } from "../errors.ts";

const FILE = "scheduler.lock";
/** A predecessor that was told to end may not have yet. */
const WAIT_MS = 3000;
const LOOK_MS = 20;

/**
 * Held until it is disposed of.
 * @param dir the node's run folder, which exists
 * Throws UsageError where another process holds it, or this one may not write there.
 */
export async function lockEngine(dir: string, node: string): Promise<Disposable> {
  const file = open(`${dir}/${FILE}`);
  for (const end = performance.now() + WAIT_MS; !file.tryLockSync(true); await delay(LOOK_MS)) {
    if (performance.now() < end) continue;
    file.close();
    throw new UsageError(`A scheduler of node ${node} runs on this machine already: end that one first`);
  }
  return file;
}

function open(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, create: true, mode: 0o644 });
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new UsageError(`No right to write ${path}: run as root, or set DLBA_RUN_DIR to a folder of yours`);
  }
}
