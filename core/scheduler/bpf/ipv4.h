/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* RFC 791 (IPv4), RFC 792 (ICMP). */
#pragma once
#include <linux/ip.h>
#include "frame.h"

#define ICMP_UNREACHABLE 3
#define ICMP_ECHO 8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER_PROBLEM 12

/* An error about a packet that the VIP sent; the quoted packet names the client as its destination. */
__noinline int read_icmp4(struct xdp_md *ctx, struct frame *f, __u32 at)
{
	const struct iphdr *quoted;
	const __u8 *type;
	__u32 header;
	int vip;

	if (!f || at + ICMP_BYTES > f->end)
		return TRUNCATED;
	type = bytes_at(ctx, at, 1);
	if (!type)
		return TRUNCATED;
	if (*type == ICMP_ECHO)
		return PING;
	if (*type != ICMP_UNREACHABLE && *type != ICMP_TIME_EXCEEDED && *type != ICMP_PARAMETER_PROBLEM)
		return OTHER_PROTOCOL;
	at += ICMP_BYTES;
	if (at + IPV4_BYTES > f->end)
		return TRUNCATED;
	quoted = bytes_at(ctx, at, IPV4_BYTES);
	if (!quoted)
		return TRUNCATED;
	header = quoted->ihl * 4;
	if (quoted->version != 4 || header < IPV4_BYTES)
		return BAD_IP;
	vip = find_vip4(quoted->saddr);
	if (vip < 0)
		return NOT_FOR_VIP;
	if (quoted->frag_off & bpf_htons(OFFSET_MASK))
		return OTHER_PROTOCOL;
	f->client[0] = quoted->daddr;
	f->client_words = 1;
	return read_quoted_ports(ctx, f, at + header, quoted->protocol, vip);
}

static __always_inline enum verdict read_ipv4(struct xdp_md *ctx, struct frame *f)
{
	__u32 at = f->network, header;
	const struct iphdr *ip = bytes_at(ctx, at, IPV4_BYTES);
	__u8 first;
	int vip;

	if (unlikely(!ip))
		return TRUNCATED;
	first = *(const __u8 *)ip;
	header = (first & 15) * 4;
	f->end = at + bpf_ntohs(ip->tot_len);
	if (unlikely(first >> 4 != 4 || header < IPV4_BYTES || at + header > f->end))
		return BAD_IP;
	if (unlikely(!holds_packet(ctx, f)))
		return TRUNCATED;
	vip = find_vip4(ip->daddr);
	if (vip < 0)
		return NOT_FOR_VIP;
	if (unlikely(ip->frag_off & bpf_htons(MORE_FRAGMENTS | OFFSET_MASK))) {
		mix_fragment(f, bpf_ntohl(ip->saddr));
		mix_fragment(f, bpf_ntohl(ip->daddr));
		mix_fragment(f, (__u32)bpf_ntohs(ip->id) << 8 | ip->protocol);
		finish_fragment(f);
		if (ip->frag_off & bpf_htons(OFFSET_MASK))
			return FRAGMENT;
	}
	if (unlikely(ip->protocol == PROTOCOL_ICMP))
		return read_icmp4(ctx, f, at + header);
	f->client[0] = ip->saddr;
	f->client_words = 1;
	return read_ports(ctx, f, at + header, ip->protocol, vip);
}
