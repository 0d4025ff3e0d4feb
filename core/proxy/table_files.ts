/**
 * The tables of a node's proxy processes, a mapped file each: `serve-<worker>-<pid>-<start>.tables` in the run folder. What a process counted
 * outlives it: its file is read on until the next process of that worker has added its counts to its own.
 */
import { Mapping } from "../../ffi/mapping.ts";
import type { Config } from "../config/schema.ts";
import { BackEndTable } from "./back_end_table.ts";

/** A process of an older version, which this one relieves, wrote no start. */
const FILE = /^serve-(\d+)-(\d+)(?:-(\d+))?\.tables$/;

interface TableFile {
  readonly path: string;
  readonly worker: number;
  readonly pid: number;
  /** As {@linkcode startOf} gives it. */
  readonly start: string | undefined;
}

function tableFiles(dir: string): TableFile[] {
  const files: TableFile[] = [];
  for (const { name } of Deno.readDirSync(dir)) {
    const match = FILE.exec(name);
    if (!match) continue;
    files.push({ path: `${dir}/${name}`, worker: Number(match[1]), pid: Number(match[2]), start: match[3] });
  }
  return files;
}

/** When the process started, in ticks since the system's start: proc_pid_stat(5), field 22. Undefined where none has that number. */
function startOf(pid: number): string | undefined {
  try {
    // The name in field 2 may hold blanks and brackets.
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Whether the one that wrote the file runs: its number may be another process's by now. */
function isWritten({ pid, start }: TableFile): boolean {
  return start === undefined ? isRunning(pid) : startOf(pid) === start;
}

/** A process that has ended writes no more. */
export function isRunning(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}

/** Whether other proxy processes of this node run. */
export function othersServe(dir: string): boolean {
  return tableFiles(dir).some((file) => file.pid !== Deno.pid && isWritten(file));
}

/** This process's table, with the counts of those that were this worker before. Throws UsageError where it may not write. */
export function createTable(dir: string, worker: number, config: Config): { mapping: Mapping; table: BackEndTable } {
  const mapping = Mapping.create(pathOf(dir, worker), BackEndTable.bytes(config));
  const table = new BackEndTable(mapping.buffer);
  table.clear();
  for (const file of tableFiles(dir)) {
    if (file.worker !== worker || isWritten(file)) continue;
    const ended = Mapping.open(file.path);
    Deno.removeSync(file.path);
    table.addCounts(new BackEndTable(ended.buffer), config);
    ended.close();
  }
  table.begin(config);
  return { mapping, table };
}

/** Has this process's table go on with the rows of another config; the file takes the place of the former one. */
export function moveTable(dir: string, worker: number, table: BackEndTable, config: Config): Mapping {
  const path = pathOf(dir, worker);
  const mapping = Mapping.create(`${path}.new`, BackEndTable.bytes(config));
  table.moveTo(mapping.buffer, config);
  Deno.renameSync(`${path}.new`, path);
  table.retire();
  return mapping;
}

function pathOf(dir: string, worker: number): string {
  return `${dir}/serve-${worker}-${Deno.pid}-${startOf(Deno.pid)}.tables`;
}

/** All tables of a node, for a reader. */
export class ProxyTables {
  #mapped = new Map<string, { readonly mapping: Mapping; readonly table: BackEndTable }>();

  constructor(readonly dir: string) {}

  /** Tables of running and of ended processes, as they are now; to be used before the next call. */
  read(): BackEndTable[] {
    const files = tableFiles(this.dir);
    const paths = new Set(files.map(({ path }) => path));
    for (const [path, { mapping }] of this.#mapped) {
      if (paths.has(path)) continue;
      this.#mapped.delete(path);
      mapping.close();
    }
    const tables: BackEndTable[] = [];
    for (const file of files) {
      const table = this.#open(file.path);
      if (!table?.isInUse) continue;
      if (!isWritten(file)) table.clearOpen();
      tables.push(table);
    }
    return tables;
  }

  #open(path: string): BackEndTable | undefined {
    const known = this.#mapped.get(path);
    if (known?.table.isInUse) return known.table;
    // Its process has begun meanwhile, or goes on in another file of that name.
    known?.mapping.close();
    this.#mapped.delete(path);
    let mapping: Mapping;
    try {
      mapping = Mapping.open(path);
    } catch {
      // Its successor has added it to its own just now.
      return undefined;
    }
    const table = new BackEndTable(mapping.buffer);
    this.#mapped.set(path, { mapping, table });
    return table;
  }
}
