/**
 * ICMP echo over a raw socket (RFC 792): one system call a ping, no process. Linux only; needs CAP_NET_RAW.
 *
 * - `int socket(int domain, int type, int protocol)`: socket(2), raw(7)
 * - `int setsockopt(int, int, int, const void *, socklen_t)`: ICMP_FILTER, raw(7); SO_ATTACH_FILTER, socket(7)
 * - `ssize_t sendto(int, const void *, size_t, int, const struct sockaddr *, socklen_t)`: sendto(2)
 * - `ssize_t recvfrom(int, void *, size_t, int, struct sockaddr *, socklen_t *)`: recvfrom(2)
 * - `int close(int)`: close(2)
 */
import { UsageError } from "../core/errors.ts";
import { errno, strerror } from "./errno.ts";
import { socketAddressBytes } from "./socket.ts";

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "u32", "i32", "buffer", "u32"], result: "i32" },
  recvfrom: { parameters: ["i32", "buffer", "u32", "i32", "buffer", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const AF_INET = 2;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000;
const IPPROTO_ICMP = 1;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ECHO_REPLY = 0;
const ECHO = 8;
const EPERM = 1;
const SOCKADDR_BYTES = 16;
/** Longest message taken; a longer one is cut. */
const BUFFER_BYTES = 256;
const HEADER_BYTES = 8;

/** An echo reply: who sent it, and what it bears. */
export interface EchoReply {
  /** As "192.0.2.11". */
  readonly from: string;
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

export class IcmpSocket {
  #fd: number;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #peer = new Uint8Array(SOCKADDR_BYTES);
  #peerLength = new Uint32Array(1);
  #peerLengthBytes = new Uint8Array(this.#peerLength.buffer);

  /**
   * Receives replies of that identifier only: others, of any number, take no room from them. Throws UsageError without the right to.
   */
  constructor(identifier: number) {
    this.#fd = libc.socket(AF_INET, SOCK_RAW_NONBLOCK_CLOEXEC, IPPROTO_ICMP);
    if (this.#fd < 0) {
      const code = errno();
      if (code === EPERM) throw new UsageError("No right to ping: run as root or with the capability CAP_NET_RAW");
      throw new Error(`socket: ${strerror(code)}`);
    }
    // A set bit keeps its type away: the kernel copies every ICMP message to every raw socket.
    const filter = new Uint8Array(Uint32Array.of(~(1 << ECHO_REPLY)).buffer);
    libc.setsockopt(this.#fd, SOL_RAW, ICMP_FILTER, filter, filter.length);
    this.#takeOnly(identifier);
  }

  #takeOnly(identifier: number): void {
    // struct sock_filter {u16 code; u8 jt, jf; u32 k} each: past the IP header, the half at 4 is the identifier.
    const program = new Uint8Array(
      BigUint64Array.of(
        instruction(0xb1, 0, 0, 0), // ldxb 4*([0]&0xf)
        instruction(0x48, 0, 0, 4), // ldh [x + 4]
        instruction(0x15, 0, 1, identifier), // jeq #identifier
        instruction(0x06, 0, 0, 0xffff), // ret #65535
        instruction(0x06, 0, 0, 0), // ret #0
      ).buffer,
    );
    // struct sock_fprog {u16 len; struct sock_filter *filter}; the kernel copies both.
    const question = new BigUint64Array([
      BigInt(program.length / 8),
      Deno.UnsafePointer.value(Deno.UnsafePointer.of(program)),
    ]);
    const bytes = new Uint8Array(question.buffer);
    if (libc.setsockopt(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, bytes, bytes.length) === 0) return;
    const reason = strerror(errno());
    this.close();
    throw new Error(`SO_ATTACH_FILTER: ${reason}`);
  }

  /** Sends an echo request to an IPv4 address; false when the system refuses, as without a way there. */
  send(to: string, identifier: number, sequence: number, data: Uint8Array): boolean {
    const message = new Uint8Array(HEADER_BYTES + data.length);
    const view = new DataView(message.buffer);
    message[0] = ECHO;
    view.setUint16(4, identifier);
    view.setUint16(6, sequence);
    message.set(data, HEADER_BYTES);
    view.setUint16(2, checksum(message));
    const sent = libc.sendto(this.#fd, message, message.length, 0, socketAddressBytes(to, 0), SOCKADDR_BYTES);
    return sent === message.length;
  }

  /** The next reply that came, whosesoever; undefined when there is none. Its data is valid until the next call. */
  receive(): EchoReply | undefined {
    while (true) {
      this.#peerLength[0] = SOCKADDR_BYTES;
      const buffer = this.#buffer;
      const length = libc.recvfrom(this.#fd, buffer, BUFFER_BYTES, 0, this.#peer, this.#peerLengthBytes);
      if (length < 0) return undefined;
      // A raw socket gives the IP header too.
      const at = (buffer[0]! & 15) << 2;
      if (length < at + HEADER_BYTES || buffer[at] !== ECHO_REPLY) continue;
      const view = new DataView(buffer.buffer, at);
      return {
        from: this.#peer.subarray(4, 8).join("."),
        identifier: view.getUint16(4),
        sequence: view.getUint16(6),
        data: buffer.subarray(at + HEADER_BYTES, length),
      };
    }
  }

  /** A second call does nothing. */
  close(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }
}

/** Of a classic BPF program, as a little-endian word. */
function instruction(code: number, ifTrue: number, ifFalse: number, operand: number): bigint {
  return BigInt(code) | BigInt(ifTrue) << 16n | BigInt(ifFalse) << 24n | BigInt(operand) << 32n;
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
