// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The scheduler in the kernel: decides on each frame before the stack sees it, as core/scheduler/scheduler.ts does in a process, with the same
 * tables. It goes on without a process; what ends with that is said at `active_until` and `forward_until`.
 */
#include "ipv4.h"
#include "ipv6.h"
#include "neighbour.h"

#define NS_PER_S 1000000000ULL
/* As Linux keeps fragments (ip_frag_time). */
#define FRAGMENT_S 30
#define ASSIGN_ATTEMPTS 3

struct choice {
	__s32 node;
	__u32 reserved;
	__u64 groups, weight;
};

/* One node more in the search for the fewest groups per weight, cross-multiplied. */
static long consider(__u32 number, void *context)
{
	struct choice *best = context;
	const struct node *node = &nodes[number & (MAX_NODES - 1)];
	__u64 groups;

	if (node->mac_and_out & OUT || !node->weight)
		return 0;
	/* Another CPU may be between its two additions. */
	groups = node->groups < 0 ? 0 : node->groups;
	if (best->node != UNASSIGNED && groups * best->weight >= best->groups * node->weight)
		return 0;
	best->node = number;
	best->groups = groups;
	best->weight = node->weight;
	return 0;
}

/* Of the boot clock. */
static __always_inline __u32 second(struct counts *row)
{
	__u64 tick = bpf_jiffies64();

	if (unlikely(row->tick != tick)) {
		row->tick = tick;
		row->second = bpf_ktime_get_boot_ns() / NS_PER_S;
	}
	return row->second;
}

static __always_inline int is_active(__u32 now)
{
	return (__s32)(now - settings.active_until) < 0;
}

/* A node that has lost the VIPs goes on for a time. */
static __always_inline int is_forwarding(__u32 now)
{
	return (__s32)(now - settings.forward_until) < 0;
}

/* The node's MAC; OUT where it holds no bucket, and where no node has that number. */
static __always_inline __u64 mac_of(__s32 number)
{
	return likely((__u32)number < MAX_NODES) ? nodes[number].mac_and_out : OUT;
}

static __always_inline void add_groups(__s32 number, __s32 count)
{
	if ((__u32)number < MAX_NODES)
		__sync_fetch_and_add(&nodes[number].groups, count);
}

/* The new owner of a bucket that was this word; where no node can be had it keeps a live one. */
__noinline int assign(struct bucket *bucket, __u32 word, __u32 now)
{
	struct choice best = { .node = UNASSIGNED };
	__u32 count = settings.nodes, found;
	__s32 owner = (__u16)word;

	if (!bucket)
		return UNASSIGNED;
	/* A loop over all nodes would be unrolled by the verifier. */
	bpf_loop(count > MAX_NODES ? MAX_NODES : count, consider, &best, 0);
	if (best.node == UNASSIGNED)
		return mac_of(owner) & OUT ? UNASSIGNED : owner;
	/* One CPU wins; the others use its choice, also where it only was here first with a frame for the old owner. */
	found = __sync_val_compare_and_swap((__u32 *)bucket, word, (__u16)best.node | now << 16);
	if (found != word)
		return (__u16)found;
	add_groups(best.node, 1);
	add_groups(owner, -1);
	return best.node;
}

/* A division costs more than all else that finds the bucket, and most tables are of a power of two. */
static __always_inline __u32 modulo(__u64 value, __u32 size)
{
	return unlikely(size & (size - 1)) ? value % size : value & (size - 1);
}

static __always_inline __u32 bucket_of(const struct frame *f)
{
	__u64 sum;

	if (unlikely(settings.keyed))
		return sip_client(settings.hash_key, f->client, f->client_words, f->client_port) % settings.size;
	sum = f->client_words == 1 ?
		      bpf_ntohl(f->client[0]) :
		      bpf_ntohl(f->client[0] ^ f->client[1] ^ f->client[2] ^ f->client[3]);
	return modulo(sum + bpf_ntohs(f->client_port), settings.size);
}

