/**
 * Sends many frames of one buffer by one interface in one system call. Linux only.
 *
 * - `int socket(int domain, int type, int protocol)`: socket(2), packet(7)
 * - `int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)`: bind(2)
 * - `int setsockopt(int, int, int, const void *, socklen_t)`: setsockopt(2)
 * - `unsigned int if_nametoindex(const char *ifname)`: if_nametoindex(3)
 * - `int sendmmsg(int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags)`: sendmmsg(2)
 * - `int close(int fd)`: close(2)
 */
import { errno, strerror } from "./errno.ts";

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  // The messages by their address, which grows where some are sent already.
  sendmmsg: { parameters: ["i32", "pointer", "u32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const AF_PACKET = 17;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_PACKET = 263;
const PACKET_QDISC_BYPASS = 20;
/** struct sockaddr_ll {u16 family, protocol; int ifindex; u16 hatype; u8 pkttype, halen; u8 addr[8]} */
const SOCKADDR_BYTES = 20;
/** struct iovec {void *base; size_t len} */
const IOVEC_BYTES = 16;
/**
 * struct mmsghdr {struct msghdr {void *name; u32 namelen; struct iovec *iov; size_t iovlen; ...} msg_hdr; u32 msg_len}. No name: the socket is
 * bound, and the kernel neither copies an address nor looks the interface up for each frame.
 */
const MESSAGE_BYTES = 64;
const WORD = 2 ** 32;

export class FrameSender {
  #fd: number;
  /** The kernel reads the two, and {@linkcode frames}, by their address: they are held as long as this is. */
  #messages: Uint32Array;
  #messagesAt: bigint;
  /** A pointer to them: one made at each sending would be garbage. */
  #allMessages: Deno.PointerValue;
  #iovecs: Uint32Array;
  /** Address of {@linkcode frames}, in two words: a remainder of numbers above 32 bits costs more than all else here. */
  #framesLow: number;
  #framesHigh: number;
  #count = 0;
  #capacity: number;

  /**
   * @param frames hold what is sent; @param capacity frames of a batch
   */
  constructor(readonly frames: Uint8Array<ArrayBuffer>, interfaceName: string, capacity: number) {
    // Protocol 0: it hears nothing.
    this.#fd = libc.socket(AF_PACKET, SOCK_RAW_CLOEXEC, 0);
    if (this.#fd < 0) throw new Error(`socket: ${strerror(errno())}`);
    if (libc.bind(this.#fd, socketAddress(interfaceName), SOCKADDR_BYTES) < 0) {
      const reason = strerror(errno());
      this.close();
      throw new Error(`bind to ${interfaceName}: ${reason}`);
    }
    libc.setsockopt(this.#fd, SOL_PACKET, PACKET_QDISC_BYPASS, new Uint8Array(Int32Array.of(1).buffer), 4);
    const messages = new Uint8Array(MESSAGE_BYTES * capacity), iovecs = new Uint8Array(IOVEC_BYTES * capacity);
    const framesAt = addressOf(frames);
    this.#framesLow = framesAt % WORD;
    this.#framesHigh = Math.floor(framesAt / WORD);
    this.#messages = new Uint32Array(messages.buffer);
    this.#messagesAt = BigInt(addressOf(messages));
    this.#allMessages = Deno.UnsafePointer.of(messages);
    this.#iovecs = new Uint32Array(iovecs.buffer);
    this.#capacity = capacity;
    for (let i = 0; i < capacity; i++) {
      const at = i * MESSAGE_BYTES / 4;
      setPointer(this.#messages, at + 4, addressOf(iovecs) + i * IOVEC_BYTES);
      this.#messages[at + 6] = 1;
    }
  }

  /** Takes `length` bytes at `at`. There must be room. */
  add(at: number, length: number): void {
    const i = this.#count++;
    if (i >= this.#capacity) throw new RangeError(`No room for more than ${this.#capacity} frames`);
    const iovec = i * IOVEC_BYTES / 4;
    const low = (this.#framesLow + at) >>> 0;
    this.#iovecs[iovec] = low;
    this.#iovecs[iovec + 1] = low < this.#framesLow ? this.#framesHigh + 1 : this.#framesHigh;
    this.#iovecs[iovec + 2] = length;
  }

  /** Sends what waits; returns how many frames the system refused. */
  send(): number {
    let sent = 0, refused = 0;
    while (sent < this.#count) {
      const at = sent === 0
        ? this.#allMessages
        : Deno.UnsafePointer.create(this.#messagesAt + BigInt(sent * MESSAGE_BYTES));
      const result = libc.sendmmsg(this.#fd, at, this.#count - sent, 0);
      // The first of these frames cannot be sent: on with the next.
      if (result <= 0) refused++;
      sent += Math.max(1, result);
    }
    this.#count = 0;
    return refused;
  }

  close(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }
}

function socketAddress(interfaceName: string): Uint8Array<ArrayBuffer> {
  const index = libc.if_nametoindex(new TextEncoder().encode(`${interfaceName}\0`));
  if (index === 0) throw new Error(`No interface ${interfaceName}`);
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setInt32(4, index, true);
  return bytes;
}

/** Addresses of user space are below 2^47: whole numbers. */
function addressOf(bytes: Uint8Array<ArrayBuffer>): number {
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

function setPointer(words: Uint32Array, at: number, address: number): void {
  words[at] = address % WORD;
  words[at + 1] = address / WORD;
}
