/** `dlba setup-node`: prepares a machine for the array, and restores it. */
import type { Config, NodeConfig } from "../../config/schema.ts";
import { Failure, UsageError } from "../../errors.ts";
import { type Machine, requireTools, shellText, thisMachine } from "./machine.ts";
import { type Move, movesBack, movesTo, recorded } from "./moves.ts";
import { type Change, RecordFile, sameSetting, type SetupRecord } from "./record.ts";
import { look, type Setting, type Wanted } from "./setting.ts";
import { settingOf, wantedSettings } from "./settings.ts";

export class NodeSetup {
  #file = new RecordFile();

  constructor(readonly machine: Machine = thisMachine) {}

  /**
   * The commands that {@linkcode apply} would run, as a shell takes them; changes nothing. What this process has no right to
   * look at counts as not so yet. Throws UsageError.
   */
  dryRun(config: Config, node: NodeConfig): string[] {
    const wanted = wantedSettings(config, node);
    const moves = movesTo(wanted, this.#recordFor(config, wanted), (setting) => setting.read(this.machine) ?? "unseen");
    return moves.map(({ setting, to }) =>
      `${shellText(setting.command(to))}   # ${setting.name} (${setting.tool.package})`
    );
  }

  /**
   * Takes back what an earlier call did and the config no longer says, then makes what is not so yet; returns the names of the
   * settings changed. What is to be restored is written down before each change. When a change fails, those of this call are
   * taken back. Throws UsageError.
   */
  apply(config: Config, node: NodeConfig): string[] {
    const wanted = wantedSettings(config, node);
    const before = this.#recordFor(config, wanted);
    const moves = movesTo(wanted, before, (setting) => look(this.machine, setting));
    let record = before;
    for (const [index, move] of moves.entries()) {
      if (move.change) this.#file.save(record = recorded(record, move.change));
      const failure = this.#make(move);
      if (failure === undefined) continue;
      const left = moves.slice(0, index).reverse().filter((made) => this.#make(reverse(made)) !== undefined);
      if (left.length === 0) this.#file.save(before);
      throw new UsageError(
        `${failure}. ${left.length === 0 ? "Nothing was changed" : `Left changed: ${names(left).join(", ")}`}`,
      );
    }
    // What was wanted no longer is back, or was gone.
    this.#file.save(withOnly(record, wanted));
    return names(moves);
  }

  /**
   * Takes back what {@linkcode apply} did, whatever the config says now; returns the names of the settings changed.
   * Throws Failure naming what cannot be taken back, which stays recorded.
   */
  undo(): string[] {
    const record = this.#file.load();
    if (!record) return [];
    requireTools(this.machine, record.changes.map((change) => settingOf(change).tool));
    const moves = movesBack(record.changes, (setting) => look(this.machine, setting));
    const failed = moves.flatMap((move) => {
      const failure = this.#make(move);
      return failure === undefined ? [] : [{ ...move, failure }];
    });
    this.#file.save(withOnly(record, failed));
    if (failed.length > 0) throw new Failure(failed.map(({ failure }) => failure).join("\n"));
    return names(moves);
  }

  /** What is recorded of this machine, which must be of this array, and must have the tools. */
  #recordFor({ array }: Config, wanted: readonly Wanted[]): SetupRecord {
    const record = this.#file.load() ?? { array: array.name, changes: [] };
    if (record.array !== array.name) {
      throw new UsageError(
        `This machine is prepared for the array ${record.array}, and it can be in one only. First run: dlba setup-node --undo`,
      );
    }
    requireTools(this.machine, wanted.map(({ setting }) => setting.tool));
    return record;
  }

  /** Returns why it failed. */
  #make({ setting, to }: Move): string | undefined {
    const command = setting.command(to);
    const { ok, stderr } = this.machine.run(command);
    if (ok) return undefined;
    const said = stderr.trim().replaceAll(/\s*\n\s*/g, " ");
    return `Cannot change the ${setting.name}: ${shellText(command)} said: ${said}`;
  }
}

function reverse({ setting, from, to }: Move): Move {
  return { setting, from: to, to: from };
}

/** The record of these settings alone. */
function withOnly(record: SetupRecord, settings: readonly { readonly setting: Setting }[]): SetupRecord {
  const isKept = (change: Change) => settings.some(({ setting }) => sameSetting(setting, change));
  return { ...record, changes: record.changes.filter(isKept) };
}

function names(moves: readonly Move[]): string[] {
  return moves.map(({ setting }) => setting.name);
}
