/**
 * Unix sockets of whole messages that carry descriptors from process to process (SCM_RIGHTS): unix(7). Non-blocking; whoever got a
 * descriptor from here closes it once.
 *
 * - `int socket(int domain, int type, int protocol)`: socket(2)
 * - `int bind(int, const struct sockaddr *, socklen_t)`: bind(2); `int listen(int, int)`: listen(2)
 * - `int connect(int, const struct sockaddr *, socklen_t)`: connect(2)
 * - `int accept4(int, struct sockaddr *, socklen_t *, int flags)`: accept4(2)
 * - `ssize_t sendmsg(int, const struct msghdr *, int)`: sendmsg(2); `ssize_t recvmsg(int, struct msghdr *, int)`: recvmsg(2)
 * - `int poll(struct pollfd *, nfds_t, int timeout)`: poll(2)
 * - `int open(const char *path, int flags, mode_t mode)`: open(2); `int close(int)`: close(2)
 */
import { EAGAIN, errno } from "./errno.ts";
import { FAILED, WOULD_BLOCK } from "./socket.ts";

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "u32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const AF_UNIX = 1;
const SOCK_SEQPACKET_NONBLOCK_CLOEXEC = 5 | 0o4000 | 0o2000000;
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const O_PATH_DIRECTORY_CLOEXEC = 0o10000000 | 0o200000 | 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_CTRUNC = 0x8;
const POLLIN = 1;
/** struct sockaddr_un {u16 family; char path[108]} */
const PATH_AT = 2;
const PATH_BYTES = 108;
/** struct msghdr {void *name; u32 namelen; iovec *iov; size_t iovlen; void *control; size_t controllen; int flags} */
const MSGHDR_BYTES = 56;
/** struct cmsghdr {size_t len; int level; int type}, then the descriptors */
const CMSGHDR_BYTES = 16;
/** Most descriptors of a message. */
const MAX_DESCRIPTORS = 64;
const BACKLOG = 4;

/**
 * Runs `call` with the address of a socket file. The folder is reached through its descriptor, because its own path may be longer
 * than an address holds.
 */
function withAddress(path: string, call: (address: Uint8Array<ArrayBuffer>) => number): number {
  const slash = path.lastIndexOf("/");
  const folder = libc.open(new TextEncoder().encode(`${path.slice(0, slash)}\0`), O_PATH_DIRECTORY_CLOEXEC, 0);
  if (folder < 0) return -errno();
  try {
    const address = new Uint8Array(PATH_AT + PATH_BYTES);
    address[0] = AF_UNIX;
    const { read } = new TextEncoder().encodeInto(
      `/proc/self/fd/${folder}${path.slice(slash)}`,
      address.subarray(PATH_AT),
    );
    if (read !== `/proc/self/fd/${folder}${path.slice(slash)}`.length) throw new RangeError(`Path too long: ${path}`);
    return call(address);
  } finally {
    libc.close(folder);
  }
}

function makeSocket(path: string, join: (fd: number, address: Uint8Array<ArrayBuffer>) => number): number {
  return withAddress(path, (address) => {
    const fd = libc.socket(AF_UNIX, SOCK_SEQPACKET_NONBLOCK_CLOEXEC, 0);
    if (fd < 0) return -errno();
    const failed = join(fd, address) < 0 ? errno() : 0;
    if (failed === 0) return fd;
    libc.close(fd);
    return -failed;
  });
}

/** A listening descriptor at a path that is free, or the negated errno. */
export function listenUnix(path: string): number {
  return makeSocket(path, (fd, address) => {
    const bound = libc.bind(fd, address, address.length);
    return bound < 0 ? bound : libc.listen(fd, BACKLOG);
  });
}

/** A descriptor connected to the listener at the path, or the negated errno. */
export function connectUnix(path: string): number {
  return makeSocket(path, (fd, address) => libc.connect(fd, address, address.length));
}

/** The next connection of a listener, or the negated errno. */
export function acceptUnix(listener: number): number {
  const fd = libc.accept4(listener, null, null, SOCK_NONBLOCK_CLOEXEC);
  return fd < 0 ? -errno() : fd;
}

