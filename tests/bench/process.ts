/** Programs of a bench: pinned to a core, ended again, and what they cost by the kernel's own accounting. */

/** The command line that runs a program on one core. It ends with the process that started it, however that ends. */
export function pinned(core: number, command: readonly string[]): string[] {
  return ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", String(core), ...command];
}

/** Starts a program on one core; its output goes to a file. The process is the program itself: every wrapper execs. */
export function startPinned(core: number, command: readonly string[], log: string): Deno.ChildProcess {
  const script = 'log=$1; shift; exec "$@" >"$log" 2>&1';
  const [program, ...args] = pinned(core, ["sh", "-c", script, "sh", log, ...command]);
  return new Deno.Command(program!, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
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

/** Of the process with this name. Throws Error where there is none. */
export function pidOf(name: string): number {
  for (const entry of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    if (readProc(`${entry.name}/comm`)?.trimEnd() === name) return Number(entry.name);
  }
  throw new Error(`No process ${name}`);
}

/** Fields of /proc/PID/stat from the third on: proc_pid_stat(5). */
function stat(pid: number): string[] | undefined {
  return readProc(`${pid}/stat`)?.split(") ").at(-1)?.split(" ");
}

/** Undefined where the process has ended. */
function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
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

/** Resident bytes of the tree: the sum of Rss in /proc/PID/smaps_rollup, what `top` shows as RES. */
export function residentBytes(tree: readonly number[]): number {
  return tree.reduce((sum, pid) => {
    const kilobytes = /^Rss:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`))![1];
    return sum + Number(kilobytes) * 1024;
  }, 0);
}

/** How many TCP connections stand at this local port, by /proc/net/tcp: proc_pid_net(5). */
export function connectionsAt(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const ESTABLISHED = "01";
  return Deno.readTextFileSync("/proc/net/tcp").split("\n").filter((line) => {
    const [, address, , state] = line.trim().split(/\s+/);
    return address?.endsWith(local) && state === ESTABLISHED;
  }).length;
}

/** Bytes that the peers of all connections at this local port acknowledged so far: ss(8). */
export async function bytesAcknowledged(port: number): Promise<number> {
  const args = ["-Htin", "state", "established", `sport = :${port}`];
  const { stdout } = await new Deno.Command("ss", { args }).output();
  const found = new TextDecoder().decode(stdout).matchAll(/ bytes_acked:(\d+)/g);
  return found.reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

/** Ports of 127.0.0.1 on which nothing listens, below those that connecting sockets take; others may run a bench too. */
export function freePorts(count: number): number[] {
  const ports: number[] = [];
  for (let port = 20_000 + Math.floor(Math.random() * 10_000); ports.length < count; port++) {
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      ports.push(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return ports;
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
