/**
 * The TCP connections of this machine's network namespace that a local address has: sock_diag(7), inet_diag. Linux only.
 *
 * - `int socket(int domain, int type, int protocol)`: socket(2), netlink(7)
 * - `ssize_t send(int, const void *, size_t, int)`: send(2); `ssize_t recv(int, void *, size_t, int)`: recv(2)
 * - `int setsockopt(int, int, int, const void *, socklen_t)`: socket(7)
 * - `int close(int)`: close(2)
 */
import { errno, strerror } from "./errno.ts";

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST_DUMP = 0x1 | 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const INET_DIAG_REQ_BYTECODE = 1;
const INET_DIAG_BC_S_COND = 7;
/** A message of a dump is up to 32 KiB. */
const BUFFER_BYTES = 1 << 16;
const NLMSGHDR_BYTES = 16;
/** struct inet_diag_req_v2 {u8 family, protocol, ext, pad; u32 states; struct inet_diag_sockid id (48 bytes)} */
const REQUEST_BYTES = 56;
/** struct inet_diag_msg begins {u8 family, state, timer, retrans; u16 sport, dport; u32 src[4], dst[4]}, ports and addresses big-endian */
const MESSAGE_BYTES = 72;
const PEER_PORT_AT = 6;
const PEER_AT = 24;
/** struct inet_diag_bc_op {u8 code, yes; u16 no} and struct inet_diag_hostcond {u8 family, prefix_len; int port; u32 addr[]} */
const OP_BYTES = 4;
const CONDITION_BYTES = 8;
const WAIT_S = 1;

/**
 * States in which a connection breaks when its frames go elsewhere (linux/tcp_states.h): ESTABLISHED, SYN_RECV, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT,
 * LAST_ACK, CLOSING, NEW_SYN_RECV. Not TIME_WAIT, nor what listens or connects.
 */
const LIVE_STATES = [1, 3, 4, 5, 8, 9, 11, 12].reduce((bits, state) => bits | (1 << state), 0);

/** A peer's address of 4 or 16 bytes at `at`, and its port. */
export type EachPeer = (bytes: Uint8Array, at: number, addressBytes: number, port: number) => void;

/**
 * Calls back for the peer of each live TCP connection of a local address, 4 or 16 bytes. A server that listens on `::` holds its IPv4 connections
 * as IPv6. Throws Error with the system's reason.
 */
export function eachTcpPeer(local: Uint8Array, each: EachPeer): void {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) throw new Error(`socket: ${strerror(errno())}`);
  try {
    // struct timeval {i64 seconds, microseconds}: a kernel that never ends its dump must not stop this thread.
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(BigInt64Array.of(BigInt(WAIT_S), 0n).buffer), 16);
    for (const family of local.length === 4 ? [AF_INET, AF_INET6] : [AF_INET6]) dump(fd, family, local, each);
  } finally {
    libc.close(fd);
  }
}

function dump(fd: number, family: number, local: Uint8Array, each: EachPeer): void {
  const question = request(family, local);
  if (libc.send(fd, question, question.length, 0) < 0) throw new Error(`sock_diag: ${strerror(errno())}`);
  const buffer = new Uint8Array(BUFFER_BYTES), view = new DataView(buffer.buffer);
  while (true) {
    const length = libc.recv(fd, buffer, BUFFER_BYTES, 0);
    if (length <= 0) throw new Error(`sock_diag: ${strerror(errno())}`);
    for (let at = 0; at + NLMSGHDR_BYTES <= length;) {
      const bytes = view.getUint32(at, true), type = view.getUint16(at + 4, true);
      if (type === NLMSG_DONE) return;
      if (type === NLMSG_ERROR) throw new Error(`sock_diag: ${strerror(-view.getInt32(at + NLMSGHDR_BYTES, true))}`);
      if (bytes < NLMSGHDR_BYTES + MESSAGE_BYTES) throw new Error(`sock_diag: a message of ${bytes} bytes`);
      peerOf(buffer, at + NLMSGHDR_BYTES, local.length, each);
      at += (bytes + 3) & ~3;
    }
  }
}

function peerOf(buffer: Uint8Array, message: number, addressBytes: number, each: EachPeer): void {
  const port = (buffer[message + PEER_PORT_AT]! << 8) | buffer[message + PEER_PORT_AT + 1]!;
  // Of an IPv4-mapped peer the last four bytes.
  const isMapped = buffer[message] === AF_INET6 && addressBytes === 4;
  each(buffer, message + PEER_AT + (isMapped ? 12 : 0), addressBytes, port);
}

/** Asks for what the local address has; the kernel leaves the rest out, as the connections to back ends. */
function request(family: number, local: Uint8Array): Uint8Array<ArrayBuffer> {
  const condition = OP_BYTES + CONDITION_BYTES + local.length;
  const total = NLMSGHDR_BYTES + REQUEST_BYTES + 4 + condition;
  const bytes = new Uint8Array(total), view = new DataView(bytes.buffer);
  // struct nlmsghdr {u32 len; u16 type, flags; u32 seq, pid}
  view.setUint32(0, total, true);
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, true);
  view.setUint16(6, NLM_F_REQUEST_DUMP, true);
  bytes.set([family, IPPROTO_TCP], NLMSGHDR_BYTES);
  view.setUint32(NLMSGHDR_BYTES + 4, LIVE_STATES, true);
  // struct nlattr {u16 len, type}, then the one operation: past the end by 4 means no.
  const at = NLMSGHDR_BYTES + REQUEST_BYTES;
  view.setUint16(at, 4 + condition, true);
  view.setUint16(at + 2, INET_DIAG_REQ_BYTECODE, true);
  bytes.set([INET_DIAG_BC_S_COND, condition], at + 4);
  view.setUint16(at + 6, condition + 4, true);
  bytes.set([local.length === 4 ? AF_INET : AF_INET6, local.length * 8], at + 4 + OP_BYTES);
  view.setInt32(at + 4 + OP_BYTES + 4, -1, true);
  bytes.set(local, at + 4 + OP_BYTES + CONDITION_BYTES);
  return bytes;
}
