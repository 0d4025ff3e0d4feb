/** Described frames and the verdict each must get, in both engines. Node 1 owns every bucket: node 0, the scheduler, has weight 0. */
import { Verdict } from "../../core/scheduler/verdicts.ts";
import {
  arpFrame,
  bent,
  CLIENT6,
  extension,
  fragment6,
  icmp6Error,
  icmpFrame,
  ipv6Frame,
  solicitation,
  tagged,
  tcpFrame,
  tcpHeader,
  udpFrame,
  VIP6,
} from "./frames.ts";

export interface Fixture {
  readonly says: string;
  readonly frame: Uint8Array;
  /** Captured bytes, where fewer than the frame has. */
  readonly length?: number;
  readonly verdict: Verdict;
}

const MEMBER = "02:00:00:00:00:0b";
const SELF_MAC = "02:00:00:00:00:0a";
const tcp = tcpFrame();
const udp = udpFrame();
const icmp = icmpFrame(3);
const tcp6 = ipv6Frame(tcpHeader());
const udp6 = ipv6Frame(tcpHeader().subarray(0, 8), { protocol: 17 });
const nothing = new Uint8Array(0);

const {
  FORWARDED,
  ALREADY_SCHEDULED,
  ANSWERED,
  NEIGHBOUR,
  PING,
  TRUNCATED,
  NOT_IP,
  VLAN,
  BAD_IP,
  OTHER_MAC,
  NOT_FOR_VIP,
  FRAGMENT,
  OTHER_PROTOCOL,
  OTHER_PORT,
} = Verdict;

const ETHERNET: readonly Fixture[] = [
  { says: "sent to another MAC (flooded)", frame: tcpFrame({ destinationMac: MEMBER }), verdict: OTHER_MAC },
  { says: "broadcast to the VIP", frame: tcpFrame({ destinationMac: "ff:ff:ff:ff:ff:ff" }), verdict: OTHER_MAC },
  { says: "a flooded echo request", frame: bent(icmpFrame(8), 5, 0x0c), verdict: OTHER_MAC },
  { says: "sent by node 1: scheduled already", frame: tcpFrame({ sourceMac: MEMBER }), verdict: ALREADY_SCHEDULED },
  { says: "sent by the scheduler itself", frame: tcpFrame({ sourceMac: SELF_MAC }), verdict: ALREADY_SCHEDULED },
  { says: "a MAC one bit beside node 1's", frame: tcpFrame({ sourceMac: "02:00:00:00:01:0b" }), verdict: FORWARDED },
  {
    says: "a MAC that differs in its first octet",
    frame: tcpFrame({ sourceMac: "06:00:00:00:00:0b" }),
    verdict: FORWARDED,
  },
  { says: "source MAC all zero", frame: tcpFrame({ sourceMac: "00:00:00:00:00:00" }), verdict: FORWARDED },
  { says: "source MAC broadcast", frame: tcpFrame({ sourceMac: "ff:ff:ff:ff:ff:ff" }), verdict: FORWARDED },
  { says: "14 bytes and no packet", frame: tcp, length: 14, verdict: TRUNCATED },
  { says: "no byte at all", frame: tcp, length: 0, verdict: TRUNCATED },
  { says: "13 bytes: not even an Ethernet header", frame: tcp, length: 13, verdict: TRUNCATED },
  { says: "an EtherType below 1536 (802.3 length)", frame: tcpFrame({ etherType: 46 }), verdict: NOT_IP },
  { says: "EtherType 0", frame: tcpFrame({ etherType: 0 }), verdict: NOT_IP },
  { says: "EtherType 0xffff", frame: tcpFrame({ etherType: 0xffff }), verdict: NOT_IP },
  { says: "PPPoE", frame: tcpFrame({ etherType: 0x8864 }), verdict: NOT_IP },
  { says: "MPLS", frame: tcpFrame({ etherType: 0x8847 }), verdict: NOT_IP },
  { says: "802.1Q tag", frame: tagged(tcp, 0x8100), verdict: FORWARDED },
  { says: "802.1ad tag", frame: tagged(tcp, 0x88a8), verdict: FORWARDED },
  { says: "QinQ", frame: tagged(tcp, 0x88a8, 0x8100), verdict: FORWARDED },
  { says: "two 802.1Q tags", frame: tagged(tcp, 0x8100, 0x8100), verdict: FORWARDED },
  { says: "three tags", frame: tagged(tcp, 0x88a8, 0x8100, 0x8100), verdict: VLAN },
  { says: "a tag and no type behind it", frame: tagged(tcp, 0x8100), length: 17, verdict: TRUNCATED },
  { says: "a second tag cut short", frame: tagged(tcp, 0x8100, 0x8100), length: 20, verdict: TRUNCATED },
  {
    says: "a tag and ARP for another",
    frame: tagged(arpFrame(1, "192.0.2.77", "192.0.2.78"), 0x8100),
    verdict: NEIGHBOUR,
  },
  { says: "a tag before what is no IP", frame: tagged(tcpFrame({ etherType: 0x1234 }), 0x8100), verdict: NOT_IP },
  { says: "a tag and IPv6", frame: tagged(tcp6, 0x8100), verdict: FORWARDED },
  { says: "QinQ and an ICMP error", frame: tagged(icmp, 0x88a8, 0x8100), verdict: FORWARDED },
  {
    says: "QinQ, sent by node 1",
    frame: tagged(tcpFrame({ sourceMac: MEMBER }), 0x88a8, 0x8100),
    verdict: ALREADY_SCHEDULED,
  },
];

