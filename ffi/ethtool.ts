/**
 * What a network interface and its driver say of themselves.
 *
 * - `int socket(int domain, int type, int protocol)`: socket(2)
 * - `int ioctl(int fd, unsigned long op, struct ifreq *)`: netdevice(7), linux/ethtool.h
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
const SIOCGIFMTU = 0x8921;
const SIOCGIFFLAGS = 0x8913;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const ETHTOOL_GDRVINFO = 0x3;
const IFREQ_BYTES = 40;
const IFNAMSIZ = 16;

const DRVINFO_BYTES = 196;
const DRIVER_NAME_BYTES = 32;

/** The driver's name, as "veth"; empty where it does not say. */
export function driverOf(interfaceName: string): string {
  const info = new Uint8Array(DRVINFO_BYTES); // struct ethtool_drvinfo {u32 cmd; char driver[32]; ...}
  new DataView(info.buffer).setUint32(0, ETHTOOL_GDRVINFO, true);
  if (!ask(interfaceName, info)) return "";
  const name = info.subarray(4, 4 + DRIVER_NAME_BYTES);
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}

/** Longest packet of the interface, bytes; 0 where there is none. */
export function mtuOf(interfaceName: string): number {
  return ioctl(interfaceName, SIOCGIFMTU, () => {})?.getInt32(IFNAMSIZ, true) ?? 0;
}

/**
 * Whether it is up and has a carrier. By ioctl, since /sys shows the interfaces of the namespace that mounted it (measured: 2 us).
 */
export function isLinkUp(interfaceName: string): boolean {
  const flags = ioctl(interfaceName, SIOCGIFFLAGS, () => {})?.getUint16(IFNAMSIZ, true) ?? 0;
  return (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0;
}

/** @param question begins with the command; the answer takes its place */
function ask(interfaceName: string, question: Uint8Array<ArrayBuffer>): boolean {
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(question));
  return ioctl(interfaceName, SIOCETHTOOL, (view) => view.setBigUint64(IFNAMSIZ, address, true)) !== undefined;
}

/** The answer; undefined where the interface has none. `fill` writes what follows the name. */
function ioctl(interfaceName: string, operation: number, fill: (view: DataView) => void): DataView | undefined {
  const ifreq = new Uint8Array(IFREQ_BYTES); // struct ifreq {char name[16]; union {void *data; int mtu; ...}}
  ifreq.set(new TextEncoder().encode(interfaceName).subarray(0, IFNAMSIZ - 1));
  const view = new DataView(ifreq.buffer);
  fill(view);
  const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return undefined;
  const result = libc.ioctl(fd, operation, ifreq);
  libc.close(fd);
  return result < 0 ? undefined : view;
}
