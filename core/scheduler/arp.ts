/** ARP for the VIP (RFC 826; announcements and probes: RFC 5227). Frames are 42 bytes, Ethernet header first. */

export const ARP_BYTES = 42;
const BROADCAST = new Uint8Array(6).fill(255);
const NOBODY = new Uint8Array(6);
const REQUEST = 1;
const REPLY = 2;

/** What an ARP frame means to the owner of the VIP. */
export type ArpMeaning = "asks" | "claims" | "other";

export class VipArp {
  #vip: Uint8Array;

  /** @param vip four bytes; @param mac the scheduler's own */
  constructor(vip: Uint8Array, readonly mac: Uint8Array) {
    this.#vip = vip;
  }

  /** `asks`: somebody wants the VIP's MAC. `claims`: another machine says that it has the VIP. */
  read(frame: Uint8Array, length: number): ArpMeaning {
    if (length < ARP_BYTES) return "other";
    // Ethernet, IPv4, 6 and 4 bytes.
    if (frame[14] !== 0 || frame[15] !== 1 || frame[16] !== 8 || frame[17] !== 0) return "other";
    if (frame[18] !== 6 || frame[19] !== 4) return "other";
    const operation = (frame[20]! << 8) | frame[21]!;
    if (equal(frame, 22, this.mac)) return "other";
    if (equal(frame, 28, this.#vip)) return "claims";
    return operation === REQUEST && equal(frame, 38, this.#vip) ? "asks" : "other";
  }

  /** The answer to a frame that asks. */
  answer(question: Uint8Array): Uint8Array {
    const asker = question.slice(22, 28);
    return build(REPLY, this.mac, asker, this.mac, this.#vip, asker, question.slice(28, 32));
  }

  /** Tells everyone that the VIP is here, in the request form: Linux ignores the reply form within its locktime of 1 s. */
  announcement(): Uint8Array {
    return build(REQUEST, this.mac, BROADCAST, this.mac, this.#vip, NOBODY, this.#vip);
  }

  /** Asks whether anyone has the VIP without claiming it: sender address 0 (RFC 5227 section 2.1.1). */
  probe(): Uint8Array {
    return build(REQUEST, this.mac, BROADCAST, this.mac, new Uint8Array(4), NOBODY, this.#vip);
  }
}

function build(
  operation: number,
  from: Uint8Array,
  to: Uint8Array,
  senderMac: Uint8Array,
  senderIp: Uint8Array,
  targetMac: Uint8Array,
  targetIp: Uint8Array,
): Uint8Array {
  const header = [8, 6, 0, 1, 8, 0, 6, 4, 0, operation];
  return Uint8Array.from([...to, ...from, ...header, ...senderMac, ...senderIp, ...targetMac, ...targetIp]);
}

function equal(frame: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (frame[at + i] !== bytes[i]) return false;
  return true;
}
