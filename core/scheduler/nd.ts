/** Neighbour discovery for an IPv6 VIP (RFC 4861): what ARP is for IPv4. `ip` is the offset of the IPv6 header, `limit` that behind the frame. */
import { type FrameReader, u16 } from "./frame.ts";

const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
const SOURCE = 8;
const DESTINATION = 24;
const TYPE = 40;
const CHECKSUM = 42;
const FLAGS = 44;
const TARGET = 48;
const OPTION = 64;
const OPTION_MAC = 66;
const END = 72;

const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
/** A solicitation with its sender's MAC as the only option; the advertisement has the same size. */
const MESSAGE_BYTES = END - TYPE;
const SOURCE_MAC = 1;
const TARGET_MAC = 2;
const SOLICITED_OVERRIDE = 0x60;
const OVERRIDE = 0x20;
/** A router in between would have counted it down. */
const FULL_HOP_LIMIT = 255;

/** Whether it asks for a VIP's MAC; who asks from no address, or from a VIP, claims it. */
export function asksByNd(frame: Uint8Array, limit: number, ip: number, reader: FrameReader): boolean {
  return ip + END <= limit && frame[ip + NEXT_HEADER] === ICMPV6 && u16(frame, ip + 4) === MESSAGE_BYTES &&
    frame[ip + HOP_LIMIT] === FULL_HOP_LIMIT && frame[ip + TYPE] === SOLICITATION && frame[ip + TYPE + 1] === 0 &&
    frame[ip + OPTION] === SOURCE_MAC && frame[ip + OPTION + 1] === 1 && !isNobody(frame, ip + SOURCE) &&
    reader.findVip6(frame, ip + TARGET) >= 0 && reader.findVip6(frame, ip + SOURCE) < 0;
}

/** Whether it says that another machine has a VIP or is about to take it (RFC 4862 section 5.4). */
export function claimsByNd(frame: Uint8Array, limit: number, ip: number, reader: FrameReader): boolean {
  if (ip + OPTION > limit || frame[ip + HOP_LIMIT] !== FULL_HOP_LIMIT || frame[ip + NEXT_HEADER] !== ICMPV6) {
    return false;
  }
  return reader.findVip6(frame, ip + TARGET) >= 0 &&
    (frame[ip + TYPE] === ADVERTISEMENT || isNobody(frame, ip + SOURCE) || reader.findVip6(frame, ip + SOURCE) >= 0);
}

function isNobody(frame: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i++) if (frame[at + i] !== 0) return false;
  return true;
}

/** Makes the solicitation the advertisement that answers it; the Ethernet header is left. */
export function answerNd(frame: Uint8Array, ip: number, mac: Uint8Array, macAt: number): void {
  for (let i = 0; i < 16; i++) {
    frame[ip + DESTINATION + i] = frame[ip + SOURCE + i]!;
    frame[ip + SOURCE + i] = frame[ip + TARGET + i]!;
  }
  frame[ip + TYPE] = ADVERTISEMENT;
  frame[ip + FLAGS] = SOLICITED_OVERRIDE;
  frame[ip + OPTION] = TARGET_MAC;
  for (let i = 0; i < 6; i++) frame[ip + OPTION_MAC + i] = mac[macAt + i]!;
  writeChecksum(frame, ip);
}

/**
 * Tells all nodes of the link that the VIP is here (RFC 4861 section 7.2.6).
 * @param vip 16 bytes
 */
export function ndAnnouncement(vip: Uint8Array, mac: Uint8Array): Uint8Array<ArrayBuffer> {
  const allNodes = [0xff, 2, ...Array<number>(13).fill(0), 1];
  return message(vip, allNodes, [0x33, 0x33, 0, 0, 0, 1], mac, ADVERTISEMENT, OVERRIDE, vip, TARGET_MAC);
}

/** Asks whether anyone has the VIP, from the link-local address that belongs to the MAC (RFC 4291 appendix A). */
export function ndProbe(vip: Uint8Array, mac: Uint8Array): Uint8Array<ArrayBuffer> {
  const from = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, mac[3]!, mac[4]!, mac[5]!];
  const last = [...vip.subarray(13)];
  const group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...last];
  return message(Uint8Array.from(from), group, [0x33, 0x33, 0xff, ...last], mac, SOLICITATION, 0, vip, SOURCE_MAC);
}

function message(
  from: Uint8Array,
  to: readonly number[],
  toMac: readonly number[],
  mac: Uint8Array,
  type: number,
  flags: number,
  target: Uint8Array,
  option: number,
): Uint8Array<ArrayBuffer> {
  const ip = 14;
  const frame = new Uint8Array(ip + END);
  frame.set([...toMac, ...mac, 0x86, 0xdd, 0x60, 0, 0, 0, 0, MESSAGE_BYTES, ICMPV6, FULL_HOP_LIMIT]);
  frame.set(from, ip + SOURCE);
  frame.set(to, ip + DESTINATION);
  frame[ip + TYPE] = type;
  frame[ip + FLAGS] = flags;
  frame.set(target, ip + TARGET);
  frame.set([option, 1, ...mac], ip + OPTION);
  writeChecksum(frame, ip);
  return frame;
}

/** Over addresses, length, next header and message: RFC 8200 section 8.1. */
function writeChecksum(frame: Uint8Array, ip: number): void {
  frame[ip + CHECKSUM] = 0;
  frame[ip + CHECKSUM + 1] = 0;
  let sum = MESSAGE_BYTES + ICMPV6;
  for (let at = ip + SOURCE; at < ip + END; at += 2) sum += u16(frame, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  sum = ~sum & 0xffff;
  frame[ip + CHECKSUM] = sum >> 8;
  frame[ip + CHECKSUM + 1] = sum;
}
