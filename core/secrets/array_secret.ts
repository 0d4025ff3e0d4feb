/**
 * The array secret: one for all nodes, from which every use derives its own key (HKDF, RFC 5869). Made by `dlba init`, kept
 * outside dlba.yaml, never printed.
 */
import { Buffer } from "node:buffer";
import { hkdfSync, randomBytes } from "node:crypto";
import { readText, Unreadable } from "../config/read.ts";
import { UsageError } from "../errors.ts";
import { keepMemoryOutOfCoreDumps } from "./core_dumps.ts";

const SECRET_BYTES = 32;
const SALT = "dlba array secret";
const GROUP_AND_OTHERS = 0o077;

interface Stored {
  /** Tells generations apart; not secret. */
  readonly id: string;
  /** Base64. */
  readonly secret: string;
}

/** `previous` is still accepted after a rotation, until the next. */
interface KeyFile {
  readonly current: Stored;
  readonly previous?: Stored;
}

export class ArraySecret {
  #current: Stored;
  #previous: Stored | undefined;

  private constructor({ current, previous }: KeyFile) {
    this.#current = current;
    this.#previous = previous;
  }

  /** Text of a new key file. */
  static newFile(): string {
    const current: Stored = {
      id: randomBytes(4).toString("hex"),
      secret: randomBytes(SECRET_BYTES).toString("base64"),
    };
    return JSON.stringify({ current } satisfies KeyFile) + "\n";
  }

  /** Reads a key file. Throws {@linkcode UsageError} when it is missing, malformed, or readable by others. */
  static load(path: string): ArraySecret {
    keepMemoryOutOfCoreDumps();
    const text = readSecretFile(path);
    try {
      const file = JSON.parse(text) as KeyFile;
      for (const key of [file.current, ...(file.previous ? [file.previous] : [])]) {
        if (Buffer.from(key.secret, "base64").length !== SECRET_BYTES) throw new RangeError("wrong length");
      }
      return new ArraySecret(file);
    } catch {
      throw new UsageError(`${path} is not an array secret: restore it from another node of the array`);
    }
  }

  /** Key for one use, named by its label, of `bytes` bytes. */
  derive(label: string, bytes: number): Uint8Array {
    return derive(this.#current, label, bytes);
  }

  /** The same key of the generation before; undefined when the secret was never rotated. */
  derivePrevious(label: string, bytes: number): Uint8Array | undefined {
    return this.#previous && derive(this.#previous, label, bytes);
  }

  /** Of the present generation; may be logged. */
  get id(): string {
    return this.#current.id;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("Deno.customInspect")](): string {
    return "[secret]";
  }
}

function derive({ secret }: Stored, label: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", Buffer.from(secret, "base64"), SALT, label, bytes));
}

/** Text of a file that only its owner may read. Throws {@linkcode UsageError}. */
export function readSecretFile(path: string): string {
  const text = readFile(path);
  const { mode } = Deno.statSync(path);
  if (mode !== null && (mode & GROUP_AND_OTHERS) !== 0) {
    throw new UsageError(`${path} can be read by others than its owner: chmod 600 ${path}`);
  }
  return text;
}

/** Text of a file that `dlba init` made. Throws {@linkcode UsageError}. */
export function readFile(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    if (error.cause instanceof Deno.errors.NotFound) {
      throw new UsageError(`No ${path}: run dlba init, or copy it from another node`);
    }
    throw new UsageError(`Cannot read ${path}: found ${error.message}`);
  }
}
