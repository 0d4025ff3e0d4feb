/**
 * Ties a child process to its supervisor. Linux only.
 *
 * - `int prctl(int op, unsigned long arg2, ...)`: PR_SET_PDEATHSIG(2const)
 * - `pid_t getppid(void)`: getppid(2)
 */
import { errno, strerror } from "./errno.ts";

const PR_SET_PDEATHSIG = 1;
const SIGTERM = 15;

/**
 * Makes the kernel send SIGTERM to this process when its parent dies, so that a killed supervisor leaves no orphan.
 * Returns false when the parent is already gone: the caller ends itself. Throws Error where the kernel refuses.
 */
export function dieWithParent(parentPid: number): boolean {
  const libc = Deno.dlopen("libc.so.6", {
    prctl: { parameters: ["i32", "u64"], result: "i32" },
    getppid: { parameters: [], result: "i32" },
  });
  try {
    if (libc.symbols.prctl(PR_SET_PDEATHSIG, BigInt(SIGTERM)) !== 0) throw new Error(`prctl: ${strerror(errno())}`);
    return libc.symbols.getppid() === parentPid;
  } finally {
    libc.close();
  }
}