const IPV4: readonly Fixture[] = [
  { says: "SYN to port 443", frame: tcp, verdict: FORWARDED },
  { says: "SYN to port 80", frame: tcpFrame({ toPort: 80 }), verdict: FORWARDED },
  { says: "ACK", frame: tcpFrame({ flags: 16 }), verdict: FORWARDED },
  { says: "SYN and ACK", frame: tcpFrame({ flags: 18 }), verdict: FORWARDED },
  { says: "RST", frame: tcpFrame({ flags: 4 }), verdict: FORWARDED },
  { says: "FIN and ACK", frame: tcpFrame({ flags: 17 }), verdict: FORWARDED },
  { says: "no flag at all", frame: tcpFrame({ flags: 0 }), verdict: FORWARDED },
  { says: "every flag", frame: tcpFrame({ flags: 255 }), verdict: FORWARDED },
  { says: "client port 0", frame: tcpFrame({ fromPort: 0 }), verdict: FORWARDED },
  { says: "client port 65535", frame: tcpFrame({ fromPort: 65535 }), verdict: FORWARDED },
  { says: "client 0.0.0.0", frame: tcpFrame({ from: "0.0.0.0" }), verdict: FORWARDED },
  { says: "client 255.255.255.255", frame: tcpFrame({ from: "255.255.255.255" }), verdict: FORWARDED },
  {
    says: "client 127.255.255.255 by its highest port",
    frame: tcpFrame({ from: "127.255.255.255", fromPort: 65535 }),
    verdict: FORWARDED,
  },
  { says: "from the VIP itself", frame: tcpFrame({ from: "192.0.2.10" }), verdict: FORWARDED },
  { says: "4 bytes of IP options", frame: tcpFrame({ ipOptions: 4 }), verdict: FORWARDED },
  { says: "40 bytes of IP options", frame: tcpFrame({ ipOptions: 40 }), verdict: FORWARDED },
  {
    says: "40 bytes of IP options, to another port",
    frame: tcpFrame({ ipOptions: 40, toPort: 444 }),
    verdict: OTHER_PORT,
  },
  { says: "a full frame of 1,514 bytes", frame: tcpFrame({ payload: 1460 }), verdict: FORWARDED },
  { says: "a frame of 3,000 bytes", frame: tcpFrame({ payload: 2946 }), verdict: FORWARDED },
  { says: "padding behind a short packet", frame: tcpFrame({ payload: 3 }), verdict: FORWARDED },
  { says: "do-not-fragment set", frame: bent(tcp, 20, 0x40), verdict: FORWARDED },
  { says: "the reserved bit of the fragment field", frame: bent(tcp, 20, 0x80), verdict: FORWARDED },
  { says: "TTL 0", frame: bent(tcp, 22, 0), verdict: FORWARDED },
  { says: "a wrong header checksum", frame: bent(tcp, 24, 0x12), verdict: FORWARDED },
  { says: "every bit of DSCP and ECN", frame: bent(tcp, 15, 0xff), verdict: FORWARDED },
  { says: "a data offset of 0", frame: bent(tcp, 46, 0), verdict: FORWARDED },
  {
    says: "a first fragment: it bears the ports",
    frame: tcpFrame({ moreFragments: true, from: "198.51.100.8" }),
    verdict: FORWARDED,
  },
  {
    says: "a first fragment of UDP",
    frame: udpFrame({ moreFragments: true, from: "198.51.100.8" }),
    verdict: FORWARDED,
  },
  {
    says: "a first fragment to another port",
    frame: tcpFrame({ moreFragments: true, toPort: 22 }),
    verdict: OTHER_PORT,
  },
  { says: "a later fragment without its first", frame: tcpFrame({ fragmentOffset: 185 }), verdict: FRAGMENT },
  { says: "a fragment at offset 1", frame: tcpFrame({ fragmentOffset: 1 }), verdict: FRAGMENT },
  { says: "a fragment at the highest offset", frame: tcpFrame({ fragmentOffset: 8191 }), verdict: FRAGMENT },
  { says: "a middle fragment", frame: tcpFrame({ fragmentOffset: 185, moreFragments: true }), verdict: FRAGMENT },
  { says: "a later fragment of UDP", frame: udpFrame({ fragmentOffset: 185 }), verdict: FRAGMENT },
  { says: "a later fragment of ICMP", frame: tcpFrame({ protocol: 1, fragmentOffset: 185 }), verdict: FRAGMENT },
  {
    says: "a later fragment from node 1",
    frame: tcpFrame({ fragmentOffset: 9, sourceMac: MEMBER }),
    verdict: ALREADY_SCHEDULED,
  },
  {
    says: "a later fragment for another MAC",
    frame: tcpFrame({ fragmentOffset: 9, destinationMac: MEMBER }),
    verdict: OTHER_MAC,
  },
  {
    says: "a later fragment for another address",
    frame: tcpFrame({ fragmentOffset: 9, to: "192.0.2.11" }),
    verdict: NOT_FOR_VIP,
  },
  { says: "an IP header cut short", frame: tcp, length: 33, verdict: TRUNCATED },
  { says: "a TCP header cut short", frame: tcp, length: 40, verdict: TRUNCATED },
  { says: "cut one byte before its total length", frame: tcp, length: 53, verdict: TRUNCATED },
  { says: "captured exactly to its total length", frame: tcp, length: 54, verdict: FORWARDED },
  { says: "a packet that ends within the TCP header", frame: bent(tcp, 17, 39), verdict: TRUNCATED },
  { says: "a packet that ends with the ports", frame: bent(tcp, 17, 24), verdict: TRUNCATED },
  { says: "a packet without a byte of TCP", frame: bent(tcp, 17, 20), verdict: TRUNCATED },
  { says: "a total length beyond the frame", frame: bent(tcp, 16, 0xff), verdict: TRUNCATED },
  { says: "IP version 6 behind EtherType IPv4", frame: bent(tcp, 14, 0x65), verdict: BAD_IP },
  { says: "IP version 0", frame: bent(tcp, 14, 0x05), verdict: BAD_IP },
  { says: "IP version 15", frame: bent(tcp, 14, 0xf5), verdict: BAD_IP },
  { says: "header length 0", frame: bent(tcp, 14, 0x40), verdict: BAD_IP },
  { says: "header length 16", frame: bent(tcp, 14, 0x44), verdict: BAD_IP },
  { says: "header length 60 in a packet of 40 bytes", frame: bent(tcp, 14, 0x4f), verdict: BAD_IP },
  { says: "header length 24: the ports move on", frame: bent(tcp, 14, 0x46, 17, 44), verdict: OTHER_PORT },
  { says: "total length 0", frame: bent(tcp, 17, 0), verdict: BAD_IP },
  { says: "total length 19", frame: bent(tcp, 17, 19), verdict: BAD_IP },
  { says: "to a node's own address", frame: tcpFrame({ to: "192.0.2.11" }), verdict: NOT_FOR_VIP },
  { says: "to the address below the VIP", frame: tcpFrame({ to: "192.0.2.9" }), verdict: NOT_FOR_VIP },
  { says: "to the address above the VIP", frame: tcpFrame({ to: "192.0.2.11" }), verdict: NOT_FOR_VIP },
  { says: "to the VIP with its bytes turned round", frame: tcpFrame({ to: "10.2.0.192" }), verdict: NOT_FOR_VIP },
  { says: "to the broadcast address", frame: tcpFrame({ to: "255.255.255.255" }), verdict: NOT_FOR_VIP },
  { says: "to a multicast address", frame: tcpFrame({ to: "224.0.0.18", protocol: 112 }), verdict: NOT_FOR_VIP },
  { says: "to the second VIP", frame: tcpFrame({ to: "192.0.2.20", toPort: 143 }), verdict: FORWARDED },
  { says: "to the second VIP's last port", frame: tcpFrame({ to: "192.0.2.20", toPort: 993 }), verdict: FORWARDED },
  {
    says: "to the first VIP's port at the second",
    frame: tcpFrame({ to: "192.0.2.20", toPort: 443 }),
    verdict: OTHER_PORT,
  },
  { says: "to the second VIP's port at the first", frame: tcpFrame({ toPort: 143 }), verdict: OTHER_PORT },
  { says: "UDP to 443", frame: udp, verdict: FORWARDED },
  { says: "UDP from port 0", frame: udpFrame({ fromPort: 0 }), verdict: FORWARDED },
  { says: "UDP with IP options", frame: udpFrame({ ipOptions: 8 }), verdict: FORWARDED },
  { says: "UDP to 80, which only TCP serves", frame: udpFrame({ toPort: 80 }), verdict: OTHER_PORT },
  { says: "UDP to the second VIP", frame: udpFrame({ to: "192.0.2.20", toPort: 143 }), verdict: OTHER_PORT },
  { says: "UDP of 7 bytes", frame: bent(udp, 17, 27), verdict: TRUNCATED },
  { says: "UDP of 8 bytes", frame: bent(udp, 17, 28), verdict: FORWARDED },
  { says: "protocol 0", frame: tcpFrame({ protocol: 0 }), verdict: OTHER_PROTOCOL },
  { says: "IP in IP", frame: tcpFrame({ protocol: 4 }), verdict: OTHER_PROTOCOL },
  { says: "GRE", frame: tcpFrame({ protocol: 47 }), verdict: OTHER_PROTOCOL },
  { says: "ESP", frame: tcpFrame({ protocol: 50 }), verdict: OTHER_PROTOCOL },
  { says: "SCTP", frame: tcpFrame({ protocol: 132 }), verdict: OTHER_PROTOCOL },
  { says: "protocol 255", frame: tcpFrame({ protocol: 255 }), verdict: OTHER_PROTOCOL },
  { says: "TCP to port 22", frame: tcpFrame({ toPort: 22 }), verdict: OTHER_PORT },
  { says: "TCP to port 0", frame: tcpFrame({ toPort: 0 }), verdict: OTHER_PORT },
  { says: "TCP to port 65535", frame: tcpFrame({ toPort: 65535 }), verdict: OTHER_PORT },
  { says: "TCP to the port above", frame: tcpFrame({ toPort: 444 }), verdict: OTHER_PORT },
  { says: "TCP to the status port", frame: tcpFrame({ toPort: 7600 }), verdict: OTHER_PORT },
];

