/** How many clients a process can serve with the descriptors that it may have. */

/** For listeners, tables, files of certificates, and idle connections to back ends. */
const RESERVED = 64;
/** A client's own, and that of its back end. */
const A_CLIENT = 2;
/** Where the system does not say. */
const USUAL_LIMIT = 1_024;

/** Most clients at a time; others wait to be accepted, rather than that those who are there find no way to a back end. */
export function mostClients(): number {
  return Math.max(1, Math.floor((openFileLimit() - RESERVED) / A_CLIENT));
}

/** RLIMIT_NOFILE of this process, the soft one: proc_pid_limits(5). */
function openFileLimit(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? USUAL_LIMIT);
}
