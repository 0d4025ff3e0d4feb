/** What the scheduler decided of a frame. Every frame gets one verdict, and every verdict is counted. */
export const Verdict = {
  /** To another node: MACs rewritten. */
  FORWARDED: 0,
  /** To the scheduler's own stack. */
  SELF: 1,
  /** An array node sent it: it was scheduled already, and the own kernel has it. */
  ALREADY_SCHEDULED: 2,
  /** ARP, handled apart. */
  ARP: 3,
  /** ICMP echo request to the VIP: the scheduler answers for the array. */
  PING: 4,
  // From here on: dropped.
  /** Fewer bytes captured than the frame or its headers need. */
  TRUNCATED: 5,
  /** Neither IPv4 nor ARP. */
  NOT_IPV4: 6,
  /** 802.1Q or 802.1ad tag. */
  VLAN: 7,
  /** IP version, header length or total length that cannot be. */
  BAD_IP: 8,
  /** For another address. */
  NOT_FOR_VIP: 9,
  /** A later fragment: it bears no port. */
  FRAGMENT: 10,
  /** Neither TCP nor an ICMP message that can be placed. */
  NOT_TCP: 11,
  /** TCP to a port that is not the array's. */
  OTHER_PORT: 12,
  /** No node is enabled, alive and of a weight above 0. */
  NO_NODE: 13,
  /** The system refused to send it. */
  SEND_FAILED: 14,
  /** The kernel's buffer was full: this process did not read in time. */
  BUFFER_FULL: 15,
} as const;

export type Verdict = typeof Verdict[keyof typeof Verdict];

/** Names for people and JSON, by verdict. */
export const VERDICT_NAMES = Object.keys(Verdict).map((name) => name.toLowerCase());

/** Counters by verdict, in one buffer with one writer. */
export class VerdictCounts {
  static readonly BYTES = 64 * 8;
  readonly counts: Float64Array;

  constructor(buffer: ArrayBuffer, offset: number) {
    this.counts = new Float64Array(buffer, offset, VERDICT_NAMES.length);
  }

  /** By name. */
  toObject(): Record<string, number> {
    return Object.fromEntries(VERDICT_NAMES.map((name, verdict) => [name, this.counts[verdict]!]));
  }
}
