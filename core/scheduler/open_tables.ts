/** The tables of the engine that runs, or ran last, on a node: for readers. */
import { PIN_FOLDER } from "./pinned_program.ts";
import { openTableFile, TABLE_FILE } from "./table_file.ts";
import { openPinnedTables } from "./table_maps.ts";
import type { SchedulerTables } from "./tables.ts";

/** Undefined where no engine ever ran. Throws Error where what is there is of another version. */
export function openTables(dir: string): SchedulerTables | undefined {
  if (identityOf(pinOf(dir)) !== undefined) return openPinnedTables(`${dir}/${PIN_FOLDER}`);
  return identityOf(fileOf(dir)) === undefined ? undefined : openTableFile(fileOf(dir));
}

/** Keeps the tables open for one who reads often, and opens them anew when another engine, or one of another size, made its own. */
export class TablesReader {
  #dir: string;
  #tables: SchedulerTables | undefined;
  /** Path and inode. */
  #identity: string | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** As {@linkcode openTables}; not to be closed, nor kept. */
  current(): SchedulerTables | undefined {
    const identity = identityOf(pinOf(this.#dir)) ?? identityOf(fileOf(this.#dir));
    if (identity === this.#identity) return this.#tables;
    this.#tables?.close();
    // Where they cannot be opened, it is tried again.
    this.#tables = this.#identity = undefined;
    this.#tables = openTables(this.#dir);
    this.#identity = identity;
    return this.#tables;
  }
}

function pinOf(dir: string): string {
  return `${dir}/${PIN_FOLDER}/settings`;
}

function fileOf(dir: string): string {
  return `${dir}/${TABLE_FILE}`;
}

function identityOf(path: string): string | undefined {
  try {
    return `${path} ${Deno.statSync(path).ino}`;
  } catch {
    return undefined;
  }
}
