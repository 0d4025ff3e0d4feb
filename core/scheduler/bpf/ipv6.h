/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* RFC 8200 (IPv6), RFC 4443 (ICMPv6). */
#pragma once
#include <linux/in6.h>
#include <linux/ipv6.h>
#include "frame.h"

#define ICMPV6_ERRORS 4 /* unreachable, packet too big, time exceeded, parameter problem */
#define ICMPV6_ECHO 128
#define ICMPV6_SOLICITATION 135
#define ICMPV6_ADVERTISEMENT 136

/* The way through extension headers. */
struct chain {
	__u32 at;
	int protocol;
	__u16 fragment_offset;
	__u32 fragment_id;
	int is_fragment;
};

/* Leaves the chain at the first header that is none of an extension. FORWARDED, or what keeps from getting there. */
__noinline int walk_chain(struct xdp_md *ctx, const struct frame *f, struct chain *c)
{
	if (!f || !c)
		return TRUNCATED;
	for (int i = 0; i <= MAX_EXTENSIONS; i++) {
		const __u8 *header;

		if (c->protocol != PROTOCOL_HOP_BY_HOP && c->protocol != PROTOCOL_ROUTING &&
		    c->protocol != PROTOCOL_FRAGMENT && c->protocol != PROTOCOL_AUTHENTICATION &&
		    c->protocol != PROTOCOL_DESTINATION)
			return FORWARDED;
		if (c->at + 8 > f->end)
			return TRUNCATED;
		header = bytes_at(ctx, c->at, 8);
		if (!header)
			return TRUNCATED;
		if (c->protocol == PROTOCOL_FRAGMENT) {
			c->is_fragment = 1;
			c->fragment_offset = (header[2] << 8 | header[3]) & 0xfff8;
			c->fragment_id = bpf_ntohl(*(const __be32 *)(header + 4));
			c->at += 8;
			/* What follows is no header. */
			if (c->fragment_offset) {
				c->protocol = header[0];
				return FORWARDED;
			}
		} else if (c->protocol == PROTOCOL_AUTHENTICATION) {
			c->at += (header[1] + 2) * 4;
		} else {
			c->at += (header[1] + 1) * 8;
		}
		c->protocol = header[0];
	}
	return OTHER_PROTOCOL;
}

__noinline int read_icmp6(struct xdp_md *ctx, struct frame *f, __u32 at, int type)
{
	struct chain c = {};
	const struct ipv6hdr *quoted;
	enum verdict verdict;
	int vip;

	if (!f)
		return TRUNCATED;
	if (type == ICMPV6_ECHO)
		return PING;
	if (type < 1 || type > ICMPV6_ERRORS)
		return OTHER_PROTOCOL;
	at += ICMP_BYTES;
	if (at + IPV6_BYTES > f->end)
		return TRUNCATED;
	quoted = bytes_at(ctx, at, IPV6_BYTES);
	if (!quoted)
		return TRUNCATED;
	if (quoted->version != 6)
		return BAD_IP;
	vip = find_vip6(&quoted->saddr);
	if (vip < 0)
		return NOT_FOR_VIP;
	__builtin_memcpy(f->client, &quoted->daddr, 16);
	f->client_words = 4;
	c.at = at + IPV6_BYTES;
	c.protocol = quoted->nexthdr;
	verdict = walk_chain(ctx, f, &c);
	if (verdict != FORWARDED)
		return verdict;
	if (c.fragment_offset)
		return OTHER_PROTOCOL;
	return read_quoted_ports(ctx, f, c.at, c.protocol, vip);
}

__noinline int read_ipv6(struct xdp_md *ctx, struct frame *f)
{
	__u32 at;
	struct chain c = {};
	const struct ipv6hdr *ip;
	enum verdict verdict;
	int vip, multicast;

	if (!f)
		return TRUNCATED;
	at = f->network;
	ip = bytes_at(ctx, at, IPV6_BYTES);
	if (!ip)
		return TRUNCATED;
	if (ip->version != 6)
		return BAD_IP;
	f->end = at + IPV6_BYTES + bpf_ntohs(ip->payload_len);
	if (!holds_packet(ctx, f))
		return TRUNCATED;
	multicast = ip->daddr.s6_addr[0] == 0xff;
	vip = find_vip6(&ip->daddr);
	if (vip < 0 && !multicast)
		return NOT_FOR_VIP;
	c.at = at + IPV6_BYTES;
	c.protocol = ip->nexthdr;
	verdict = walk_chain(ctx, f, &c);
	if (verdict != FORWARDED)
		return vip < 0 ? NOT_FOR_VIP : verdict;
	if (c.is_fragment && vip >= 0) {
		for (int i = 0; i < 4; i++)
			mix_fragment(f, bpf_ntohl(ip->saddr.s6_addr32[i]));
		for (int i = 0; i < 4; i++)
			mix_fragment(f, bpf_ntohl(ip->daddr.s6_addr32[i]));
		mix_fragment(f, c.fragment_id);
		finish_fragment(f);
		if (c.fragment_offset)
			return FRAGMENT;
	}
	if (c.protocol == PROTOCOL_ICMPV6) {
		const __u8 *type = bytes_at(ctx, c.at, 1);

		if (c.at + ICMP_BYTES > f->end || !type)
			return vip < 0 ? NOT_FOR_VIP : TRUNCATED;
		if (*type == ICMPV6_SOLICITATION || *type == ICMPV6_ADVERTISEMENT)
			return NEIGHBOUR;
		return vip < 0 ? NOT_FOR_VIP : read_icmp6(ctx, f, c.at, *type);
	}
	if (vip < 0)
		return NOT_FOR_VIP;
	__builtin_memcpy(f->client, &ip->saddr, 16);
	f->client_words = 4;
	return read_ports(ctx, f, c.at, c.protocol, vip);
}
