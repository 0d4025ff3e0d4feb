/**
 * Reads a frame as far as the scheduler must. A frame is `length` bytes from `start` on in a Uint8Array, Ethernet header first: a batch
 * holds many, and a view of each would be an allocation. Nothing here allocates. Offsets are those of the array.
 * bpf/frame.h, ipv4.h and ipv6.h read it in the same steps.
 *
 * RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP), RFC 792 and 4443 (ICMP), RFC 4861 (neighbour discovery).
 */
import { FRAGMENT_SLOTS } from "./fragment_table.ts";
import { mix } from "./hash.ts";
import type { ServiceTable } from "./service_table.ts";
import { Verdict } from "./verdicts.ts";

const ETHERNET_BYTES = 14;
const TAG_BYTES = 4;
const MAX_TAGS = 2;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const ICMP_BYTES = 8;
const UDP_BYTES = 8;
/** Up to and including the flags. */
const TCP_BYTES = 20;
/** Ports and sequence number: what RFC 792 guarantees of a packet quoted in an ICMP error. */
const QUOTED_BYTES = 8;
/** More extension headers than any sender has reason for. */
const MAX_EXTENSIONS = 8;

const TYPE_IPV4 = 0x0800;
const TYPE_ARP = 0x0806;
const TYPE_VLAN = 0x8100;
const TYPE_QINQ = 0x88a8;
const TYPE_IPV6 = 0x86dd;

const PROTOCOL_HOP_BY_HOP = 0;
const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_ROUTING = 43;
const PROTOCOL_FRAGMENT = 44;
const PROTOCOL_AUTHENTICATION = 51;
const PROTOCOL_ICMPV6 = 58;
const PROTOCOL_DESTINATION = 60;

const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

const ICMP_UNREACHABLE = 3;
const ICMP_ECHO = 8;
const ICMP_TIME_EXCEEDED = 11;
const ICMP_PARAMETER_PROBLEM = 12;
/** Unreachable, packet too big, time exceeded, parameter problem: 1 to 4. */
const ICMPV6_LAST_ERROR = 4;
const ICMPV6_ECHO = 128;
const ICMPV6_SOLICITATION = 135;
const ICMPV6_ADVERTISEMENT = 136;

const FLAG_SYN = 0x02;
const FLAG_ACK = 0x10;

/** What {@linkcode FrameReader.read} found, beside its verdict. */
export class FrameReader {
  /** Offset of the header behind Ethernet and tags. */
  network = 0;
  /** Offset of the client's address, and its bytes: 4 or 16. */
  clientAt = 0;
  clientBytes = 0;
  clientPort = 0;
  /** True for what opens a connection: a SYN without ACK, or any datagram. */
  opens = false;
  /** Offset behind the IP packet (the frame may be longer: padding); 0 when it is none. */
  end = 0;
  /** Of a fragment; tag 0 for a whole packet. */
  fragmentTag = 0;
  fragmentSlot = 0;
  /** Where the way through extension headers is. */
  #at = 0;
  #protocol = 0;
  #isFragment = false;
  #fragmentOffset = 0;
  #fragmentId = 0;
  /** Four words a VIP. */
  #vips: Uint32Array;
  #services: ServiceTable;

  /** @param vips 16 bytes each */
  constructor(vips: readonly Uint8Array[], services: ServiceTable) {
    this.#vips = Uint32Array.from(vips.flatMap((vip) => [0, 4, 8, 12].map((at) => u32(vip, at))));
    this.#services = services;
  }

  /**
   * {@linkcode Verdict.FORWARDED} when the frame is to be scheduled by its client; PING, NEIGHBOUR and FRAGMENT when it is that
   * (of a later fragment the tag is known); otherwise the final verdict.
   */
  read(frame: Uint8Array, length: number, start = 0): Verdict {
    const limit = start + length;
    this.end = 0;
    this.fragmentTag = 0;
    this.fragmentSlot = 0;
    if (length < ETHERNET_BYTES) return Verdict.TRUNCATED;
    this.network = start + ETHERNET_BYTES;
    let type = u16(frame, this.network - 2);
    for (let tags = 0; tags < MAX_TAGS && (type === TYPE_VLAN || type === TYPE_QINQ); tags++) {
      this.network += TAG_BYTES;
      if (this.network > limit) return Verdict.TRUNCATED;
      type = u16(frame, this.network - 2);
    }
    switch (type) {
      case TYPE_IPV4:
        return this.#readIpv4(frame, limit);
      case TYPE_IPV6:
        return this.#readIpv6(frame, limit);
      case TYPE_ARP:
        return Verdict.NEIGHBOUR;
      case TYPE_VLAN:
      case TYPE_QINQ:
        return Verdict.VLAN;
      default:
        return Verdict.NOT_IP;
    }
  }

  /** Index of the VIP whose 4 bytes stand there, or -1. */
  findVip4(frame: Uint8Array, at: number): number {
    return this.#findVip(0, 0, 0xffff, u32(frame, at));
  }

