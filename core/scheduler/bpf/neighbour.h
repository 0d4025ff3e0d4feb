/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Answers for the VIPs, in the frame that asks: ARP (RFC 826) and neighbour discovery (RFC 4861).
 * core/scheduler/arp.ts and core/scheduler/nd.ts answer the same questions with the same bytes.
 */
#pragma once
#include "ipv6.h"

/* An ARP packet between Ethernet and IPv4 addresses. */
struct arp {
	__be16 hardware, protocol;
	__u8 hardware_bytes, protocol_bytes;
	__be16 operation;
	struct mac sender_mac;
	__be16 sender_ip[2];
	struct mac target_mac;
	__be16 target_ip[2];
};

#define ARP_REQUEST 1
#define ARP_REPLY 2

/* A solicitation with its sender's link-layer address as its only option; the advertisement has the same size. */
struct solicitation {
	struct ipv6hdr ip;
	__u8 type, code;
	__be16 checksum;
	__u8 flags, reserved[3];
	struct in6_addr target;
	__u8 option, option_units;
	struct mac mac;
};

#define SOLICITATION_BYTES 32 /* behind the IPv6 header */
#define OPTION_SOURCE_MAC 1
#define OPTION_TARGET_MAC 2
#define SOLICITED_OVERRIDE 0x60
#define HOP_LIMIT 255

static __always_inline struct mac as_mac(__u64 number)
{
	return (struct mac){ { number, number >> 16, number >> 32 } };
}

static __always_inline __u32 joined(const __be16 half[2])
{
	return half[0] | (__u32)half[1] << 16;
}

__noinline int answer_arp(struct xdp_md *ctx, __u32 at, __u64 own)
{
	struct ethernet *ethernet = bytes_at(ctx, 0, sizeof(*ethernet));
	struct arp *arp = bytes_at(ctx, at, sizeof(*arp));
	__be16 vip[2];

	if (!ethernet || !arp || arp->hardware != bpf_htons(1) || arp->protocol != bpf_htons(TYPE_IPV4) ||
	    arp->hardware_bytes != 6 || arp->protocol_bytes != 4 || arp->operation != bpf_htons(ARP_REQUEST))
		return NEIGHBOUR;
	/* Who names a VIP as its own claims it. */
	if (find_vip4(joined(arp->target_ip)) < 0 || find_vip4(joined(arp->sender_ip)) >= 0)
		return NEIGHBOUR;
	__builtin_memcpy(vip, arp->target_ip, sizeof(vip));
	arp->operation = bpf_htons(ARP_REPLY);
	arp->target_mac = arp->sender_mac;
	__builtin_memcpy(arp->target_ip, arp->sender_ip, sizeof(vip));
	arp->sender_mac = as_mac(own);
	__builtin_memcpy(arp->sender_ip, vip, sizeof(vip));
	set_macs(ethernet, source_of(ethernet), own);
	return ANSWERED;
}

__noinline int answer_solicitation(struct xdp_md *ctx, __u32 at, __u64 own)
{
	struct ethernet *ethernet = bytes_at(ctx, 0, sizeof(*ethernet));
	struct solicitation *n = bytes_at(ctx, at, sizeof(*n));
	struct in6_addr asker;
	__u32 sum;

	if (!ethernet || !n || n->ip.nexthdr != PROTOCOL_ICMPV6 || n->ip.payload_len != bpf_htons(SOLICITATION_BYTES) ||
	    n->ip.hop_limit != HOP_LIMIT || n->type != ICMPV6_SOLICITATION || n->code != 0 ||
	    n->option != OPTION_SOURCE_MAC || n->option_units != 1)
		return NEIGHBOUR;
	asker = n->ip.saddr;
	/* Who asks from no address, or from a VIP, claims it. */
	if (!(asker.s6_addr32[0] | asker.s6_addr32[1] | asker.s6_addr32[2] | asker.s6_addr32[3]) ||
	    find_vip6(&n->target) < 0 || find_vip6(&asker) >= 0)
		return NEIGHBOUR;
	n->ip.saddr = n->target;
	n->ip.daddr = asker;
	n->type = ICMPV6_ADVERTISEMENT;
	n->flags = SOLICITED_OVERRIDE;
	n->option = OPTION_TARGET_MAC;
	n->mac = as_mac(own);
	n->checksum = 0;
	/* Pseudo header (RFC 8200 section 8.1): addresses, length, next header. */
	sum = bpf_csum_diff(NULL, 0, (void *)&n->ip.saddr, 2 * sizeof(n->ip.saddr), 0);
	sum = bpf_csum_diff(NULL, 0, (void *)&n->type, SOLICITATION_BYTES, sum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += bpf_htons(SOLICITATION_BYTES) + bpf_htons(PROTOCOL_ICMPV6);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	n->checksum = ~sum;
	set_macs(ethernet, source_of(ethernet), own);
	return ANSWERED;
}