const ICMP: readonly Fixture[] = [
  { says: "ICMP echo request", frame: icmpFrame(8), verdict: PING },
  {
    says: "ICMP echo request passed on by node 1",
    frame: icmpFrame(8, { sourceMac: MEMBER }),
    verdict: ALREADY_SCHEDULED,
  },
  { says: "ICMP echo reply", frame: icmpFrame(0), verdict: OTHER_PROTOCOL },
  { says: "ICMP source quench", frame: icmpFrame(4), verdict: OTHER_PROTOCOL },
  { says: "ICMP redirect", frame: icmpFrame(5), verdict: OTHER_PROTOCOL },
  { says: "ICMP timestamp", frame: icmpFrame(13), verdict: OTHER_PROTOCOL },
  { says: "ICMP type 255", frame: icmpFrame(255), verdict: OTHER_PROTOCOL },
  { says: "ICMP unreachable about a packet of the VIP", frame: icmp, verdict: FORWARDED },
  { says: "ICMP fragmentation needed about one", frame: bent(icmp, 35, 4), verdict: FORWARDED },
  { says: "ICMP time exceeded about one", frame: icmpFrame(11), verdict: FORWARDED },
  { says: "ICMP parameter problem about one", frame: icmpFrame(12), verdict: FORWARDED },
  { says: "an ICMP error passed on by node 1", frame: icmpFrame(3, { sourceMac: MEMBER }), verdict: ALREADY_SCHEDULED },
  {
    says: "ICMP error with more than 8 bytes of the TCP header",
    frame: icmpFrame(3, { quoted: 48 }),
    verdict: FORWARDED,
  },
  { says: "ICMP error with 7 bytes of the TCP header", frame: icmpFrame(3, { quoted: 27 }), verdict: TRUNCATED },
  { says: "ICMP error with no byte of the TCP header", frame: icmpFrame(3, { quoted: 20 }), verdict: TRUNCATED },
  { says: "ICMP error with 19 bytes of the IP header", frame: icmpFrame(3, { quoted: 19 }), verdict: TRUNCATED },
  { says: "ICMP error that quotes nothing", frame: icmpFrame(3, { quoted: 0 }), verdict: TRUNCATED },
  {
    says: "ICMP error about a packet of another address",
    frame: icmpFrame(3, { from: "192.0.2.11" }),
    verdict: NOT_FOR_VIP,
  },
  {
    says: "ICMP error about the second VIP",
    frame: icmpFrame(3, { from: "192.0.2.20", fromPort: 25 }),
    verdict: FORWARDED,
  },
  { says: "ICMP error about another port", frame: icmpFrame(3, { fromPort: 22 }), verdict: OTHER_PORT },
  { says: "ICMP error about UDP", frame: icmpFrame(3, { protocol: 17 }), verdict: FORWARDED },
  {
    says: "ICMP error about UDP of another port",
    frame: icmpFrame(3, { protocol: 17, fromPort: 53 }),
    verdict: OTHER_PORT,
  },
  { says: "ICMP error about ICMP", frame: icmpFrame(3, { protocol: 1 }), verdict: OTHER_PROTOCOL },
  { says: "ICMP error about a later fragment", frame: icmpFrame(3, { fragmentOffset: 185 }), verdict: OTHER_PROTOCOL },
  { says: "ICMP error about a first fragment", frame: icmpFrame(3, { moreFragments: true }), verdict: FORWARDED },
  { says: "ICMP error that quotes IPv6", frame: bent(icmp, 42, 0x60), verdict: BAD_IP },
  { says: "ICMP error that quotes a header length of 16", frame: bent(icmp, 42, 0x44), verdict: BAD_IP },
  {
    says: "ICMP error that quotes a header of 60 bytes",
    frame: bent(icmpFrame(3, { quoted: 28 }), 42, 0x4f),
    verdict: TRUNCATED,
  },
  { says: "ICMP of 4 bytes", frame: bent(icmp, 17, 24), verdict: TRUNCATED },
  { says: "ICMP of 7 bytes", frame: bent(icmp, 17, 27), verdict: TRUNCATED },
];

