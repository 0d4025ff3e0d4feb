/**
 * Epoch, vote and membership on disk. Two slots of {@linkcode SLOT_BYTES} are written in turn, each with a generation and a checksum, so that
 * a write which is torn by a crash leaves the other one; a write returns once it is on the disk (fsync).
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { UsageError } from "../errors.ts";
import type { Durable } from "./machine.ts";

/** 255 members fit; a sector of any disk is no larger. */
const SLOT_BYTES = 4096;
const CHECKSUM_BYTES = 32;
const LENGTH_BYTES = 4;

/** What is kept beside the election's own. */
export interface Kept extends Durable {
  /** Number of the daemon's last start: see envelope.ts. */
  readonly boot: number;
}

interface Stored {
  readonly generation: number;
  readonly kept: Kept;
}

export class DurableFile {
  #file: Deno.FsFile;
  #last: Stored | undefined;

  /** Opens the file, making it and its folder. Throws {@linkcode UsageError} where that cannot be, or both slots are filled with something else. */
  constructor(path: string) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    this.#file = opened(path, folder);
    const slots = [0, 1].map((slot) => this.#read(slot));
    const sound = slots.filter((slot) => slot !== "empty" && slot !== "broken");
    // A first write that was torn had acknowledged nothing yet; a broken slot beside a sound one is the write that was torn.
    if (sound.length === 0 && slots.every((slot) => slot === "broken")) {
      this.#file.close();
      throw new UsageError(
        `${path} is damaged: this node does not know what it voted for. Once it runs nowhere, remove the file`,
      );
    }
    this.#last = sound.sort((one, other) => other.generation - one.generation)[0];
    syncFolder(folder);
  }

  /** Undefined before the first write. */
  get kept(): Kept | undefined {
    return this.#last?.kept;
  }

  /** Returns once it is on the disk. */
  write(kept: Kept): void {
    const generation = (this.#last?.generation ?? 0) + 1, next = { generation, kept };
    this.#file.seekSync((generation % 2) * SLOT_BYTES, Deno.SeekMode.Start);
    writeWhole(this.#file, slotOf(next));
    this.#file.syncDataSync();
    // What failed is written again in the same place: the other slot is the sound one.
    this.#last = next;
  }

  close(): void {
    this.#file.close();
  }

  #read(slot: number): Stored | "empty" | "broken" {
    const bytes = new Uint8Array(SLOT_BYTES);
    this.#file.seekSync(slot * SLOT_BYTES, Deno.SeekMode.Start);
    for (let at = 0; at < SLOT_BYTES;) {
      const read = this.#file.readSync(bytes.subarray(at));
      if (read === null) break;
      at += read;
    }
    return bytes.every((octet) => octet === 0) ? "empty" : storedIn(bytes) ?? "broken";
  }
}

function slotOf(stored: Stored): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(stored));
  if (text.length > SLOT_BYTES - CHECKSUM_BYTES - LENGTH_BYTES) {
    throw new RangeError(`${text.length} bytes do not fit a slot`);
  }
  const bytes = new Uint8Array(SLOT_BYTES);
  new DataView(bytes.buffer).setUint32(CHECKSUM_BYTES, text.length);
  bytes.set(text, CHECKSUM_BYTES + LENGTH_BYTES);
  bytes.set(checksum(bytes.subarray(CHECKSUM_BYTES)));
  return bytes;
}

function storedIn(bytes: Uint8Array): Stored | undefined {
  if (checksum(bytes.subarray(CHECKSUM_BYTES)).compare(bytes.subarray(0, CHECKSUM_BYTES)) !== 0) return undefined;
  const length = new DataView(bytes.buffer).getUint32(CHECKSUM_BYTES);
  const begin = CHECKSUM_BYTES + LENGTH_BYTES;
  return JSON.parse(new TextDecoder().decode(bytes.subarray(begin, begin + length))) as Stored;
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function writeWhole(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

function opened(path: string, folder: string): Deno.FsFile {
  let file: Deno.FsFile | undefined;
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o755 });
    file = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
    takeRoom(file);
    return file;
  } catch (error) {
    file?.close();
    throw new UsageError(`Cannot keep votes in ${path}: ${(error as Error).message}`);
  }
}

/** A disk that is full later has both slots already. */
function takeRoom(file: Deno.FsFile): void {
  const { size } = file.statSync(), total = 2 * SLOT_BYTES;
  if (size >= total) return;
  file.seekSync(size, Deno.SeekMode.Start);
  writeWhole(file, new Uint8Array(total - size));
}

/** The name of a new file is on the disk only then. */
function syncFolder(path: string): void {
  const folder = Deno.openSync(path);
  try {
    folder.syncSync();
  } finally {
    folder.close();
  }
}
