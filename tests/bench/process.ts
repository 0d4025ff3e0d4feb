/** Programs of a bench: pinned to a core, ended again, and what they cost by the kernel's own accounting. */

/** Starts a program on one core; its output goes to a file. */
export function startPinned(core: number, command: readonly string[], log: string): Deno.ChildProcess {
  const script = 'log=$1; shift; exec "$@" >"$log" 2>&1';
  const args = ["-c", String(core), "sh", "-c", script, "sh", log, ...command];
  return new Deno.Command("taskset", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
}

export async function stop(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGTERM");
  } catch {
    // It ended by itself.
  }
  await child.status;
}

/** The process and all its descendants. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(stat(Number(name))?.[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Fields of /proc/PID/stat from the third on: proc_pid_stat(5). */
function stat(pid: number): string[] | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
  } catch {
    return undefined;
  }
}

/** CPU nanoseconds that the tree's threads ran so far, user and system, by the scheduler's clock. */
export function cpuNanoseconds(tree: readonly number[]): number {
  let sum = 0;
  for (const pid of tree) {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      try {
        sum += Number(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ")[0]);
      } catch {
        // A thread that ended between the two reads.
      }
    }
  }
  return sum;
}

/** Resolves once something listens on the port. Throws after 10 s. */
export async function untilListening(port: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(`Nothing listens on port ${port}`);
}