/* The node of a first fragment, for those that follow. */
static __always_inline void remember_fragment(const struct frame *f, __s32 node, __u32 now)
{
	__u32 slot = f->fragment_slot;
	struct fragment *entry = bpf_map_lookup_elem(&fragments, &slot);

	if (entry)
		*(volatile __u64 *)entry = f->fragment_tag | (__u64)(node << 24 | (now & 0xffffff)) << 32;
}

static __always_inline __s32 node_of_fragment(const struct frame *f, __u32 now)
{
	__u32 slot = f->fragment_slot, seen;
	struct fragment *entry = bpf_map_lookup_elem(&fragments, &slot);
	__u64 word;

	if (!entry)
		return UNASSIGNED;
	word = *(volatile __u64 *)entry;
	seen = word >> 32;
	/* Another CPU's clock may be a second ahead. */
	if ((__u32)word != f->fragment_tag || ((now - seen + 1) & 0xffffff) > FRAGMENT_S + 1)
		return UNASSIGNED;
	return seen >> 24;
}

/* Whether the bucket's stamp is so many seconds old. After 18 hours without a frame its age begins anew. */
static __always_inline int is_aged(__u32 word, __u32 now, __u32 seconds)
{
	return (__u16)(now - (word >> 16) + CLOCK_SLACK_S) >= seconds + CLOCK_SLACK_S;
}

static __always_inline struct bucket *bucket_at(__u32 number)
{
	__u32 key = number >> 1;
	struct buckets *pair = bpf_map_lookup_elem(&buckets, &key);

	return pair ? &pair->bucket[number & 1] : NULL;
}

/* Number of the client's node, and its MAC: OUT where no node can be had. */
static __always_inline __s32 node_of_client(const struct frame *f, __u32 now, __u64 *mac)
{
	struct bucket *bucket = bucket_at(bucket_of(f));
	__u32 word;
	__s32 owner;

	*mac = OUT;
	if (!bucket)
		return UNASSIGNED;
	word = *(volatile __u32 *)bucket;
	owner = (__u16)word;
	*mac = mac_of(owner);
	/* Only what opens a connection moves an idle bucket. */
	if (unlikely(*mac & OUT) || (f->opens && is_aged(word, now, settings.bucket_timeout + settings.stamp_every))) {
		/* User space may release the bucket, or let the node fail, between the choice and here. */
		for (int i = 0; i < ASSIGN_ATTEMPTS && is_active(now); i++) {
			owner = assign(bucket, word, now);
			*mac = mac_of(owner);
			if (!(*mac & OUT))
				break;
			word = *(volatile __u32 *)bucket;
			owner = (__u16)word;
			*mac = mac_of(owner);
		}
		if (*mac & OUT)
			return UNASSIGNED;
	}
	/* A line that is seldom written stays in each CPU's cache, and the branch is foreseen. */
	if (is_aged(word, now, settings.stamp_every))
		bucket->last_access = now;
	return owner;
}

static __always_inline enum verdict read_frame(struct xdp_md *ctx, struct frame *f, __be16 first_type)
{
	__u16 type = bpf_ntohs(first_type);

	f->network = ETHERNET_BYTES;
	for (int i = 0; i < MAX_TAGS && (type == TYPE_VLAN || type == TYPE_QINQ); i++) {
		const __be16 *field = bytes_at(ctx, f->network + 2, 2);

		f->network += TAG_BYTES;
		if (!field)
			return TRUNCATED;
		type = bpf_ntohs(*field);
	}
	if (likely(type == TYPE_IPV4))
		return read_ipv4(ctx, f);
	switch (type) {
	case TYPE_IPV6:
		return read_ipv6(ctx, f);
	case TYPE_ARP:
		return NEIGHBOUR;
	case TYPE_VLAN:
	case TYPE_QINQ:
		return VLAN;
	default:
		return NOT_IP;
	}
}

static __always_inline int is_member(__u64 mac)
{
	__s32 slot = members.slot[member_slot(mac & 0xffff, mac >> 16, settings.member_seed)];

	return slot && mac == (mac_of(slot - 1) & MAC_MASK);
}

