/** The machine as `dlba setup-node` uses it: by its programs alone. */
import { UsageError } from "../../errors.ts";
import { hasProgram } from "../../programs.ts";

export type Command = readonly string[];

export interface Result {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Machine {
  has(program: string): boolean;
  /** Runs a command to its end. */
  run(command: Command): Result;
}

/** A program, and Debian's package that brings it. */
export interface Tool {
  readonly program: string;
  readonly package: string;
}

export const thisMachine: Machine = {
  has: hasProgram,
  run([program, ...args]) {
    // Messages are looked at, so they must be in one language.
    const output = new Deno.Command(program!, { args, env: { LC_ALL: "C" }, stdin: "null" }).outputSync();
    const text = new TextDecoder();
    return { ok: output.success, stdout: text.decode(output.stdout), stderr: text.decode(output.stderr) };
  },
};

/** Throws UsageError, with the command that installs them, unless the machine has all of the tools. */
export function requireTools(machine: Machine, tools: readonly Tool[]): void {
  const missing = tools.filter(({ program }) => !machine.has(program));
  if (missing.length === 0) return;
  const programs = new Set(missing.map((tool) => tool.program));
  const packages = new Set(missing.map((tool) => tool.package));
  throw new UsageError(
    `No ${[...programs].join(", ")} on this machine. As root run: apt-get install -y ${[...packages].join(" ")}`,
  );
}

/** A command as a shell takes it. */
export function shellText(command: Command): string {
  return command.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}
