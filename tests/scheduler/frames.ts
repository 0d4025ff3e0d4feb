/** Builders of frames for the tests: every field can be bent. */
import { ipToBytes, ipToU32, macToBytes } from "../../core/scheduler/addresses.ts";

export const CLIENT_MAC = "02:00:00:00:00:c1";
export const VIP = "192.0.2.10";
export const CLIENT = "198.51.100.7";

export interface TcpOptions {
  readonly from?: string;
  readonly to?: string;
  readonly fromPort?: number;
  readonly toPort?: number;
  /** TCP flags; SYN is 2, ACK is 16. */
  readonly flags?: number;
  readonly sourceMac?: string;
  readonly destinationMac?: string;
  /** IP options, a multiple of four bytes. */
  readonly ipOptions?: number;
  readonly payload?: number;
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
  readonly protocol?: number;
  readonly etherType?: number;
}

/** Ethernet, IPv4, TCP. The TCP checksum is left 0: a scheduler does not look at it, a switch may look at that of IP. */
export function tcpFrame(options: TcpOptions = {}): Uint8Array {
  const { ipOptions = 0, payload = 0 } = options;
  const frame = new Uint8Array(Math.max(60, 14 + 20 + ipOptions + 20 + payload));
  const view = new DataView(frame.buffer);
  frame.set(macToBytes(options.destinationMac ?? "02:00:00:00:00:0a"), 0);
  frame.set(macToBytes(options.sourceMac ?? CLIENT_MAC), 6);
  view.setUint16(12, options.etherType ?? 0x0800);
  writeIp(view, 14, 20 + ipOptions, 40 + ipOptions + payload, options);
  const tcp = 34 + ipOptions;
  view.setUint16(tcp, options.fromPort ?? 40_000);
  view.setUint16(tcp + 2, options.toPort ?? 443);
  view.setUint8(tcp + 12, 0x50);
  view.setUint8(tcp + 13, options.flags ?? 2);
  return frame;
}

/** An ICMP message; an error quotes `quoted` bytes of a TCP packet from the VIP to the client. */
export function icmpFrame(type: number, options: TcpOptions & { readonly quoted?: number } = {}): Uint8Array {
  const quoted = options.quoted ?? 28;
  const frame = new Uint8Array(14 + 20 + 8 + quoted);
  const view = new DataView(frame.buffer);
  frame.set(macToBytes("02:00:00:00:00:0a"), 0);
  frame.set(macToBytes(options.sourceMac ?? CLIENT_MAC), 6);
  view.setUint16(12, 0x0800);
  writeIp(view, 14, 20, 28 + quoted, { from: "203.0.113.1", to: VIP, protocol: 1 });
  view.setUint8(34, type);
  const inner = new DataView(new ArrayBuffer(64));
  writeIp(inner, 0, 20, 1500, { from: VIP, to: CLIENT, ...options });
  inner.setUint16(20, options.fromPort ?? 443);
  inner.setUint16(22, options.toPort ?? 40_000);
  frame.set(new Uint8Array(inner.buffer).subarray(0, quoted), 42);
  return frame;
}

