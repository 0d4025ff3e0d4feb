/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reads a frame as far as the scheduler must; core/scheduler/frame.ts reads it in the same steps.
 * RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP), RFC 792 and 4443 (ICMP), RFC 4861 (neighbour discovery).
 */
#pragma once
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include "hash.h"
#include "tables.h"

#define ETHERNET_BYTES sizeof(struct ethernet)
#define TAG_BYTES 4
#define MAX_TAGS 2
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define TCP_BYTES 20
#define UDP_BYTES 8
#define ICMP_BYTES 8
/* Ports and sequence number: what RFC 792 guarantees of a packet quoted in an ICMP error. */
#define QUOTED_BYTES 8
/* More extension headers than any sender has reason for. */
#define MAX_EXTENSIONS 8
/* No header that is read starts behind it; it bounds the verifier's view of an offset. */
#define MAX_OFFSET 0x3fff

#define TYPE_IPV4 0x0800
#define TYPE_ARP 0x0806
#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8
#define TYPE_IPV6 0x86dd

#define PROTOCOL_HOP_BY_HOP 0
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ROUTING 43
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_AUTHENTICATION 51
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_DESTINATION 60

#define MORE_FRAGMENTS 0x2000
#define OFFSET_MASK 0x1fff

#define FLAG_SYN 0x02
#define FLAG_ACK 0x10

struct ethernet {
	struct mac destination, source;
	__be16 type;
};

static __always_inline __u64 destination_of(const struct ethernet *ethernet)
{
	return *(const __u64 *)ethernet & MAC_MASK;
}

static __always_inline __u64 source_of(const struct ethernet *ethernet)
{
	return *(const __u64 *)ethernet >> 48 | (__u64)*(const __u32 *)((const __u8 *)ethernet + 8) << 16;
}

static __always_inline void set_macs(struct ethernet *ethernet, __u64 destination, __u64 source)
{
	*(__u64 *)ethernet = destination | source << 48;
	*(__u32 *)((__u8 *)ethernet + 8) = source >> 16;
}

/* No pointer is in it, so that functions which the verifier looks at by themselves can take it. */
struct frame {
	/* Of the first buffer; of the whole frame once holds_packet() had to ask. */
	__u32 length;
	/* Offset of the header behind Ethernet and tags. */
	__u32 network;
	/* Offset behind the IP packet; the frame may be longer (padding). */
	__u32 end;
	/* As in the packet; one word for IPv4, four for IPv6. */
	__u32 client[4];
	int client_words;
	__be16 client_port;
	/* It opens a connection: a SYN without ACK, or any datagram. */
	int opens;
	/* Of a fragment; tag 0 for a whole packet. */
	__u32 fragment_tag, fragment_slot;
} __attribute__((aligned(8)));

/* The bytes at an offset; null where the first buffer ends before. */
static __always_inline void *bytes_at(const struct xdp_md *ctx, __u32 at, __u32 bytes)
{
	void *found = (void *)(long)ctx->data;

	if (at > MAX_OFFSET)
		return NULL;
	found += at;
	return likely(found + bytes <= (void *)(long)ctx->data_end) ? found : NULL;
}

/* Whether the frame holds the packet up to its end; a long one lies in several buffers, which costs a call to know. */
static __always_inline int holds_packet(struct xdp_md *ctx, struct frame *f)
{
	if (unlikely(f->end > f->length))
		f->length = bpf_xdp_get_buff_len(ctx);
	return f->end <= f->length;
}

/* An address in network order; IPv4 as ::ffff:a.b.c.d. */
struct address {
	__u32 word[4];
};

/* Index of the VIP, or -1. Not static: so it is verified once, not at the end of each path to it. */
__noinline int find_vip(const struct address *address)
{
	if (!address)
		return -1;
	for (int i = 0; i < MAX_VIPS && i < settings.vips; i++) {
		const __u32 *vip = settings.vip[i], *word = address->word;

		if (vip[3] == word[3] && vip[2] == word[2] && vip[1] == word[1] && vip[0] == word[0])
			return i;
	}
	return -1;
}

static __always_inline int find_vip4(__u32 address)
{
	const __u32 mark = bpf_htonl(0xffff);

	/* Most frames are for the array's own VIP. */
	if (likely(settings.vips && settings.vip[0][3] == address && settings.vip[0][2] == mark))
		return 0;
	const struct address mapped = { { 0, 0, mark, address } };
	return find_vip(&mapped);
}

static __always_inline int find_vip6(const struct in6_addr *address)
{
	struct address copy;

	__builtin_memcpy(&copy, address, sizeof(copy));
	return find_vip(&copy);
}

static __always_inline int is_served(int vip, int udp, __be16 port)
{
	__u32 row = vip * 2 + udp, bit = bpf_ntohs(port);

	return ports[row & (PORT_ROWS - 1)].bits[bit >> 3] >> (bit & 7) & 1;
}

static __always_inline void mix_fragment(struct frame *f, __u32 word)
{
	f->fragment_tag = mix(f->fragment_tag, word, 0x9e3779b1);
	f->fragment_slot = mix(f->fragment_slot, word, 0x85ebca6b);
}

/* To be called after the last mix_fragment(). */
static __always_inline void finish_fragment(struct frame *f)
{
	f->fragment_tag |= 1;
	f->fragment_slot &= FRAGMENT_SLOTS - 1;
}

/* Ports at the start of a TCP or UDP header, the client's first. */
static __always_inline enum verdict read_ports(struct xdp_md *ctx, struct frame *f, __u32 at, int protocol, int vip)
{
	const __be16 *port;

	if (likely(protocol == PROTOCOL_TCP)) {
		const __u8 *tcp = bytes_at(ctx, at, TCP_BYTES);

		if (unlikely(at + TCP_BYTES > f->end || !tcp))
			return TRUNCATED;
		f->opens = (tcp[13] & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN;
		port = (const __be16 *)tcp;
	} else if (protocol == PROTOCOL_UDP) {
		port = bytes_at(ctx, at, UDP_BYTES);
		if (at + UDP_BYTES > f->end || !port)
			return TRUNCATED;
		f->opens = 1;
	} else {
		return OTHER_PROTOCOL;
	}
	if (unlikely(!is_served(vip, protocol == PROTOCOL_UDP, port[1])))
		return OTHER_PORT;
	f->client_port = port[0];
	return FORWARDED;
}

/* The same in a packet that an ICMP error quotes: the VIP sent it. */
static __always_inline enum verdict read_quoted_ports(struct xdp_md *ctx, struct frame *f, __u32 at, int protocol, int vip)
{
	const __be16 *port;

	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
		return OTHER_PROTOCOL;
	if (at + QUOTED_BYTES > f->end)
		return TRUNCATED;
	port = bytes_at(ctx, at, QUOTED_BYTES);
	if (!port)
		return TRUNCATED;
	if (!is_served(vip, protocol == PROTOCOL_UDP, port[0]))
		return OTHER_PORT;
	f->client_port = port[1];
	f->opens = 0;
	return FORWARDED;
}
