/** The boot clock: it counts while the machine sleeps, and no one sets it. `int clock_gettime(clockid_t, struct timespec *)`: clock_gettime(2) */
const libc = Deno.dlopen("libc.so.6", {
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
}).symbols;

const CLOCK_BOOTTIME = 7;
const timespec = new BigInt64Array(2);
const timespecBytes = new Uint8Array(timespec.buffer);

/** Seconds since the machine started, whole. */
export function bootSeconds(): number {
  libc.clock_gettime(CLOCK_BOOTTIME, timespecBytes);
  return Number(timespec[0]);
}

/** Milliseconds since the machine started. */
export function bootMilliseconds(): number {
  libc.clock_gettime(CLOCK_BOOTTIME, timespecBytes);
  return Number(timespec[0]) * 1000 + Number(timespec[1]) / 1e6;
}
