/**
 * Shared memory: a file mapped into this process, so that several processes see the same typed arrays. Linux only.
 *
 * - `int open(const char *path, int flags, mode_t mode)`: open(2)
 * - `void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)`: mmap(2)
 * - `int munmap(void *addr, size_t length)`: munmap(2)
 * - `int close(int fd)`: close(2)
 */
import { UsageError } from "../core/errors.ts";
import { errno, strerror } from "./errno.ts";

const libc = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  munmap: { parameters: ["pointer", "usize"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffffffffffffffffn;

export class Mapping {
  #pointer: Deno.PointerObject | null;

  private constructor(pointer: Deno.PointerObject, readonly buffer: ArrayBuffer) {
    this.#pointer = pointer;
  }

  /**
   * Maps `path` as `bytes` bytes, making the file (mode 0644: the status daemon of another user may read it) and its folder
   * where they are missing. An existing file of that size keeps its content; one of another size is replaced, and whoever
   * has mapped the old one keeps the old one. Throws UsageError where it may not write.
   */
  static create(path: string, bytes: number): Mapping {
    try {
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      if (sizeOf(path) !== bytes) makeFile(path, bytes);
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
      throw new UsageError(`No right to write ${path}: run as root, or set DLBA_RUN_DIR to a folder of yours`);
    }
    return Mapping.open(path);
  }

  /** Maps an existing file whole. Throws Deno.errors.NotFound, or Error with the system's reason. */
  static open(path: string): Mapping {
    const bytes = Deno.statSync(path).size;
    const fd = libc.open(new TextEncoder().encode(`${path}\0`), O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) throw new Error(`Cannot open ${path}: ${strerror(errno())}`);
    try {
      return Mapping.ofDescriptor(fd, bytes, path);
    } finally {
      libc.close(fd);
    }
  }

  /**
   * Maps what an open descriptor stands for, called `name` in messages; the mapping needs the descriptor no longer.
   * Throws Error with the system's reason.
   */
  static ofDescriptor(fd: number, bytes: number, name: string): Mapping {
    const pointer = libc.mmap(null, BigInt(bytes), PROT_READ_WRITE, MAP_SHARED, fd, 0n);
    const failure = Deno.UnsafePointer.value(pointer) === MAP_FAILED ? errno() : 0;
    if (failure !== 0) throw new Error(`Cannot map ${name}: ${strerror(failure)}`);
    return new Mapping(pointer!, Deno.UnsafePointerView.getArrayBuffer(pointer!, bytes));
  }

  /**
   * Unmaps. No view of {@linkcode buffer} may be touched afterwards: that would end the process by SIGSEGV. A second
   * call does nothing.
   */
  close(): void {
    if (this.#pointer === null) return;
    libc.munmap(this.#pointer, BigInt(this.buffer.byteLength));
    this.#pointer = null;
  }
}

/** All zero; takes the place of another file at once. */
function makeFile(path: string, bytes: number): void {
  const fresh = `${path}.${Deno.pid}`;
  const file = Deno.openSync(fresh, { write: true, create: true, truncate: true, mode: 0o644 });
  file.truncateSync(bytes);
  file.close();
  Deno.renameSync(fresh, path);
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return -1;
  }
}
