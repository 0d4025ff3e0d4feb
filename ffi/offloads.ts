/**
 * Receive offloads that join frames (GRO, LRO): a joined frame exceeds the MTU and cannot be sent on.
 *
 * - `int socket(int domain, int type, int protocol)`: socket(2)
 * - `int ioctl(int fd, unsigned long op, struct ifreq *)` with SIOCETHTOOL: netdevice(7), linux/ethtool.h
 * - `int close(int fd)`: close(2)
 */
const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GFLAGS = 0x25;
const ETHTOOL_GGRO = 0x2b;
const ETH_FLAG_LRO = 1 << 15;
const IFREQ_BYTES = 40;
const IFNAMSIZ = 16;

/** Those of "gro" and "lro" that are on; a driver that cannot say has none. */
export function joiningOffloads(interfaceName: string): string[] {
  const gro = (read(interfaceName, ETHTOOL_GGRO) ?? 0) !== 0;
  const lro = ((read(interfaceName, ETHTOOL_GFLAGS) ?? 0) & ETH_FLAG_LRO) !== 0;
  return [...(gro ? ["gro"] : []), ...(lro ? ["lro"] : [])];
}

function read(interfaceName: string, command: number): number | undefined {
  const value = new Uint32Array([command, 0]); // struct ethtool_value {u32 cmd; u32 data}
  const ifreq = new Uint8Array(IFREQ_BYTES); // struct ifreq {char name[16]; void *data; ...}
  ifreq.set(new TextEncoder().encode(interfaceName).subarray(0, IFNAMSIZ - 1));
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(value));
  new DataView(ifreq.buffer).setBigUint64(IFNAMSIZ, address, true);
  const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return undefined;
  const result = libc.ioctl(fd, SIOCETHTOOL, ifreq);
  libc.close(fd);
  return result < 0 ? undefined : value[1];
}
