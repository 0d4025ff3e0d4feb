/** The share of a CPU that this process gets where others want it too. `int setpriority(int which, id_t who, int prio)`: setpriority(2) */
const libc = Deno.dlopen("libc.so.6", {
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
}).symbols;

const PRIO_PROCESS = 0;

/**
 * Sets the nice value, -20 to 19, of each thread that there is; what they start has it too. Does nothing where the right to it
 * (CAP_SYS_NICE) is missing.
 */
export function setNice(nice: number): void {
  // Linux has it by thread, against POSIX.
  for (const { name } of Deno.readDirSync("/proc/self/task")) libc.setpriority(PRIO_PROCESS, Number(name), nice);
}
