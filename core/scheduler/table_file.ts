/** `scheduler.tables`: the pcap engine's tables in one mapped file, so that they outlive its process and others read them. */
import { Mapping } from "../../ffi/mapping.ts";
import { Settings } from "./settings.ts";
import { bytesOfAll, consecutive, SchedulerTables } from "./tables.ts";

/** Its name in the run folder. */
export const TABLE_FILE = "scheduler.tables";
/** The engine is one process. */
const ROWS = 1;

/** The engine's: adopts the tables of its predecessor where they fit, and makes empty ones otherwise. */
export function createTableFile(path: string, size: number): SchedulerTables {
  const tables = over(Mapping.create(path, bytesOfAll(size, ROWS)), size);
  tables.adopt();
  return tables;
}

/** A reader's. Throws Deno.errors.NotFound where no engine ever ran, and Error where the file is another's. */
export function openTableFile(path: string): SchedulerTables {
  const mapping = Mapping.open(path);
  const { byteLength } = mapping.buffer;
  const size = byteLength > Settings.BYTES ? new Settings(mapping.buffer, 0).size : 0;
  if (size > 0 && byteLength === bytesOfAll(size, ROWS)) {
    const tables = over(mapping, size);
    if (tables.settings.fits(size, ROWS)) return tables;
  }
  mapping.close();
  throw new Error(`${path} is not a table file of this version of dlba`);
}

function over(mapping: Mapping, size: number): SchedulerTables {
  return new SchedulerTables(consecutive(mapping.buffer, size, ROWS), size, ROWS, () => mapping.close());
}

export function removeTableFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
