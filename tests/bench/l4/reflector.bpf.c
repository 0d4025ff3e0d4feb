// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The limit of what a program at a driver can do: two MACs swapped and out again, or nothing at all. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int reflect(struct xdp_md *ctx)
{
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct ethhdr swapped;

	if ((void *)(ethernet + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	__builtin_memcpy(swapped.h_dest, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(swapped.h_source, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet, &swapped, 2 * ETH_ALEN);
	return XDP_TX;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
