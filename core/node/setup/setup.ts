/** `dlba setup-node`: prepares a machine for the array, and restores it. */
import { dirname } from "node:path";
import type { Config, NodeConfig } from "../../config/schema.ts";
import { stateDir } from "../../config/paths.ts";
import { Failure, UsageError } from "../../errors.ts";
import { type Runner, type SetupStep, setupSteps } from "./steps.ts";

/** A change that was made, and the command that takes it back. */
interface Change {
  readonly name: string;
  readonly undo: readonly string[];
}

const STATE_FILE = "setup-node.json";

/** Runs a command on this machine. Throws UsageError where the program is missing. */
export const runHere: Runner = ([program, ...args]) => {
  try {
    const output = new Deno.Command(program!, { args, stdin: "null" }).outputSync();
    const text = new TextDecoder();
    return { ok: output.success, stdout: text.decode(output.stdout), stderr: text.decode(output.stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new UsageError(`No ${program} on this machine`);
    throw error;
  }
};

export class NodeSetup {
  #steps: readonly SetupStep[];
  #stateFile: string;

  constructor(config: Config, node: NodeConfig, readonly run: Runner = runHere) {
    this.#steps = setupSteps(config, node);
    this.#stateFile = `${stateDir(config, node)}/${STATE_FILE}`;
  }

  /** The commands of {@linkcode apply} as a shell takes them; changes nothing. */
  dryRun(): string[] {
    return this.#steps.map((step) => `${shell(step.apply)}   # ${step.name} (${step.package})`);
  }

  /**
   * Applies what is not so yet; returns the names of the steps applied. How to restore is written down before each change, and an
   * earlier original is kept. A step that fails takes back those of this call. Throws UsageError.
   */
  apply(): string[] {
    const earlier = this.#changes();
    const made: Change[] = [];
    for (const step of this.#steps) {
      const undo = step.plan(this.run);
      if (undo === undefined) continue;
      made.push({ name: step.name, undo });
      this.#remember([...earlier, ...made.filter(({ name }) => !earlier.some((change) => change.name === name))]);
      const { ok, stderr } = this.run(step.apply);
      if (ok) continue;
      made.pop();
      for (const change of made.reverse()) this.run(change.undo);
      this.#remember(earlier);
      throw new UsageError(
        `Cannot apply ${step.name}: ${shell(step.apply)} said: ${stderr.trim()}. Nothing was changed`,
      );
    }
    return made.map((change) => change.name);
  }

  /** Takes back what {@linkcode apply} did, in the reverse order; returns the names. Throws Failure naming what cannot be. */
  undo(): string[] {
    const changes = this.#changes().reverse();
    const left = changes.filter((change) => !this.run(change.undo).ok);
    this.#remember(left.reverse());
    if (left.length > 0) throw new Failure(`Cannot undo: ${left.map((change) => shell(change.undo)).join("; ")}`);
    return changes.map((change) => change.name);
  }

  #changes(): Change[] {
    try {
      return JSON.parse(Deno.readTextFileSync(this.#stateFile));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  #remember(changes: readonly Change[]): void {
    if (changes.length === 0) {
      if (this.#changes().length > 0) Deno.removeSync(this.#stateFile);
      return;
    }
    Deno.mkdirSync(dirname(this.#stateFile), { recursive: true });
    const fresh = `${this.#stateFile}.new`;
    Deno.writeTextFileSync(fresh, JSON.stringify(changes, null, 2) + "\n");
    Deno.renameSync(fresh, this.#stateFile);
  }
}

function shell(command: readonly string[]): string {
  return command.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}
