// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The scheduler's program and its peers behind a step that varies the frame, for bpf_prog_test_run, which gives the same frame again. */
#include "../../../core/scheduler/bpf/dlba.bpf.c"

static __always_inline int swap_macs(struct xdp_md *ctx)
{
	struct ethernet *ethernet = bytes_at(ctx, 0, sizeof(*ethernet));

	if (!ethernet)
		return XDP_DROP;
	set_macs(ethernet, source_of(ethernet), destination_of(ethernet));
	return XDP_TX;
}

__u64 varied = 88172645463325252ULL;

/* As the frame came: MACs, which the run before rewrote, and the client's address and port. */
static __always_inline int vary(struct xdp_md *ctx, int randomly)
{
	struct ethernet *ethernet = bytes_at(ctx, 0, sizeof(*ethernet));
	struct iphdr *ip = bytes_at(ctx, ETHERNET_BYTES, sizeof(*ip));
	__be16 *port = bytes_at(ctx, ETHERNET_BYTES + sizeof(*ip), 2);
	__u64 word = varied;

	if (!ethernet || !ip || !port)
		return 0;
	set_macs(ethernet, 0x0a0000000002, 0xc10000000002);
	if (!randomly)
		return 1;
	word ^= word << 13;
	word ^= word >> 7;
	word ^= word << 17;
	varied = word;
	ip->saddr = word;
	*port = word >> 32;
	return 1;
}

SEC("xdp.frags")
int hot_nothing(struct xdp_md *ctx)
{
	return vary(ctx, 0) ? XDP_TX : XDP_DROP;
}

SEC("xdp.frags")
int hot_dlba(struct xdp_md *ctx)
{
	return vary(ctx, 0) ? schedule(ctx) : XDP_DROP;
}

SEC("xdp.frags")
int random_dlba(struct xdp_md *ctx)
{
	return vary(ctx, 1) ? schedule(ctx) : XDP_DROP;
}

/* A reflector with one lookup in an equal map, at the client's bucket. */
SEC("xdp.frags")
int random_lookup(struct xdp_md *ctx)
{
	struct iphdr *ip;
	__be16 *port;
	__u32 key;
	struct bucket *bucket;

	if (!settings.size || !vary(ctx, 1))
		return XDP_DROP;
	ip = bytes_at(ctx, ETHERNET_BYTES, sizeof(*ip));
	port = bytes_at(ctx, ETHERNET_BYTES + sizeof(*ip), 2);
	if (!ip || !port)
		return XDP_DROP;
	key = modulo((__u64)bpf_ntohl(ip->saddr) + bpf_ntohs(*port), settings.size);
	bucket = bucket_at(key);
	return bucket && bucket->node != (__u16)UNASSIGNED ? swap_macs(ctx) : XDP_DROP;
}
