/** What a demo may leave behind, seen from outside. */
import { labsOnThisMachine } from "../../core/lab/lab.ts";
import { delay } from "../../core/delay.ts";

/** Ids of the processes whose environment has the entry, as `NAME=value`. */
export function processesWith(entry: string): number[] {
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Boolean);
  return pids.filter((pid) => words(pid, "environ").includes(entry));
}

/** The words of a process's command line. */
export function commandLine(pid: number): string[] {
  return words(pid, "cmdline");
}

function words(pid: number, file: string): string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`).split("\0");
  } catch {
    return []; // It ended meanwhile.
  }
}

/**
 * Folder, namespaces and processes of a demo that had `folder` as its TMPDIR. The janitor counts as well: it is to end.
 * @param pid of the demo
 */
export function tracesOf(pid: number, folder: string): string[] {
  return [
    ...labsOnThisMachine().filter((prefix) => prefix.startsWith(`dlba-${pid}-`)),
    ...[...Deno.readDirSync(folder)].map(({ name }) => name),
    ...processesWith(`TMPDIR=${folder}`).map((process) => `process ${process}`),
  ];
}

/** Waits until it holds; false when it does not within 10 s. */
export async function within10s(holds: () => boolean): Promise<boolean> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    if (holds()) return true;
    await delay(50);
  }
  return false;
}
