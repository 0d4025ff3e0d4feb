/**
 * Non-blocking IPv4 UDP sockets as descriptor numbers. Whoever got one closes it once.
 *
 * - `int socket(int, int, int)`: socket(2); `int bind(int, const struct sockaddr *, socklen_t)`: bind(2)
 * - `ssize_t sendto(int, const void *, size_t, int, const struct sockaddr *, socklen_t)`: sendto(2)
 */
import { errno } from "./errno.ts";
import { close, socketAddressBytes } from "./socket.ts";

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "u32", "i32", "buffer", "u32"], result: "i32" },
}).symbols;

const AF_INET = 2;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;
const SO_RCVBUF = 8;
/** What waits to be read: the kernel gives what net.core.rmem_max allows. */
const RECEIVE_BYTES = new Uint8Array(new Int32Array([4_194_304]).buffer);
const ONE = new Uint8Array(new Int32Array([1]).buffer);

/** A descriptor that receives there, shared by port with others of this user; or the negated errno. Read it by `receive`. */
export function bindDatagrams(address: string, port: number): number {
  const fd = libc.socket(AF_INET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return -errno();
  libc.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, ONE, 4);
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BYTES, 4);
  const bytes = socketAddressBytes(address, port);
  if (libc.bind(fd, bytes, bytes.length) === 0) return fd;
  const failed = errno();
  close(fd);
  return -failed;
}

/** Sends one datagram; false where the system does not take it. @param to `struct sockaddr_in` */
export function sendDatagram(fd: number, bytes: Uint8Array<ArrayBuffer>, to: Uint8Array<ArrayBuffer>): boolean {
  return libc.sendto(fd, bytes, bytes.length, 0, to, to.length) === bytes.length;
}
