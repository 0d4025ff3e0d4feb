// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The scheduler's program and its peers behind a step that varies the frame, for bpf_prog_test_run, which gives the same frame again. */
#include "../../../core/scheduler/bpf/dlba.bpf.c"

static __always_inline int swap_macs(struct xdp_md *ctx)
{
	struct ethernet *ethernet = bytes_at(ctx, 0, sizeof(*ethernet));
	struct mac destination;

	if (!ethernet)
		return XDP_DROP;
	destination = ethernet->destination;
	ethernet->destination = ethernet->source;
	ethernet->source = destination;
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
	ethernet->source = (struct mac){ { 0x0002, 0, 0xc100 } };
	ethernet->destination = (struct mac){ { 0x0002, 0, 0x0a00 } };
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
	__u32 zero = 0, key;
	struct settings *s = bpf_map_lookup_elem(&settings, &zero);
	struct bucket *bucket;

	if (!s || !s->size || !vary(ctx, 1))
		return XDP_DROP;
	ip = bytes_at(ctx, ETHERNET_BYTES, sizeof(*ip));
	port = bytes_at(ctx, ETHERNET_BYTES + sizeof(*ip), 2);
	if (!ip || !port)
		return XDP_DROP;
	key = modulo((__u64)bpf_ntohl(ip->saddr) + bpf_ntohs(*port), s->size);
	bucket = bpf_map_lookup_elem(&buckets, &key);
	return bucket && bucket->node >= 0 ? swap_macs(ctx) : XDP_DROP;
}
