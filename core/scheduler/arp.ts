/** ARP for a VIP (RFC 826; announcements and probes: RFC 5227). `limit` is the offset behind the frame. */
import { type FrameReader, u16 } from "./frame.ts";

/** Bytes of the packet behind Ethernet and tags. */
const PACKET_BYTES = 28;
const REQUEST = 1;
const REPLY = 2;

/** Whether an ARP packet at `at` asks for a VIP's MAC; who names a VIP as its own claims it. */
export function asksByArp(frame: Uint8Array, limit: number, at: number, reader: FrameReader): boolean {
  return isArp(frame, limit, at) && u16(frame, at + 6) === REQUEST && reader.findVip4(frame, at + 24) >= 0 &&
    reader.findVip4(frame, at + 14) < 0;
}

/** Whether it says that another machine has a VIP. */
export function claimsByArp(frame: Uint8Array, limit: number, at: number, reader: FrameReader): boolean {
  return isArp(frame, limit, at) && reader.findVip4(frame, at + 14) >= 0;
}

/** Ethernet, IPv4, 6 and 4 bytes. */
function isArp(frame: Uint8Array, limit: number, at: number): boolean {
  return at + PACKET_BYTES <= limit && u16(frame, at) === 1 && u16(frame, at + 2) === 0x0800 && frame[at + 4] === 6 &&
    frame[at + 5] === 4;
}

/** Makes the packet that asks the answer to it; the Ethernet header is left. */
export function answerArp(frame: Uint8Array, at: number, mac: Uint8Array, macAt: number): void {
  frame[at + 7] = REPLY;
  for (let i = 0; i < 4; i++) {
    const vip = frame[at + 24 + i]!;
    frame[at + 24 + i] = frame[at + 14 + i]!;
    frame[at + 14 + i] = vip;
  }
  for (let i = 0; i < 6; i++) {
    frame[at + 18 + i] = frame[at + 8 + i]!;
    frame[at + 8 + i] = mac[macAt + i]!;
  }
}

/**
 * Tells everyone that the VIP is here, in the request form: Linux ignores the reply form within its locktime of 1 s.
 * @param vip four bytes
 */
export function arpAnnouncement(vip: Uint8Array, mac: Uint8Array): Uint8Array<ArrayBuffer> {
  return request(mac, vip, vip);
}

/** Asks whether anyone has the VIP without claiming it: sender address 0 (RFC 5227 section 2.1.1). */
export function arpProbe(vip: Uint8Array, mac: Uint8Array): Uint8Array<ArrayBuffer> {
  return request(mac, new Uint8Array(4), vip);
}

function request(mac: Uint8Array, senderIp: Uint8Array, targetIp: Uint8Array): Uint8Array<ArrayBuffer> {
  const broadcast = Array<number>(6).fill(255), nobody = Array<number>(6).fill(0);
  const header = [8, 6, 0, 1, 8, 0, 6, 4, 0, REQUEST];
  return Uint8Array.from([...broadcast, ...mac, ...header, ...mac, ...senderIp, ...nobody, ...targetIp]);
}
