/**
 * Reads a frame as far as the scheduler must. A frame is a Uint8Array, Ethernet header first, of `length` bytes
 * (its buffer may be longer). Nothing here allocates.
 *
 * RFC 791 (IPv4), RFC 9293 (TCP), RFC 792 (ICMP).
 */
import { Verdict } from "./verdicts.ts";

const ETHERNET_BYTES = 14;
const IP_BYTES = 20;
/** Ports and sequence number: what RFC 792 guarantees of a packet quoted in an ICMP error. */
const QUOTED_TCP_BYTES = 8;
/** Up to and including the flags. */
const TCP_BYTES = 20;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_QINQ = 0x88a8;
const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;

const ICMP_UNREACHABLE = 3;
const ICMP_ECHO = 8;
const ICMP_TIME_EXCEEDED = 11;
const ICMP_PARAMETER_PROBLEM = 12;

const FLAG_SYN = 0x02;
const FLAG_ACK = 0x10;

/** What {@linkcode FrameReader.read} found, beside its verdict. */
export class FrameReader {
  /** Client address as u32. */
  clientIp = 0;
  clientPort = 0;
  /** True for a SYN without ACK: it opens a connection. */
  opens = false;

  /** @param vip as u32; @param ports the array's TCP ports */
  constructor(readonly vip: number, readonly ports: readonly number[]) {}

  /**
   * {@linkcode Verdict.FORWARDED} when the frame is to be scheduled by {@linkcode clientIp} and {@linkcode clientPort};
   * otherwise the final verdict.
   */
  read(frame: Uint8Array, length: number): Verdict {
    if (length < ETHERNET_BYTES) return Verdict.TRUNCATED;
    const type = u16(frame, 12);
    if (type === ETHERTYPE_ARP) return Verdict.ARP;
    if (type === ETHERTYPE_VLAN || type === ETHERTYPE_QINQ) return Verdict.VLAN;
    if (type !== ETHERTYPE_IPV4) return Verdict.NOT_IPV4;
    if (length < ETHERNET_BYTES + IP_BYTES) return Verdict.TRUNCATED;
    const ip = ETHERNET_BYTES;
    const headerBytes = (frame[ip]! & 15) << 2;
    // The frame may be longer than the packet (padding to 60 bytes), never shorter.
    const end = ip + u16(frame, ip + 2);
    if (frame[ip]! >> 4 !== 4 || headerBytes < IP_BYTES || ip + headerBytes > end) return Verdict.BAD_IP;
    if (end > length) return Verdict.TRUNCATED;
    if (u32(frame, ip + 16) !== this.vip) return Verdict.NOT_FOR_VIP;
    if ((u16(frame, ip + 6) & 0x1fff) !== 0) return Verdict.FRAGMENT;
    const protocol = frame[ip + 9];
    if (protocol === PROTOCOL_TCP) return this.#readTcp(frame, ip, ip + headerBytes, end);
    if (protocol === PROTOCOL_ICMP) return this.#readIcmp(frame, ip + headerBytes, end);
    return Verdict.NOT_TCP;
  }

  #readTcp(frame: Uint8Array, ip: number, tcp: number, end: number): Verdict {
    if (tcp + TCP_BYTES > end) return Verdict.TRUNCATED;
    if (!this.ports.includes(u16(frame, tcp + 2))) return Verdict.OTHER_PORT;
    this.clientIp = u32(frame, ip + 12);
    this.clientPort = u16(frame, tcp);
    this.opens = (frame[tcp + 13]! & (FLAG_SYN | FLAG_ACK)) === FLAG_SYN;
    return Verdict.FORWARDED;
  }

  /**
   * An ICMP error about a packet that the VIP sent must reach the node that sent it, or path MTU discovery (RFC 1191) fails
   * there. The quoted packet names the client as its destination.
   */
  #readIcmp(frame: Uint8Array, icmp: number, end: number): Verdict {
    if (icmp + 8 > end) return Verdict.TRUNCATED;
    const type = frame[icmp];
    if (type === ICMP_ECHO) return Verdict.PING;
    if (type !== ICMP_UNREACHABLE && type !== ICMP_TIME_EXCEEDED && type !== ICMP_PARAMETER_PROBLEM) {
      return Verdict.NOT_TCP;
    }
    const quoted = icmp + 8;
    if (quoted + IP_BYTES > end) return Verdict.TRUNCATED;
    const headerBytes = (frame[quoted]! & 15) << 2;
    if (frame[quoted]! >> 4 !== 4 || headerBytes < IP_BYTES) return Verdict.BAD_IP;
    if (quoted + headerBytes + QUOTED_TCP_BYTES > end) return Verdict.TRUNCATED;
    if (frame[quoted + 9] !== PROTOCOL_TCP || (u16(frame, quoted + 6) & 0x1fff) !== 0) return Verdict.NOT_TCP;
    if (u32(frame, quoted + 12) !== this.vip) return Verdict.NOT_FOR_VIP;
    const tcp = quoted + headerBytes;
    if (!this.ports.includes(u16(frame, tcp))) return Verdict.OTHER_PORT;
    this.clientIp = u32(frame, quoted + 16);
    this.clientPort = u16(frame, tcp + 2);
    this.opens = false;
    return Verdict.FORWARDED;
  }
}

function u16(frame: Uint8Array, at: number): number {
  return (frame[at]! << 8) | frame[at + 1]!;
}

function u32(frame: Uint8Array, at: number): number {
  return ((frame[at]! << 24) | (frame[at + 1]! << 16) | (frame[at + 2]! << 8) | frame[at + 3]!) >>> 0;
}