/** Waits up to `ms` until a message or the peer's end is there. */
export function waitReadable(fd: number, ms: number): boolean {
  const pollfd = new Uint8Array(new Int32Array([fd, POLLIN]).buffer); // struct pollfd {int fd; short events; short revents}
  return libc.poll(pollfd, 1, ms) > 0;
}

/** The structures of one sendmsg or recvmsg. They point at each other: one object holds all of them until the call is over. */
class Message {
  readonly header = new Uint8Array(MSGHDR_BYTES);
  readonly #view = new DataView(this.header.buffer);
  readonly #iovec = new Uint8Array(16);
  readonly control: Uint8Array<ArrayBuffer>;

  constructor(readonly bytes: Uint8Array<ArrayBuffer>, descriptors: number) {
    // Aligned to 8 as CMSG_SPACE(3) does.
    this.control = new Uint8Array(descriptors === 0 ? 0 : CMSGHDR_BYTES + 8 * Math.ceil(descriptors / 2));
    const iovec = new DataView(this.#iovec.buffer);
    iovec.setBigUint64(0, pointer(bytes), true);
    iovec.setBigUint64(8, BigInt(bytes.length), true);
    this.#view.setBigUint64(16, pointer(this.#iovec), true);
    this.#view.setBigUint64(24, 1n, true);
    if (descriptors === 0) return;
    this.#view.setBigUint64(32, pointer(this.control), true);
    this.#view.setBigUint64(40, BigInt(this.control.length), true);
  }

  get flags(): number {
    return this.#view.getInt32(48, true);
  }

  get controlLength(): number {
    return Number(this.#view.getBigUint64(40, true));
  }
}

function pointer(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}

/** Sends a message of one byte or more, with copies of the descriptors. False when it cannot be sent now. */
export function sendMessage(fd: number, bytes: Uint8Array<ArrayBuffer>, descriptors: readonly number[]): boolean {
  const message = new Message(bytes, descriptors.length);
  if (descriptors.length > 0) {
    const control = new DataView(message.control.buffer);
    control.setBigUint64(0, BigInt(CMSGHDR_BYTES + 4 * descriptors.length), true);
    control.setInt32(8, SOL_SOCKET, true);
    control.setInt32(12, SCM_RIGHTS, true);
    descriptors.forEach((descriptor, i) => control.setInt32(CMSGHDR_BYTES + 4 * i, descriptor, true));
  }
  return libc.sendmsg(fd, message.header, MSG_NOSIGNAL) === bytes.length;
}

export interface ReceivedMessage {
  /** Bytes put at the start of the buffer; 0 at the peer's end, WOULD_BLOCK or FAILED. */
  readonly count: number;
  /** The receiver's to close. */
  readonly descriptors: readonly number[];
}

/** Receives a message. Throws Error, with every descriptor closed, when it carries more of them than it may. */
export function receiveMessage(fd: number, buffer: Uint8Array<ArrayBuffer>): ReceivedMessage {
  const message = new Message(buffer, MAX_DESCRIPTORS);
  const count = libc.recvmsg(fd, message.header, MSG_CMSG_CLOEXEC);
  if (count < 0) return { count: errno() === EAGAIN ? WOULD_BLOCK : FAILED, descriptors: [] };
  const descriptors: number[] = [];
  if (message.controlLength >= CMSGHDR_BYTES) {
    const control = new DataView(message.control.buffer);
    const end = Number(control.getBigUint64(0, true));
    if (control.getInt32(8, true) === SOL_SOCKET && control.getInt32(12, true) === SCM_RIGHTS) {
      for (let at = CMSGHDR_BYTES; at + 4 <= end; at += 4) descriptors.push(control.getInt32(at, true));
    }
  }
  if (message.flags & MSG_CTRUNC) {
    for (const descriptor of descriptors) libc.close(descriptor);
    throw new Error(`A message with more than ${MAX_DESCRIPTORS} descriptors`);
  }
  return { count, descriptors };
}

/** Closes a descriptor that came from here. */
export function closeUnix(fd: number): void {
  libc.close(fd);
}
