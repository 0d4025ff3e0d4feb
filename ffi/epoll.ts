/**
 * Edge-triggered readiness of many descriptors: epoll(7).
 *
 * - `int epoll_create1(int flags)`: epoll_create1(2)
 * - `int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)`: epoll_ctl(2)
 * - `int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)`: epoll_wait(2)
 */
import { errno, strerror } from "./errno.ts";

const libc = Deno.dlopen("libc.so.6", {
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

export const EPOLLIN = 0x1;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLOUT = 0x4;
const EPOLLET = 0x80000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CLOEXEC = 0o2000000;
/** struct epoll_event {u32 events; u64 data}, packed on x86-64. */
const EVENT_BYTES = Deno.build.arch === "x86_64" ? 12 : 16;
const DATA_AT = EVENT_BYTES - 8;
/** Events taken from the kernel at once. */
const BATCH = 512;

export class Epoll {
  #fd: number;
  #event = new DataView(new ArrayBuffer(EVENT_BYTES));
  #eventBytes = new Uint8Array(this.#event.buffer);
  #events = new DataView(new ArrayBuffer(EVENT_BYTES * BATCH));
  #eventsBytes = new Uint8Array(this.#events.buffer);

  constructor() {
    this.#fd = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.#fd < 0) throw new Error(`epoll_create1: ${strerror(errno())}`);
  }

  /**
   * Watches a descriptor for everything, edge-triggered, until it is closed everywhere. `generation` tells it apart from a later
   * descriptor of the same number.
   */
  add(fd: number, generation: number): void {
    this.#event.setUint32(0, (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0, true);
    this.#event.setInt32(DATA_AT, fd, true);
    this.#event.setInt32(DATA_AT + 4, generation, true);
    if (libc.epoll_ctl(this.#fd, EPOLL_CTL_ADD, fd, this.#eventBytes) < 0) {
      throw new Error(`epoll_ctl: ${strerror(errno())}`);
    }
  }

  /** Ends it for a descriptor that another process keeps open: closing alone would not. */
  remove(fd: number): void {
    libc.epoll_ctl(this.#fd, EPOLL_CTL_DEL, fd, this.#eventBytes);
  }

  /** Waits up to `ms` and returns how many events are there; 0 when a signal came first. */
  wait(ms: number): number {
    return Math.max(0, libc.epoll_wait(this.#fd, this.#eventsBytes, BATCH, ms));
  }

  /** Of the event of that index, as the three below. */
  mask(index: number): number {
    return this.#events.getUint32(index * EVENT_BYTES, true);
  }

  fd(index: number): number {
    return this.#events.getInt32(index * EVENT_BYTES + DATA_AT, true);
  }

  generation(index: number): number {
    return this.#events.getInt32(index * EVENT_BYTES + DATA_AT + 4, true);
  }

  close(): void {
    libc.close(this.#fd);
  }
}