function writeIp(view: DataView, at: number, headerBytes: number, totalBytes: number, options: TcpOptions): void {
  view.setUint8(at, 0x40 | (headerBytes >> 2));
  view.setUint16(at + 2, totalBytes);
  view.setUint16(at + 6, (options.moreFragments ? 0x2000 : 0) | (options.fragmentOffset ?? 0));
  view.setUint8(at + 8, 64);
  view.setUint8(at + 9, options.protocol ?? 6);
  view.setUint32(at + 12, ipToU32(options.from ?? CLIENT));
  view.setUint32(at + 16, ipToU32(options.to ?? VIP));
  let sum = 0;
  for (let i = 0; i < headerBytes; i += 2) sum += view.getUint16(at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  view.setUint16(at + 10, ~sum & 0xffff);
}

/** The frame with some bytes set: offset, value, offset, value, ... */
export function bent(frame: Uint8Array, ...changes: number[]): Uint8Array {
  const copy = frame.slice();
  for (let i = 0; i < changes.length; i += 2) copy[changes[i]!] = changes[i + 1]!;
  return copy;
}

/** The frame with VLAN tags behind its MACs, the outer first. */
export function tagged(frame: Uint8Array, ...types: number[]): Uint8Array {
  const tags = types.flatMap((type, i) => [type >> 8, type & 255, 0, 10 + i]);
  return Uint8Array.from([...frame.subarray(0, 12), ...tags, ...frame.subarray(12)]);
}

/** Ethernet, IPv4, UDP with 8 bytes of payload. */
export function udpFrame(options: TcpOptions = {}): Uint8Array {
  const frame = tcpFrame({ protocol: 17, ...options });
  frame[17] = 36 + (options.ipOptions ?? 0);
  return frame;
}

/** Asks for, or tells, the MAC of an address. */
export function arpFrame(operation: number, senderIp: string, targetIp: string, sourceMac = CLIENT_MAC): Uint8Array {
  const frame = new Uint8Array(60);
  const view = new DataView(frame.buffer);
  frame.fill(255, 0, 6);
  frame.set(macToBytes(sourceMac), 6);
  frame.set([8, 6, 0, 1, 8, 0, 6, 4, 0, operation, ...macToBytes(sourceMac)], 12);
  view.setUint32(28, ipToU32(senderIp));
  view.setUint32(38, ipToU32(targetIp));
  return frame;
}

export const CLIENT6 = "2001:db8:77::7";
export const VIP6 = "2001:db8::10";

export interface Ipv6Options {
  readonly from?: string;
  readonly to?: string;
  readonly destinationMac?: string;
  readonly sourceMac?: string;
  /** Of the first header behind that of IPv6. */
  readonly protocol?: number;
  readonly hopLimit?: number;
}

/** Ethernet, IPv6, whatever follows. */
export function ipv6Frame(body: Uint8Array, options: Ipv6Options = {}): Uint8Array {
  const frame = new Uint8Array(14 + 40 + body.length);
  frame.set(macToBytes(options.destinationMac ?? "02:00:00:00:00:0a"), 0);
  frame.set(macToBytes(options.sourceMac ?? CLIENT_MAC), 6);
  frame.set(
    [0x86, 0xdd, 0x60, 0, 0, 0, body.length >> 8, body.length, options.protocol ?? 6, options.hopLimit ?? 64],
    12,
  );
  frame.set(ipToBytes(options.from ?? CLIENT6), 22);
  frame.set(ipToBytes(options.to ?? VIP6), 38);
  frame.set(body, 54);
  return frame;
}

/** A TCP header. */
export function tcpHeader(fromPort = 40_000, toPort = 443, flags = 2): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint16(0, fromPort);
  view.setUint16(2, toPort);
  header[12] = 0x50;
  header[13] = flags;
  return header;
}

/** An extension header of `units` * 8 bytes and what follows it. */
export function extension(next: number, units: number, rest: Uint8Array): Uint8Array {
  return Uint8Array.from([next, units - 1, ...Array<number>(units * 8 - 2).fill(0), ...rest]);
}

/** A fragment header and what follows it; `offset` in units of 8 bytes. */
export function fragment6(next: number, offset: number, more: boolean, id: number, rest: Uint8Array): Uint8Array {
  const place = offset << 3 | (more ? 1 : 0);
  return Uint8Array.from([next, 0, place >> 8, place & 255, 0, 0, id >> 8, id & 255, ...rest]);
}

/** An ICMPv6 error that quotes a packet from `from` (the VIP) to the client. */
export function icmp6Error(type: number, quotedBody: Uint8Array, protocol = 6, from = VIP6): Uint8Array {
  const quoted = ipv6Frame(quotedBody, { from, to: CLIENT6, protocol }).subarray(14);
  return ipv6Frame(Uint8Array.from([type, 0, 0, 0, 0, 0, 5, 0, ...quoted]), { from: "2001:db8::1", protocol: 58 });
}

/** Neighbour solicitation for an address, as Linux sends it. */
export function solicitation(target: string, options: Ipv6Options = {}): Uint8Array {
  const mac = macToBytes(options.sourceMac ?? CLIENT_MAC);
  const body = Uint8Array.from([135, 0, 0, 0, 0, 0, 0, 0, ...ipToBytes(target), 1, 1, ...mac]);
  const last = target.split(":").at(-1)!;
  const group = `ff02::1:ff00:${last}`;
  return ipv6Frame(body, { to: group, destinationMac: "32:33:ff:00:00:10", protocol: 58, hopLimit: 255, ...options });
}
