/** A host of the laboratory: a network namespace with one interface, `eth0`. */

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Host {
  /** @param namespace as `ip netns` names it; @param address first address of eth0, without prefix length */
  constructor(
    readonly name: string,
    readonly namespace: string,
    readonly address: string,
    readonly mac: string,
    readonly logFile: string,
    /** Marks the processes of the lab. */
    readonly lab: { readonly env: Record<string, string> },
  ) {}

  /**
   * The command line that runs `args` in this host. nsenter keeps /sys as it is, `ip netns exec` remounts it. In a session of its
   * own, as on another machine: Ctrl-C is for this process, which ends the others.
   */
  command(args: readonly string[]): string[] {
    return ["setsid", "nsenter", `--net=/run/netns/${this.namespace}`, ...args];
  }

  /** Runs a command to its end, whatever its exit code. */
  async run(args: readonly string[], env: Record<string, string> = {}): Promise<Output> {
    const [program, ...rest] = this.command(args);
    const output = await new Deno.Command(program!, { args: rest, env: { ...env, ...this.lab.env }, stdin: "null" })
      .output();
    const text = new TextDecoder();
    return { code: output.code, stdout: text.decode(output.stdout), stderr: text.decode(output.stderr) };
  }

  /** As {@linkcode run}, but an exit code other than 0 throws, with what the command printed. */
  async must(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, env);
    if (code !== 0) {
      throw new Error(`${args.join(" ")} in ${this.name} exited with ${code}: ${(stderr || stdout).trim()}`);
    }
    return stdout;
  }

  /**
   * Starts a command that outlives this call; it writes to the host's log file.
   * The process is the command itself (every wrapper execs), so its id is the one to signal.
   */
  start(args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
    const redirect = ["sh", "-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", this.logFile];
    const [program, ...rest] = this.command([...redirect, ...args]);
    return new Deno.Command(program!, {
      args: rest,
      env: { ...env, ...this.lab.env },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** What the host's processes wrote so far. */
  log(): string {
    try {
      return Deno.readTextFileSync(this.logFile);
    } catch {
      return "";
    }
  }

  /** Ids of the host's processes: of all, or of those that run a role. */
  async pids(role?: string): Promise<number[]> {
    const { stdout } = await new Deno.Command("ip", { args: ["netns", "pids", this.namespace] }).output();
    const all = new TextDecoder().decode(stdout).split("\n").filter(Boolean).map(Number);
    return role === undefined ? all : all.filter((pid) => hasArgument(pid, role));
  }

  /** Machine death: the link goes down and every process of the host is killed. */
  async die(): Promise<void> {
    await this.must(["ip", "link", "set", "eth0", "down"]);
    for (const pid of await this.pids()) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself meanwhile.
      }
    }
  }
}

/** False for a process that has ended. */
function hasArgument(pid: number, argument: string): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").includes(argument);
  } catch {
    return false;
  }
}
