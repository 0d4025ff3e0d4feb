// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Passes every frame: a veth takes what the other end's XDP program sends only when it runs one too. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
