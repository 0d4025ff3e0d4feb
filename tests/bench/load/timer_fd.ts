/**
 * A timer as a descriptor, for an epoll set: epoll_wait(2) alone cannot wait less than 1 ms.
 *
 * - `int timerfd_create(int clockid, int flags)`, `int timerfd_settime(int fd, int flags, const struct itimerspec *new_value,
 *   struct itimerspec *old_value)`: timerfd_create(2)
 */
const libc = Deno.dlopen("libc.so.6", {
  timerfd_create: { parameters: ["i32", "i32"], result: "i32" },
  timerfd_settime: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const CLOCK_MONOTONIC = 1;
const TFD_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
/** struct itimerspec {struct timespec it_interval; struct timespec it_value}, each {i64 tv_sec; i64 tv_nsec} */
const ITIMERSPEC_BYTES = 32;
const VALUE_SEC_AT = 16;
const VALUE_NSEC_AT = 24;

export class TimerFd {
  readonly fd: number;
  #spec = new DataView(new ArrayBuffer(ITIMERSPEC_BYTES));
  #specBytes = new Uint8Array(this.#spec.buffer);

  constructor() {
    this.fd = libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK_CLOEXEC);
    if (this.fd < 0) throw new Error("timerfd_create failed");
  }

  /** Readable once after so many ms; what was set before is forgotten. */
  set(ms: number): void {
    const nanoseconds = Math.max(1, Math.round(ms * 1e6));
    this.#spec.setInt32(VALUE_SEC_AT, Math.floor(nanoseconds / 1e9), true);
    this.#spec.setInt32(VALUE_NSEC_AT, nanoseconds % 1e9, true);
    libc.timerfd_settime(this.fd, 0, this.#specBytes, null);
  }

  close(): void {
    libc.close(this.fd);
  }
}
