/**
 * Non-blocking IPv4 TCP sockets as descriptor numbers. Whoever got a descriptor from here closes it once.
 *
 * - `int socket(int domain, int type, int protocol)`: socket(2)
 * - `int bind(int, const struct sockaddr *, socklen_t)`: bind(2); `int listen(int, int)`: listen(2)
 * - `int accept4(int, struct sockaddr *, socklen_t *, int flags)`: accept4(2)
 * - `int connect(int, const struct sockaddr *, socklen_t)`: connect(2)
 * - `int setsockopt(int, int, int, const void *, socklen_t)`, `int getsockopt(...)`: getsockopt(2)
 * - `ssize_t recv(int, void *, size_t, int)`: recv(2); `ssize_t send(int, const void *, size_t, int)`: send(2)
 * - `int shutdown(int, int)`: shutdown(2); `int close(int)`: close(2)
 */
import { EAGAIN, EINPROGRESS, errno } from "./errno.ts";

// A size_t is declared as u32: a number given for a usize takes Deno's slow path (measured: 0.1 us a call more), and x86-64 and
// arm64 clear the upper half of the register.
const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const AF_INET = 2;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_LINGER = 13;
const SO_REUSEPORT = 15;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_INFO = 11;
const BYTES_ACKED_AT = 120;
const TCP_INFO_BYTES = 136;
const MSG_PEEK = 2;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const SHUT_RDWR = 2;
const SOCKADDR_BYTES = 16;

/** Results of {@linkcode receive} and {@linkcode send} that are not a count of bytes. */
export const WOULD_BLOCK = -1;
export const FAILED = -2;

const ONE = new Uint8Array(new Int32Array([1]).buffer);
const NO_LINGER = new Uint8Array(new Int32Array([1, 0]).buffer); // struct linger {int l_onoff; int l_linger}: socket(7)
const option = new Int32Array(1);
const optionBytes = new Uint8Array(option.buffer);
const optionLength = new Uint8Array(new Uint32Array([4]).buffer);
const tcpInfo = new BigUint64Array(TCP_INFO_BYTES / 8);
const tcpInfoBytes = new Uint8Array(tcpInfo.buffer);
const tcpInfoLength = new Uint32Array(1);
const tcpInfoLengthBytes = new Uint8Array(tcpInfoLength.buffer);
const peer = new Uint8Array(SOCKADDR_BYTES);
const peerLength = new Uint32Array(1);
const peerLengthBytes = new Uint8Array(peerLength.buffer);

/** struct sockaddr_in {u16 family; u16 port, network order; u32 address; 8 bytes zero}: ip(7) */
export function socketAddressBytes(address: string, port: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(address.split(".").map(Number), 4);
  return bytes;
}

/** 0 when nobody listens there, not even one who shares; else the errno of binding. */
export function whyNotFree(address: string, port: number): number {
  const fd = libc.socket(AF_INET, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return errno();
  libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, ONE, 4);
  const failed = libc.bind(fd, socketAddressBytes(address, port), SOCKADDR_BYTES) < 0 ? errno() : 0;
  libc.close(fd);
  return failed;
}

/** A listening descriptor, shared by port with the other processes of this user; or the negated errno. */
export function listenOn(address: string, port: number, backlog: number): number {
  const fd = libc.socket(AF_INET, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return -errno();
  libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, ONE, 4);
  libc.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, ONE, 4);
  let failed = libc.bind(fd, socketAddressBytes(address, port), SOCKADDR_BYTES) < 0 ? errno() : 0;
  if (failed === 0) failed = libc.listen(fd, backlog) < 0 ? errno() : 0;
  if (failed === 0) return fd;
  libc.close(fd);
  return -failed;
}

/** Connections that a listening descriptor accepts from now on send what they are given at once: Linux hands TCP_NODELAY down. */
export function acceptWithoutDelay(listener: number): void {
  libc.setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, ONE, 4);
}

/** The next connection of a listening descriptor, or the negated errno. {@linkcode acceptedFrom} names its peer. */
export function accept(listener: number): number {
  peerLength[0] = SOCKADDR_BYTES;
  const fd = libc.accept4(listener, peer, peerLengthBytes, SOCK_NONBLOCK_CLOEXEC);
  return fd < 0 ? -errno() : fd;
}

/** Address of the peer of the last connection accepted. */
export function acceptedFrom(): string {
  return `${peer[4]}.${peer[5]}.${peer[6]}.${peer[7]}`;
}

/** Its port. */
export function acceptedFromPort(): number {
  return peer[2]! << 8 | peer[3]!;
}

/** As {@linkcode receive}, but the bytes stay where they are for the next read. */
export function peek(fd: number, buffer: Uint8Array<ArrayBuffer>, length: number): number {
  const count = libc.recv(fd, buffer, length, MSG_PEEK);
  return count >= 0 ? count : errno() === EAGAIN ? WOULD_BLOCK : FAILED;
}

/** A descriptor that is connecting, or the negated errno. Once writable, {@linkcode connectError} says how it went. */
export function connectTo(address: Uint8Array<ArrayBuffer>): number {
  const fd = libc.socket(AF_INET, SOCK_STREAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return -errno();
  libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, ONE, 4);
  if (libc.connect(fd, address, SOCKADDR_BYTES) === 0) return fd;
  const failed = errno();
  if (failed === EINPROGRESS) return fd;
  libc.close(fd);
  return -failed;
}

/** 0 when the connection stands, else the errno that broke it. */
export function connectError(fd: number): number {
  libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, optionBytes, optionLength);
  return option[0]!;
}

/** At most `length` bytes received into the start of `buffer`; 0 at the peer's end, {@linkcode WOULD_BLOCK} or {@linkcode FAILED}. */
export function receive(fd: number, buffer: Uint8Array<ArrayBuffer>, length: number): number {
  const count = libc.recv(fd, buffer, length, 0);
  return count >= 0 ? count : errno() === EAGAIN ? WOULD_BLOCK : FAILED;
}

/** Bytes sent of the first `length`; {@linkcode WOULD_BLOCK} or {@linkcode FAILED}. */
export function send(fd: number, bytes: Uint8Array<ArrayBuffer>, length: number): number {
  const count = libc.send(fd, bytes, length, MSG_NOSIGNAL);
  return count >= 0 ? count : errno() === EAGAIN ? WOULD_BLOCK : FAILED;
}

/** Bytes that the peer acknowledged: tcpi_bytes_acked of struct tcp_info (linux/tcp.h), tcp(7). */
export function bytesAcknowledged(fd: number): number {
  tcpInfoLength[0] = TCP_INFO_BYTES;
  libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, tcpInfoBytes, tcpInfoLengthBytes);
  return Number(tcpInfo[BYTES_ACKED_AT / 8]);
}

/** Says that no more bytes will come from here. */
export function finishSending(fd: number): void {
  libc.shutdown(fd, SHUT_WR);
}

/** Ends both directions, as far as the peer and who still uses the descriptor can see; it is to be closed as ever. */
export function stopBoth(fd: number): void {
  libc.shutdown(fd, SHUT_RDWR);
}

/** Makes the next {@linkcode close} reset the connection, so that the peer cannot take its end for an orderly one. */
export function resetOnClose(fd: number): void {
  libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, NO_LINGER, 8);
}

export function close(fd: number): void {
  libc.close(fd);
}
