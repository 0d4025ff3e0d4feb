/**
 * libc's errno as a symbol and a sentence. Linux only.
 *
 * - `int *__errno_location(void)`: errno(3)
 * - `char *strerror(int errnum)`: strerror(3)
 */
const libc = Deno.dlopen("libc.so.6", {
  __errno_location: { parameters: [], result: "pointer" },
  strerror: { parameters: ["i32"], result: "pointer" },
});

export const EAGAIN = 11;
export const ENETUNREACH = 101;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;
export const EINPROGRESS = 115;

/** The errno of the last failed call on this thread. Read it at once after the call: any other call may change it. */
export function errno(): number {
  return new Deno.UnsafePointerView(libc.symbols.__errno_location()!).getInt32();
}

/** The C library's sentence for an errno, as "Connection refused". */
export function strerror(code: number): string {
  return new Deno.UnsafePointerView(libc.symbols.strerror(code)!).getCString();
}
