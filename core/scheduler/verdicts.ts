/**
 * What the scheduler decided of a frame. Every frame gets one verdict, and every verdict is counted. `enum verdict` of bpf/tables.h has the
 * same order.
 */
export const Verdict = {
  /** To another node: MACs rewritten. */
  FORWARDED: 0,
  /** To the scheduler's own stack. */
  SELF: 1,
  /** An array node sent it: it was scheduled already, and the own kernel has it. */
  ALREADY_SCHEDULED: 2,
  /** Asked for the MAC of a VIP, by ARP or neighbour discovery: the frame is the answer now. */
  ANSWERED: 3,
  /** Other ARP and neighbour discovery. */
  NEIGHBOUR: 4,
  /** ICMP echo request to a VIP: the scheduler answers for the array. */
  PING: 5,
  // From here on: not the scheduler's. To the kernel, whose guard drops what names a VIP.
  /** Fewer bytes than the frame or its headers need. */
  TRUNCATED: 6,
  /** Neither IP nor ARP. */
  NOT_IP: 7,
  /** More than two VLAN tags. */
  VLAN: 8,
  /** IP version, header length or total length that cannot be. */
  BAD_IP: 9,
  /** For a VIP, but addressed to another machine's MAC: a switch floods it. */
  OTHER_MAC: 10,
  /** For another address. */
  NOT_FOR_VIP: 11,
  // From here on: for a VIP, and dropped.
  /** A later fragment whose first was not seen: it bears no port. */
  FRAGMENT: 12,
  /** Neither TCP, UDP nor an ICMP message that can be placed. */
  OTHER_PROTOCOL: 13,
  /** To a port that is not served. */
  OTHER_PORT: 14,
  /** No node is enabled, alive and of a weight above 0. */
  NO_NODE: 15,
  /** This node does not schedule; or no more, and nobody owns the bucket. */
  NOT_ACTIVE: 16,
  /** The system refused to send it. */
  SEND_FAILED: 17,
  /** The kernel's buffer was full: this process did not read in time. */
  BUFFER_FULL: 18,
} as const;

export type Verdict = typeof Verdict[keyof typeof Verdict];

/** Names for people and JSON, by verdict. */
export const VERDICT_NAMES = Object.keys(Verdict).map((name) => name.toLowerCase());
