/** A process that holds keys leaves none of its memory in a core dump, wherever those go: proc(5), core(5). */

/** Each bit is a kind of memory that is written: none. */
const NOTHING = "0";

/** From now on, for the whole process. Where /proc does not let it be said nothing changes. */
export function keepMemoryOutOfCoreDumps(): void {
  try {
    Deno.writeTextFileSync("/proc/self/coredump_filter", NOTHING, { create: false });
  } catch {
    // Another system, or a /proc that cannot be written.
  }
}
