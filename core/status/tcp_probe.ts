/**
 * Frames of a TCP health check by the way that clients' frames go: to the VIP, addressed to the node's MAC. The node's own stack and
 * web server answer, straight to the scheduler. RFC 9293. Pure: bytes in, bytes out.
 */
import { ipToBytes, macToBytes } from "../scheduler/addresses.ts";
import { u16, u32 } from "../scheduler/frame.ts";

const IP = 14;
const TCP = 34;
const FRAME_BYTES = 54;
const FIN_SYN_RST_ACK = 0x17;
const SYN = 2;
const RST = 4;
const SYN_ACK = 0x12;
const TCP_PROTOCOL = 6;

export interface ProbePath {
  readonly ownMac: string;
  readonly ownAddress: string;
  readonly vip: string;
  readonly port: number;
}

/** Opens a connection to the node of that MAC. */
export function synFrame(
  path: ProbePath,
  nodeMac: string,
  fromPort: number,
  sequence: number,
): Uint8Array<ArrayBuffer> {
  return segment(path, nodeMac, fromPort, sequence, SYN);
}

/** Takes the half-open connection back. */
export function resetFrame(
  path: ProbePath,
  nodeMac: string,
  fromPort: number,
  sequence: number,
): Uint8Array<ArrayBuffer> {
  return segment(path, nodeMac, fromPort, sequence + 1, RST);
}

/** What came from the VIP: to which port, whether to the SYN of that sequence number, and whether it is accepted. */
export interface ProbeAnswer {
  readonly toPort: number;
  readonly acknowledged: number;
  readonly accepts: boolean;
}

/** Undefined for a frame that is no answer to a probe. */
export function readAnswer(frame: Uint8Array, limit: number, start: number): ProbeAnswer | undefined {
  const tcp = start + IP + ((frame[start + IP]! & 15) << 2);
  if (tcp + 20 > limit || frame[start + IP + 9] !== TCP_PROTOCOL) return undefined;
  const flags = frame[tcp + 13]! & FIN_SYN_RST_ACK;
  if (flags !== SYN_ACK && (flags & RST) === 0) return undefined;
  return { toPort: u16(frame, tcp + 2), acknowledged: u32(frame, tcp + 8), accepts: flags === SYN_ACK };
}

function segment(
  path: ProbePath,
  nodeMac: string,
  fromPort: number,
  sequence: number,
  flags: number,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_BYTES);
  const view = new DataView(frame.buffer);
  frame.set([...macToBytes(nodeMac), ...macToBytes(path.ownMac), 8, 0, 0x45]);
  view.setUint16(IP + 2, FRAME_BYTES - IP);
  frame[IP + 8] = 64;
  frame[IP + 9] = TCP_PROTOCOL;
  frame.set(ipToBytes(path.ownAddress).subarray(12), IP + 12);
  frame.set(ipToBytes(path.vip).subarray(12), IP + 16);
  view.setUint16(IP + 10, checksum(frame, IP, TCP, 0));
  view.setUint16(TCP, fromPort);
  view.setUint16(TCP + 2, path.port);
  view.setUint32(TCP + 4, sequence);
  view.setUint16(TCP + 12, (5 << 12) | flags);
  view.setUint16(TCP + 14, 1024);
  // Over addresses, protocol, length and segment.
  view.setUint16(TCP + 16, checksum(frame, IP + 12, FRAME_BYTES, TCP_PROTOCOL + FRAME_BYTES - TCP));
  return frame;
}

/** RFC 1071, of an even number of bytes. */
function checksum(frame: Uint8Array, from: number, to: number, sum: number): number {
  for (let at = from; at < to; at += 2) sum += u16(frame, at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
