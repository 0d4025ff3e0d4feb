/** Builders of frames for the tests: every field can be bent. */
import { ipToU32, macToBytes } from "../../core/scheduler/addresses.ts";

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
