/**
 * The file system in which BPF maps and links are pinned. Linux only.
 *
 * - `int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)`: mount(2)
 * - `int umount2(const char *target, int flags)`: umount2(2)
 * - `int statfs(const char *path, struct statfs *buf)`: statfs(2)
 */
import { UsageError } from "../core/errors.ts";
import { errno, strerror } from "./errno.ts";

const libc = Deno.dlopen("libc.so.6", {
  mount: { parameters: ["buffer", "buffer", "buffer", "u32", "pointer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  statfs: { parameters: ["buffer", "buffer"], result: "i32" },
}).symbols;

const BPF_FS_MAGIC = 0xcafe4a11;
const STATFS_BYTES = 120; // struct statfs {long f_type; ...}
const MNT_DETACH = 2;

/** Whether a BPF file system is mounted there. */
export function isBpffs(path: string): boolean {
  const statfs = new Uint8Array(STATFS_BYTES);
  return libc.statfs(cString(path), statfs) === 0 && new DataView(statfs.buffer).getUint32(0, true) === BPF_FS_MAGIC;
}

/** Mounts one, readable by root alone, unless it is there. /sys/fs/bpf will not do: `ip netns exec` hides it. Throws UsageError. */
export function mountBpffs(path: string): void {
  Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  if (isBpffs(path)) return;
  if (libc.mount(cString("bpf"), cString(path), cString("bpf"), 0, null) === 0) return;
  throw new UsageError(`Cannot mount a BPF file system at ${path}: ${strerror(errno())}`);
}

/** Takes it away with all that is pinned in it. */
export function unmountBpffs(path: string): void {
  if (!isBpffs(path)) return;
  libc.umount2(cString(path), MNT_DETACH);
  Deno.removeSync(path);
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
