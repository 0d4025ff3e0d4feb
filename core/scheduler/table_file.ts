/**
 * `scheduler.tables`: the engine's tables in one mapped file, so that they outlive the engine's process and other processes
 * read them. Written by the engine alone.
 *
 *     header (64 bytes) | buckets | node counts | verdict counts
 */
import { Mapping } from "../../ffi/mapping.ts";
import { BUCKET_BYTES, BucketTable } from "./bucket_table.ts";
import { ChangeLog, type Changes, type Cursor } from "./changes.ts";
import { NodeCounts } from "./node_table.ts";
import { VerdictCounts } from "./verdicts.ts";

/** Its name in the run folder. */
export const TABLE_FILE = "scheduler.tables";

const MAGIC = 0x41424c44; // "DLBA" in the file
const VERSION = 1;
const HEADER_BYTES = 64;
const FIRST_EPOCH = 1;

export class TableFile {
  readonly buckets: BucketTable;
  readonly nodeCounts: NodeCounts;
  readonly verdicts: VerdictCounts;
  #mapping: Mapping;
  #header: Uint32Array;
  #changes: ChangeLog | undefined;

  private constructor(mapping: Mapping, size: number) {
    this.#mapping = mapping;
    this.#header = new Uint32Array(mapping.buffer, 0, HEADER_BYTES / 4);
    let at = HEADER_BYTES;
    this.buckets = new BucketTable(mapping.buffer, at, size);
    this.nodeCounts = new NodeCounts(mapping.buffer, at += size * BUCKET_BYTES);
    this.verdicts = new VerdictCounts(mapping.buffer, at + NodeCounts.BYTES);
  }

  /** The engine's: adopts the tables of its predecessor where they fit, and makes empty ones otherwise. */
  static create(path: string, size: number): TableFile {
    const bytes = HEADER_BYTES + size * BUCKET_BYTES + NodeCounts.BYTES + VerdictCounts.BYTES;
    const file = new TableFile(Mapping.create(path, bytes), size);
    if (!file.#fits(size)) {
      file.buckets.clear();
      file.#header.set([MAGIC, VERSION, size, FIRST_EPOCH]);
    }
    return file;
  }

  /** A reader's. Throws Deno.errors.NotFound where no engine ever ran, and Error where the file is another's. */
  static open(path: string): TableFile {
    const mapping = Mapping.open(path);
    const size = mapping.buffer.byteLength > HEADER_BYTES ? new Uint32Array(mapping.buffer, 0, 3)[2]! : 0;
    const bytes = HEADER_BYTES + size * BUCKET_BYTES + NodeCounts.BYTES + VerdictCounts.BYTES;
    if (mapping.buffer.byteLength === bytes) {
      const file = new TableFile(mapping, size);
      if (file.#fits(size)) return file;
    }
    mapping.close();
    throw new Error(`${path} is not a table file of this version of dlba`);
  }

  #fits(size: number): boolean {
    return this.#header[0] === MAGIC && this.#header[1] === VERSION && this.#header[2] === size;
  }

  get epoch(): number {
    return this.#header[3]!;
  }

  /** What changed in the Client IP Hash Table since the cursor; everything when the cursor is unknown. */
  changesSince(cursor: Cursor | undefined): Changes {
    // A process that keeps no log from before numbers its versions anew: a cursor of another log means nothing here.
    this.#changes ??= new ChangeLog(this.buckets, this.epoch, crypto.getRandomValues(new Uint32Array(1))[0]!);
    return this.#changes.changesSince(cursor);
  }

  /** The tables must not be touched afterwards. */
  close(): void {
    this.#mapping.close();
  }
}