const ARP: readonly Fixture[] = [
  { says: "ARP asks for the VIP", frame: arpFrame(1, "192.0.2.77", "192.0.2.10"), verdict: ANSWERED },
  { says: "ARP asks for the second VIP", frame: arpFrame(1, "192.0.2.77", "192.0.2.20"), verdict: ANSWERED },
  { says: "an ARP probe for the VIP", frame: arpFrame(1, "0.0.0.0", "192.0.2.10"), verdict: ANSWERED },
  {
    says: "ARP asks for the VIP behind a tag",
    frame: tagged(arpFrame(1, "192.0.2.77", "192.0.2.10"), 0x8100),
    verdict: ANSWERED,
  },
  {
    says: "ARP of 42 bytes asks for the VIP",
    frame: arpFrame(1, "192.0.2.77", "192.0.2.10"),
    length: 42,
    verdict: ANSWERED,
  },
  { says: "ARP cut by one byte", frame: arpFrame(1, "192.0.2.77", "192.0.2.10"), length: 41, verdict: NEIGHBOUR },
  { says: "node 1 asks for the VIP", frame: arpFrame(1, "192.0.2.12", "192.0.2.10", MEMBER), verdict: ANSWERED },
  {
    says: "the scheduler's own frame came back",
    frame: arpFrame(1, "0.0.0.0", "192.0.2.10", SELF_MAC),
    verdict: NEIGHBOUR,
  },
  { says: "ARP asks for another", frame: arpFrame(1, "192.0.2.77", "192.0.2.78"), verdict: NEIGHBOUR },
  { says: "another claims the VIP, request form", frame: arpFrame(1, "192.0.2.10", "192.0.2.10"), verdict: NEIGHBOUR },
  { says: "another claims the VIP, reply form", frame: arpFrame(2, "192.0.2.10", "192.0.2.77"), verdict: NEIGHBOUR },
  { says: "one VIP's name asks for the other", frame: arpFrame(1, "192.0.2.20", "192.0.2.10"), verdict: NEIGHBOUR },
  { says: "an ARP reply to the VIP", frame: arpFrame(2, "192.0.2.77", "192.0.2.10"), verdict: NEIGHBOUR },
  { says: "ARP of another hardware", frame: bent(arpFrame(1, "192.0.2.77", "192.0.2.10"), 15, 6), verdict: NEIGHBOUR },
  {
    says: "ARP of another protocol",
    frame: bent(arpFrame(1, "192.0.2.77", "192.0.2.10"), 16, 0x86),
    verdict: NEIGHBOUR,
  },
  {
    says: "ARP of 8 bytes of hardware address",
    frame: bent(arpFrame(1, "192.0.2.77", "192.0.2.10"), 18, 8),
    verdict: NEIGHBOUR,
  },
  {
    says: "ARP of 16 bytes of protocol address",
    frame: bent(arpFrame(1, "192.0.2.77", "192.0.2.10"), 19, 16),
    verdict: NEIGHBOUR,
  },
  { says: "ARP operation 9", frame: arpFrame(9, "192.0.2.77", "192.0.2.10"), verdict: NEIGHBOUR },
  {
    says: "an Ethernet header of ARP alone",
    frame: arpFrame(1, "192.0.2.77", "192.0.2.10"),
    length: 14,
    verdict: NEIGHBOUR,
  },
];