static __always_inline enum verdict decide(struct xdp_md *ctx, struct frame *f, struct counts *row)
{
	struct ethernet *ethernet = bytes_at(ctx, 0, sizeof(*ethernet));
	__u32 now = second(row);
	__u64 own = mac_of(settings.self) & MAC_MASK, source, mac;
	enum verdict verdict;
	__s32 number;

	if (!ethernet)
		return TRUNCATED;
	source = source_of(ethernet);
	verdict = read_frame(ctx, f, ethernet->type);
	if (unlikely(verdict == NEIGHBOUR)) {
		/* Members ask too: who wants to schedule looks for a rival first. */
		if (!is_active(now) || source == own)
			return NEIGHBOUR;
		return f->end ? answer_solicitation(ctx, f->network, own) : answer_arp(ctx, f->network, own);
	}
	if (unlikely(verdict != FORWARDED && verdict != PING && verdict != FRAGMENT))
		return verdict;
	if (unlikely(destination_of(ethernet) != own))
		return OTHER_MAC;
	/* One hop: bounced between two schedulers a frame would live for ever, since no TTL is counted down. */
	if (is_member(source))
		return ALREADY_SCHEDULED;
	if (unlikely(!is_forwarding(now)))
		return NOT_ACTIVE;
	if (likely(verdict == FORWARDED)) {
		number = node_of_client(f, now, &mac);
	} else if (verdict == FRAGMENT) {
		number = node_of_fragment(f, now);
		mac = mac_of(number);
	} else {
		number = settings.self;
		mac = own;
	}
	if (unlikely(mac & OUT)) {
		if (verdict == FRAGMENT)
			return FRAGMENT;
		return is_active(now) ? NO_NODE : NOT_ACTIVE;
	}
	if (unlikely(f->fragment_tag) && verdict != FRAGMENT)
		remember_fragment(f, number, now);
	/* From here on it is a member's, so that the kernel guard passes it and no other scheduler takes it. */
	set_macs(ethernet, mac, own);
	if (verdict == PING)
		return PING;
	row->frames[number & (MAX_NODES - 1)]++;
	return number == (__s32)settings.self ? SELF : FORWARDED;
}

/* Keeps the start of the frame for who traces. Not static, as find_vip(). */
__noinline int capture(struct xdp_md *ctx, __u32 verdict, __u32 length)
{
	__u32 number, slot, kept = length < CAPTURE_BYTES ? length : CAPTURE_BYTES;
	struct capture *entry;

	if (!kept)
		return 0;
	number = __sync_fetch_and_add(&settings.captured, 1);
	slot = number & (CAPTURE_SLOTS - 1);
	entry = bpf_map_lookup_elem(&captures, &slot);
	if (!entry || bpf_xdp_load_bytes(ctx, 0, entry->bytes, kept))
		return 0;
	entry->verdict = verdict;
	entry->length = length;
	entry->kept = kept;
	*(volatile __u32 *)&entry->number = number + 1;
	return 0;
}

static __always_inline int action_of(enum verdict verdict)
{
	switch (verdict) {
	case FORWARDED:
	case ANSWERED:
		return XDP_TX;
	case FRAGMENT:
	case OTHER_PROTOCOL:
	case OTHER_PORT:
	case NO_NODE:
	case NOT_ACTIVE:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

static __always_inline int schedule(struct xdp_md *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct counts *row = bpf_map_lookup_elem(&counts, &cpu);
	struct frame f = { .length = ctx->data_end - ctx->data };
	enum verdict verdict;

	if (!row || !settings.size)
		return XDP_PASS;
	verdict = decide(ctx, &f, row);
	row->verdict[verdict & (VERDICT_SLOTS - 1)]++;
	if (unlikely((__s32)((__u32)row->second - settings.capture_until) < 0))
		capture(ctx, verdict, bpf_xdp_get_buff_len(ctx));
	return action_of(verdict);
}

SEC("xdp.frags")
int dlba(struct xdp_md *ctx)
{
	return schedule(ctx);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
