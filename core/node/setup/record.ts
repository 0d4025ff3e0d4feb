/**
 * What `dlba setup-node` did to this machine, so that it can be taken back whatever the config says by then. One file a machine:
 * a machine is in one array.
 */
import { dirname } from "node:path";
import * as v from "valibot";
import { stateDir } from "../../config/paths.ts";
import { UsageError } from "../../errors.ts";

const change = v.strictObject({
  kind: v.picklist(["guard", "sysctl", "offload", "vip", "group"]),
  of: v.string(),
  /** What is to be restored. */
  before: v.string(),
  /** What was made of it; something else there now is not ours. */
  after: v.string(),
});
const record = v.strictObject({ array: v.string(), changes: v.array(change) });

export type Change = v.InferOutput<typeof change>;
/** The array that the machine was prepared for, and the changes in their order. */
export type SetupRecord = v.InferOutput<typeof record>;

/** Whether both are about the same setting. */
export function sameSetting(one: Pick<Change, "kind" | "of">, other: Pick<Change, "kind" | "of">): boolean {
  return one.kind === other.kind && one.of === other.of;
}

export class RecordFile {
  readonly path = `${stateDir()}/setup-node.json`;

  /** Undefined when nothing was changed. Throws UsageError when the file is not what {@linkcode save} wrote. */
  load(): SetupRecord | undefined {
    try {
      return v.parse(record, JSON.parse(Deno.readTextFileSync(this.path)));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      if (!(error instanceof SyntaxError || error instanceof v.ValiError)) throw error;
      throw new UsageError(
        `${this.path} is damaged: what to restore is unknown. Remove it and reboot: no change of setup-node outlives that`,
      );
    }
  }

  save(record: SetupRecord): void {
    if (record.changes.length === 0) {
      if (this.load()) Deno.removeSync(this.path);
      return;
    }
    Deno.mkdirSync(dirname(this.path), { recursive: true });
    const fresh = `${this.path}.new`;
    Deno.writeTextFileSync(fresh, JSON.stringify(record, null, 2) + "\n");
    Deno.renameSync(fresh, this.path);
  }
}
