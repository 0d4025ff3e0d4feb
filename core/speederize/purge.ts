/** `dlba speed purge`: an order to every proxy process of the node, and its answers. */
import { delay } from "../delay.ts";
import { Failure, UsageError } from "../errors.ts";
import { orderPurge, purgedBy, readWindows } from "./run_files.ts";

/** A process looks for orders twice a second; one that does not answer in this time, ms, does not run as it should. */
const ANSWERS_WITHIN_MS = 5_000;
const LOOK_MS = 50;

/** Throws UsageError for what is no pattern, Failure where a process does not answer. */
export async function purgePages(
  dir: string,
  pattern: string,
): Promise<{ readonly pages: number; readonly processes: number }> {
  if (!/^[/*][!-~]*$/.test(pattern)) throw new UsageError(`No path pattern: ${pattern}; one is as /shop/* or *`);
  const id = crypto.randomUUID();
  orderPurge(dir, { id, pattern });
  const until = performance.now() + ANSWERS_WITHIN_MS;
  while (true) {
    const pids = [...readWindows(dir).keys()];
    if (pids.length === 0) throw new Failure("No proxy process runs on this node");
    const answers = pids.map((pid) => purgedBy(dir, pid)).filter((purged) => purged?.id === id);
    if (answers.length === pids.length) {
      return { pages: answers.reduce((sum, purged) => sum + purged!.pages, 0), processes: pids.length };
    }
    if (performance.now() > until) {
      throw new Failure(`${pids.length - answers.length} of ${pids.length} processes did not answer`);
    }
    await delay(LOOK_MS);
  }
}