const chained = (count: number) => {
  let body = tcpHeader(), next = 6;
  for (let i = 0; i < count; i++) {
    body = extension(next, 1, body);
    next = 60;
  }
  return ipv6Frame(body, { protocol: next });
};

const IPV6: readonly Fixture[] = [
  { says: "IPv6 SYN", frame: tcp6, verdict: FORWARDED },
  { says: "IPv6 ACK to port 80", frame: ipv6Frame(tcpHeader(1, 80, 16)), verdict: FORWARDED },
  { says: "IPv6 UDP to 443", frame: udp6, verdict: FORWARDED },
  { says: "IPv6 UDP to 80", frame: ipv6Frame(tcpHeader(1, 80).subarray(0, 8), { protocol: 17 }), verdict: OTHER_PORT },
  { says: "IPv6 to port 22", frame: ipv6Frame(tcpHeader(1, 22)), verdict: OTHER_PORT },
  { says: "IPv6 to another address", frame: ipv6Frame(tcpHeader(), { to: "2001:db8::11" }), verdict: NOT_FOR_VIP },
  { says: "IPv6 to the mapped IPv4 VIP", frame: ipv6Frame(tcpHeader(), { to: "::ffff:c000:20a" }), verdict: FORWARDED },
  { says: "IPv6 to a multicast group", frame: ipv6Frame(tcpHeader(), { to: "ff02::1" }), verdict: NOT_FOR_VIP },
  { says: "IPv6 of version 4", frame: bent(tcp6, 14, 0x40), verdict: BAD_IP },
  { says: "IPv6 header cut short", frame: tcp6, length: 53, verdict: TRUNCATED },
  { says: "IPv6 payload beyond the frame", frame: bent(tcp6, 18, 1), verdict: TRUNCATED },
  { says: "IPv6 that ends within TCP", frame: bent(tcp6, 19, 19), verdict: TRUNCATED },
  { says: "IPv6 payload length 0", frame: bent(tcp6, 19, 0), verdict: TRUNCATED },
  { says: "IPv6 with padding behind it", frame: Uint8Array.from([...tcp6, 0, 0, 0, 0]), verdict: FORWARDED },
  { says: "IPv6 flow label and class", frame: bent(tcp6, 14, 0x6f, 15, 0xff, 16, 0xff), verdict: FORWARDED },
  { says: "IPv6 from node 1", frame: ipv6Frame(tcpHeader(), { sourceMac: MEMBER }), verdict: ALREADY_SCHEDULED },
  { says: "IPv6 for another MAC", frame: ipv6Frame(tcpHeader(), { destinationMac: MEMBER }), verdict: OTHER_MAC },
  { says: "hop-by-hop options", frame: ipv6Frame(extension(6, 1, tcpHeader()), { protocol: 0 }), verdict: FORWARDED },
  { says: "routing header", frame: ipv6Frame(extension(6, 3, tcpHeader()), { protocol: 43 }), verdict: FORWARDED },
  {
    says: "destination options of 256 bytes",
    frame: ipv6Frame(extension(6, 32, tcpHeader()), { protocol: 60 }),
    verdict: FORWARDED,
  },
  {
    says: "authentication header",
    frame: ipv6Frame(Uint8Array.from([6, 4, ...Array<number>(22).fill(0), ...tcpHeader()]), { protocol: 51 }),
    verdict: FORWARDED,
  },
  {
    says: "hop-by-hop, then destination options",
    frame: ipv6Frame(extension(60, 1, extension(6, 2, tcpHeader())), { protocol: 0 }),
    verdict: FORWARDED,
  },
  { says: "8 extension headers", frame: chained(8), verdict: FORWARDED },
  { says: "9 extension headers", frame: chained(9), verdict: OTHER_PROTOCOL },
  {
    says: "an extension header longer than the packet",
    frame: bent(ipv6Frame(extension(6, 1, tcpHeader()), { protocol: 0 }), 55, 200),
    verdict: TRUNCATED,
  },
  {
    says: "an extension header of 7 bytes",
    frame: bent(ipv6Frame(extension(6, 1, nothing), { protocol: 0 }), 19, 7),
    verdict: TRUNCATED,
  },
  { says: "no next header", frame: ipv6Frame(nothing, { protocol: 59 }), verdict: OTHER_PROTOCOL },
  { says: "IPv6 ESP", frame: ipv6Frame(tcpHeader(), { protocol: 50 }), verdict: OTHER_PROTOCOL },
  { says: "IPv4 in IPv6", frame: ipv6Frame(tcpHeader(), { protocol: 4 }), verdict: OTHER_PROTOCOL },
  {
    says: "an atomic fragment",
    frame: ipv6Frame(fragment6(6, 0, false, 7, tcpHeader()), { protocol: 44 }),
    verdict: FORWARDED,
  },
  {
    says: "a first fragment of IPv6",
    frame: ipv6Frame(fragment6(6, 0, true, 7, tcpHeader()), { protocol: 44 }),
    verdict: FORWARDED,
  },
  {
    says: "a later fragment of IPv6 without its first",
    frame: ipv6Frame(fragment6(6, 60, false, 8, tcpHeader()), { protocol: 44 }),
    verdict: FRAGMENT,
  },
  {
    says: "a later fragment whose next header is an option's",
    frame: ipv6Frame(fragment6(60, 60, false, 8, tcpHeader()), { protocol: 44 }),
    verdict: FRAGMENT,
  },
  {
    says: "a later fragment of IPv6 for another address",
    frame: ipv6Frame(fragment6(6, 60, false, 8, tcpHeader()), { protocol: 44, to: "2001:db8::11" }),
    verdict: NOT_FOR_VIP,
  },
  {
    says: "a fragment header cut short",
    frame: bent(ipv6Frame(fragment6(6, 0, true, 7, nothing), { protocol: 44 }), 19, 4),
    verdict: TRUNCATED,
  },
  {
    says: "ICMPv6 echo request",
    frame: ipv6Frame(Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 0), { protocol: 58 }),
    verdict: PING,
  },
  {
    says: "ICMPv6 echo reply",
    frame: ipv6Frame(Uint8Array.of(129, 0, 0, 0, 0, 0, 0, 0), { protocol: 58 }),
    verdict: OTHER_PROTOCOL,
  },
  {
    says: "ICMPv6 of 7 bytes",
    frame: ipv6Frame(Uint8Array.of(128, 0, 0, 0, 0, 0, 0), { protocol: 58 }),
    verdict: TRUNCATED,
  },
  { says: "ICMPv6 type 0", frame: ipv6Frame(new Uint8Array(60), { protocol: 58 }), verdict: OTHER_PROTOCOL },
  { says: "ICMPv6 type 5", frame: icmp6Error(5, tcpHeader(443, 40_000)), verdict: OTHER_PROTOCOL },
  {
    says: "router advertisement to all nodes",
    frame: ipv6Frame(Uint8Array.of(134, 0, 0, 0, 0, 0, 0, 0), { protocol: 58, to: "ff02::1" }),
    verdict: NOT_FOR_VIP,
  },
  {
    says: "multicast listener report behind a router alert",
    frame: ipv6Frame(extension(58, 1, Uint8Array.of(143, 0, 0, 0, 0, 0, 0, 0)), { protocol: 0, to: "ff02::16" }),
    verdict: NOT_FOR_VIP,
  },
  { says: "ICMPv6 packet too big about the VIP's", frame: icmp6Error(2, tcpHeader(443, 40_000)), verdict: FORWARDED },
  { says: "ICMPv6 unreachable", frame: icmp6Error(1, tcpHeader(443, 40_000)), verdict: FORWARDED },
  { says: "ICMPv6 time exceeded", frame: icmp6Error(3, tcpHeader(443, 40_000)), verdict: FORWARDED },
  { says: "ICMPv6 parameter problem", frame: icmp6Error(4, tcpHeader(443, 40_000)), verdict: FORWARDED },
  {
    says: "ICMPv6 error with 8 bytes of TCP",
    frame: icmp6Error(2, tcpHeader(443, 40_000).subarray(0, 8)),
    verdict: FORWARDED,
  },
  {
    says: "ICMPv6 error with 7 bytes of TCP",
    frame: icmp6Error(2, tcpHeader(443, 40_000).subarray(0, 7)),
    verdict: TRUNCATED,
  },
  {
    says: "ICMPv6 error about UDP",
    frame: icmp6Error(2, tcpHeader(443, 40_000).subarray(0, 8), 17),
    verdict: FORWARDED,
  },
  { says: "ICMPv6 error about another port", frame: icmp6Error(2, tcpHeader(22, 40_000)), verdict: OTHER_PORT },
  {
    says: "ICMPv6 error about another address",
    frame: icmp6Error(2, tcpHeader(443, 40_000), 6, CLIENT6),
    verdict: NOT_FOR_VIP,
  },
  {
    says: "ICMPv6 error about a packet with options",
    frame: icmp6Error(2, extension(6, 1, tcpHeader(443, 40_000)), 60),
    verdict: FORWARDED,
  },
  {
    says: "ICMPv6 error about a first fragment",
    frame: icmp6Error(2, fragment6(6, 0, true, 7, tcpHeader(443, 40_000)), 44),
    verdict: FORWARDED,
  },
  {
    says: "ICMPv6 error about a later fragment",
    frame: icmp6Error(2, fragment6(6, 9, true, 7, tcpHeader(443, 40_000)), 44),
    verdict: OTHER_PROTOCOL,
  },
  {
    says: "ICMPv6 error that quotes IPv4",
    frame: bent(icmp6Error(2, tcpHeader(443, 40_000)), 62, 0x45),
    verdict: BAD_IP,
  },
  {
    says: "ICMPv6 error that quotes half a header",
    frame: ipv6Frame(Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, ...new Uint8Array(39)]), { protocol: 58 }),
    verdict: TRUNCATED,
  },
];

