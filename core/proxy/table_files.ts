/**
 * The tables of a node's proxy processes, a mapped file each: `serve-<worker>-<pid>.tables` in the run folder. What a process counted
 * outlives it: its file is read on until the next process of that worker has added its counts to its own.
 */
import { Mapping } from "../../ffi/mapping.ts";
import type { Config } from "../config/schema.ts";
import { BackEndTable } from "./back_end_table.ts";

const FILE = /^serve-(\d+)-(\d+)\.tables$/;

interface TableFile {
  readonly path: string;
  readonly worker: number;
  readonly pid: number;
}

function tableFiles(dir: string): TableFile[] {
  const files: TableFile[] = [];
  for (const { name } of Deno.readDirSync(dir)) {
    const match = FILE.exec(name);
    if (match) files.push({ path: `${dir}/${name}`, worker: Number(match[1]), pid: Number(match[2]) });
  }
  return files;
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
  return tableFiles(dir).some(({ pid }) => pid !== Deno.pid && isRunning(pid));
}

/** This process's table, with the counts of those that were this worker before. Throws UsageError where it may not write. */
export function createTable(dir: string, worker: number, config: Config): { mapping: Mapping; table: BackEndTable } {
  const mapping = Mapping.create(`${dir}/serve-${worker}-${Deno.pid}.tables`, BackEndTable.bytes(config));
  const table = new BackEndTable(mapping.buffer);
  table.clear();
  for (const file of tableFiles(dir)) {
    if (file.worker !== worker || isRunning(file.pid)) continue;
    const ended = Mapping.open(file.path);
    Deno.removeSync(file.path);
    if (ended.buffer.byteLength === mapping.buffer.byteLength) {
      const counts = new BackEndTable(ended.buffer);
      if (counts.isOf(config)) table.addCounts(counts);
    }
    ended.close();
  }
  table.begin(config);
  return { mapping, table };
}

/** All tables of a node, for a reader. */
export class ProxyTables {
  #mapped = new Map<string, { readonly mapping: Mapping; readonly table: BackEndTable }>();

  constructor(readonly dir: string, readonly config: Config) {}

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
    for (const { path, pid } of files) {
      const table = this.#open(path);
      // Not begun yet, or rows of another config.
      if (!table?.isOf(this.config)) continue;
      if (!isRunning(pid)) table.clearOpen();
      tables.push(table);
    }
    return tables;
  }

  #open(path: string): BackEndTable | undefined {
    const known = this.#mapped.get(path);
    if (known) return known.table;
    let mapping: Mapping;
    try {
      mapping = Mapping.open(path);
    } catch {
      // Its successor has added it to its own just now.
      return undefined;
    }
    if (mapping.buffer.byteLength !== BackEndTable.bytes(this.config)) {
      mapping.close();
      return undefined;
    }
    const table = new BackEndTable(mapping.buffer);
    this.#mapped.set(path, { mapping, table });
    return table;
  }
}