  /** The same for 16 bytes. */
  findVip6(frame: Uint8Array, at: number): number {
    return this.#findVip(u32(frame, at), u32(frame, at + 4), u32(frame, at + 8), u32(frame, at + 12));
  }

  #findVip(word0: number, word1: number, word2: number, word3: number): number {
    const vips = this.#vips;
    for (let at = 0; at < vips.length; at += 4) {
      if (vips[at + 3] === word3 && vips[at + 2] === word2 && vips[at + 1] === word1 && vips[at] === word0) {
        return at / 4;
      }
    }
    return -1;
  }

  #readIpv4(frame: Uint8Array, limit: number): Verdict {
    const ip = this.network;
    if (ip + IPV4_BYTES > limit) return Verdict.TRUNCATED;
    const headerBytes = (frame[ip]! & 15) << 2;
    this.end = ip + u16(frame, ip + 2);
    if (frame[ip]! >> 4 !== 4 || headerBytes < IPV4_BYTES || ip + headerBytes > this.end) return Verdict.BAD_IP;
    if (this.end > limit) return Verdict.TRUNCATED;
    const vip = this.findVip4(frame, ip + 16);
    if (vip < 0) return Verdict.NOT_FOR_VIP;
    const fragment = u16(frame, ip + 6);
    const protocol = frame[ip + 9]!;
    if ((fragment & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0) {
      this.#mixFragment(u32(frame, ip + 12));
      this.#mixFragment(u32(frame, ip + 16));
      this.#mixFragment((u16(frame, ip + 4) << 8) | protocol);
      this.#finishFragment();
      if ((fragment & OFFSET_MASK) !== 0) return Verdict.FRAGMENT;
    }
    if (protocol === PROTOCOL_ICMP) return this.#readIcmp4(frame, ip + headerBytes);
    this.clientAt = ip + 12;
    this.clientBytes = 4;
    return this.#readPorts(frame, ip + headerBytes, protocol, vip);
  }

  /**
   * An ICMP error about a packet that the VIP sent must reach the node that sent it, or path MTU discovery (RFC 1191) fails
   * there. The quoted packet names the client as its destination.
   */
  #readIcmp4(frame: Uint8Array, icmp: number): Verdict {
    if (icmp + ICMP_BYTES > this.end) return Verdict.TRUNCATED;
    const type = frame[icmp];
    if (type === ICMP_ECHO) return Verdict.PING;
    if (type !== ICMP_UNREACHABLE && type !== ICMP_TIME_EXCEEDED && type !== ICMP_PARAMETER_PROBLEM) {
      return Verdict.OTHER_PROTOCOL;
    }
    const quoted = icmp + ICMP_BYTES;
    if (quoted + IPV4_BYTES > this.end) return Verdict.TRUNCATED;
    const headerBytes = (frame[quoted]! & 15) << 2;
    if (frame[quoted]! >> 4 !== 4 || headerBytes < IPV4_BYTES) return Verdict.BAD_IP;
    const vip = this.findVip4(frame, quoted + 12);
    if (vip < 0) return Verdict.NOT_FOR_VIP;
    if ((u16(frame, quoted + 6) & OFFSET_MASK) !== 0) return Verdict.OTHER_PROTOCOL;
    this.clientAt = quoted + 16;
    this.clientBytes = 4;
    return this.#readQuotedPorts(frame, quoted + headerBytes, frame[quoted + 9]!, vip);
  }

  #readIpv6(frame: Uint8Array, limit: number): Verdict {
    const ip = this.network;
    if (ip + IPV6_BYTES > limit) return Verdict.TRUNCATED;
    if (frame[ip]! >> 4 !== 6) return Verdict.BAD_IP;
    this.end = ip + IPV6_BYTES + u16(frame, ip + 4);
    if (this.end > limit) return Verdict.TRUNCATED;
    const vip = this.findVip6(frame, ip + 24);
    // Solicitations go to a multicast address.
    if (vip < 0 && frame[ip + 24] !== 0xff) return Verdict.NOT_FOR_VIP;
    const verdict = this.#walkChain(frame, ip + IPV6_BYTES, frame[ip + 6]!);
    if (verdict !== Verdict.FORWARDED) return vip < 0 ? Verdict.NOT_FOR_VIP : verdict;
    if (this.#isFragment && vip >= 0) {
      for (let word = ip + 8; word < ip + IPV6_BYTES; word += 4) this.#mixFragment(u32(frame, word));
      this.#mixFragment(this.#fragmentId);
      this.#finishFragment();
      if (this.#fragmentOffset !== 0) return Verdict.FRAGMENT;
    }
    const at = this.#at;
    if (this.#protocol === PROTOCOL_ICMPV6) {
      if (at + ICMP_BYTES > this.end) return vip < 0 ? Verdict.NOT_FOR_VIP : Verdict.TRUNCATED;
      const type = frame[at]!;
      if (type === ICMPV6_SOLICITATION || type === ICMPV6_ADVERTISEMENT) return Verdict.NEIGHBOUR;
      return vip < 0 ? Verdict.NOT_FOR_VIP : this.#readIcmp6(frame, at, type);
    }
    if (vip < 0) return Verdict.NOT_FOR_VIP;
    this.clientAt = ip + 8;
    this.clientBytes = 16;
    return this.#readPorts(frame, at, this.#protocol, vip);
  }

  #readIcmp6(frame: Uint8Array, icmp: number, type: number): Verdict {
    if (type === ICMPV6_ECHO) return Verdict.PING;
    if (type < 1 || type > ICMPV6_LAST_ERROR) return Verdict.OTHER_PROTOCOL;
    const quoted = icmp + ICMP_BYTES;
    if (quoted + IPV6_BYTES > this.end) return Verdict.TRUNCATED;
    if (frame[quoted]! >> 4 !== 6) return Verdict.BAD_IP;
    const vip = this.findVip6(frame, quoted + 8);
    if (vip < 0) return Verdict.NOT_FOR_VIP;
    this.clientAt = quoted + 24;
    this.clientBytes = 16;
    const verdict = this.#walkChain(frame, quoted + IPV6_BYTES, frame[quoted + 6]!);
    if (verdict !== Verdict.FORWARDED) return verdict;
    if (this.#fragmentOffset !== 0) return Verdict.OTHER_PROTOCOL;
    return this.#readQuotedPorts(frame, this.#at, this.#protocol, vip);
  }

  /** Goes on to the first header that is none of an extension. FORWARDED, or what keeps from getting there. */
  #walkChain(frame: Uint8Array, at: number, protocol: number): Verdict {
    this.#isFragment = false;
    this.#fragmentOffset = 0;
    for (let i = 0; i <= MAX_EXTENSIONS; i++) {
      this.#at = at;
      this.#protocol = protocol;
      if (!isExtension(protocol)) return Verdict.FORWARDED;
      if (at + 8 > this.end) return Verdict.TRUNCATED;
      const next = frame[at]!;
      if (protocol === PROTOCOL_FRAGMENT) {
        this.#isFragment = true;
        this.#fragmentOffset = u16(frame, at + 2) & 0xfff8;
        this.#fragmentId = u32(frame, at + 4);
        at += 8;
        // What follows is no header.
        if (this.#fragmentOffset !== 0) return Verdict.FORWARDED;
      } else if (protocol === PROTOCOL_AUTHENTICATION) at += (frame[at + 1]! + 2) * 4;
      else at += (frame[at + 1]! + 1) * 8;
      protocol = next;
    }
    return Verdict.OTHER_PROTOCOL;
  }

  /** Ports at the start of a TCP or UDP header, the client's first. */
  #readPorts(frame: Uint8Array, at: number, protocol: number, vip: number): Verdict {
    if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) return Verdict.OTHER_PROTOCOL;
    const isTcp = protocol === PROTOCOL_TCP;
    if (at + (isTcp ? TCP_BYTES : UDP_BYTES) > this.end) return Verdict.TRUNCATED;
    if (!this.#services.isServed(vip, !isTcp, u16(frame, at + 2))) return Verdict.OTHER_PORT;
    this.clientPort = u16(frame, at);
    this.opens = !isTcp || (frame[at + 13]! & (FLAG_SYN | FLAG_ACK)) === FLAG_SYN;
    return Verdict.FORWARDED;
  }

  /** The same in a packet that an ICMP error quotes: the VIP sent it. */
  #readQuotedPorts(frame: Uint8Array, at: number, protocol: number, vip: number): Verdict {
    if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) return Verdict.OTHER_PROTOCOL;
    if (at + QUOTED_BYTES > this.end) return Verdict.TRUNCATED;
    if (!this.#services.isServed(vip, protocol === PROTOCOL_UDP, u16(frame, at))) return Verdict.OTHER_PORT;
    this.clientPort = u16(frame, at + 2);
    this.opens = false;
    return Verdict.FORWARDED;
  }

  #mixFragment(word: number): void {
    this.fragmentTag = mix(this.fragmentTag, word, 0x9e3779b1);
    this.fragmentSlot = mix(this.fragmentSlot, word, 0x85ebca6b);
  }

  /** To be called after the last #mixFragment(). */
  #finishFragment(): void {
    this.fragmentTag = (this.fragmentTag | 1) >>> 0;
    this.fragmentSlot &= FRAGMENT_SLOTS - 1;
  }
}

function isExtension(protocol: number): boolean {
  return protocol === PROTOCOL_HOP_BY_HOP || protocol === PROTOCOL_ROUTING || protocol === PROTOCOL_FRAGMENT ||
    protocol === PROTOCOL_AUTHENTICATION || protocol === PROTOCOL_DESTINATION;
}

export function u16(frame: Uint8Array, at: number): number {
  return (frame[at]! << 8) | frame[at + 1]!;
}

export function u32(frame: Uint8Array, at: number): number {
  return ((frame[at]! << 24) | (frame[at + 1]! << 16) | (frame[at + 2]! << 8) | frame[at + 3]!) >>> 0;
}