const ND: readonly Fixture[] = [
  { says: "solicitation for the VIP", frame: solicitation(VIP6), verdict: ANSWERED },
  { says: "unicast solicitation for the VIP", frame: solicitation(VIP6, { to: VIP6 }), verdict: ANSWERED },
  { says: "solicitation for the VIP behind a tag", frame: tagged(solicitation(VIP6), 0x8100), verdict: ANSWERED },
  { says: "solicitation for another", frame: solicitation("2001:db8::11"), verdict: NEIGHBOUR },
  {
    says: "solicitation from nobody: it is about to take the VIP",
    frame: solicitation(VIP6, { from: "::" }),
    verdict: NEIGHBOUR,
  },
  { says: "solicitation from the VIP", frame: solicitation(VIP6, { from: VIP6 }), verdict: NEIGHBOUR },
  { says: "solicitation by node 1", frame: solicitation(VIP6, { sourceMac: MEMBER }), verdict: ANSWERED },
  { says: "solicitation that a router passed on", frame: solicitation(VIP6, { hopLimit: 254 }), verdict: NEIGHBOUR },
  { says: "solicitation of code 1", frame: bent(solicitation(VIP6), 55, 1), verdict: NEIGHBOUR },
  { says: "solicitation without its sender's MAC", frame: bent(solicitation(VIP6), 78, 14), verdict: NEIGHBOUR },
  { says: "solicitation with an option of two units", frame: bent(solicitation(VIP6), 79, 2), verdict: NEIGHBOUR },
  { says: "solicitation of 24 bytes", frame: bent(solicitation(VIP6), 19, 24), verdict: NEIGHBOUR },
  { says: "advertisement of the VIP by another", frame: bent(solicitation(VIP6), 54, 136), verdict: NEIGHBOUR },
  {
    says: "solicitation behind hop-by-hop options",
    frame: ipv6Frame(extension(58, 1, solicitation(VIP6).subarray(54)), {
      protocol: 0,
      hopLimit: 255,
      to: "ff02::1:ff00:10",
    }),
    verdict: NEIGHBOUR,
  },
];

export const FIXTURES: readonly Fixture[] = [...ETHERNET, ...IPV4, ...ICMP, ...ARP, ...IPV6, ...ND];
