// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The scheduler in the kernel: decides on each frame before the stack sees it, as core/scheduler/scheduler.ts does in a process, with the same
 * tables. It goes on without a process; what ends with that is said at `active_until`.
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
	struct node *node = bpf_map_lookup_elem(&nodes, &number);
	__u64 groups;

	if (!node || node->out || !node->weight)
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

	if (row->tick != tick) {
		row->tick = tick;
		row->second = bpf_ktime_get_boot_ns() / NS_PER_S;
	}
	return row->second;
}

static __always_inline struct node *node_of(__s32 number)
{
	__u32 key = number;

	return bpf_map_lookup_elem(&nodes, &key);
}

static __always_inline int is_active(const struct settings *s, __u32 now)
{
	return (__s32)(now - s->active_until) < 0;
}

static __always_inline int is_live(__s32 number)
{
	struct node *node = node_of(number);

	return node && !node->out;
}

/* The bucket's new owner; where no node can be had it keeps a live one. */
__noinline int assign(struct bucket *bucket, __s32 owner, __u32 count)
{
	struct choice best = { .node = UNASSIGNED };
	struct node *node;
	__s32 found;

	if (!bucket)
		return UNASSIGNED;
	/* A loop over all nodes would be unrolled by the verifier. */
	bpf_loop(count > MAX_NODES ? MAX_NODES : count, consider, &best, 0);
	if (best.node == UNASSIGNED)
		return is_live(owner) ? owner : UNASSIGNED;
	/* One CPU wins; the others use its choice. */
	found = __sync_val_compare_and_swap(&bucket->node, owner, best.node);
	if (found != owner)
		return found;
	node = node_of(best.node);
	if (node)
		__sync_fetch_and_add(&node->groups, 1);
	node = node_of(owner);
	if (node)
		__sync_fetch_and_add(&node->groups, -1);
	return best.node;
}

/* A division costs more than all else that finds the bucket, and most tables are of a power of two. */
static __always_inline __u32 modulo(__u64 value, __u32 size)
{
	return size & (size - 1) ? value % size : value & (size - 1);
}

static __always_inline __u32 bucket_of(const struct frame *f, const struct settings *s)
{
	__u64 sum;

	if (s->keyed)
		return sip_client(s->hash_key, f->client, f->client_words, f->client_port) % s->size;
	sum = f->client_words == 1 ?
		      bpf_ntohl(f->client[0]) :
		      bpf_ntohl(f->client[0] ^ f->client[1] ^ f->client[2] ^ f->client[3]);
	return modulo(sum + bpf_ntohs(f->client_port), s->size);
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

/* Number of the client's node, and the node. */
static __always_inline __s32 node_of_client(const struct frame *f, const struct settings *s, __u32 now,
					    struct node **node)
{
	__u32 number = bucket_of(f, s);
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, &number);
	__s32 owner;

	if (!bucket)
		return UNASSIGNED;
	owner = bucket->node;
	*node = node_of(owner);
	/* Only what opens a connection moves an idle bucket; the age is signed, since another CPU's clock may be ahead. */
	if (!*node || (*node)->out || (f->opens && (__s32)(now - bucket->last_access) > (__s32)s->bucket_timeout)) {
		/* User space may release the bucket, or let the node fail, between the choice and here. */
		for (int i = 0; i < ASSIGN_ATTEMPTS && is_active(s, now); i++) {
			owner = assign(bucket, owner, s->nodes);
			*node = node_of(owner);
			if (*node && !(*node)->out)
				break;
			owner = bucket->node;
		}
		if (!*node || (*node)->out)
			return UNASSIGNED;
	}
	/* The cache line is written once a second. */
	if (bucket->last_access != now)
		bucket->last_access = now;
	return owner;
}

static __always_inline enum verdict read_frame(struct xdp_md *ctx, struct frame *f, const struct settings *s)
{
	__u16 type;
	const __be16 *field;

	f->network = ETHERNET_BYTES;
	field = bytes_at(ctx, ETHERNET_BYTES - 2, 2);
	if (!field)
		return TRUNCATED;
	type = bpf_ntohs(*field);
	for (int i = 0; i < MAX_TAGS && (type == TYPE_VLAN || type == TYPE_QINQ); i++) {
		f->network += TAG_BYTES;
		field = bytes_at(ctx, f->network - 2, 2);
		if (!field)
			return TRUNCATED;
		type = bpf_ntohs(*field);
	}
	switch (type) {
	case TYPE_IPV4:
		return read_ipv4(ctx, f, s);
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

static __always_inline int sent_by_member(const struct mac *source, const struct settings *s)
{
	const struct members *table;
	const struct node *node;
	__u32 zero = 0, last, first;

	first = bpf_ntohs(source->part[0]);
	last = (__u32)bpf_ntohs(source->part[1]) << 16 | bpf_ntohs(source->part[2]);
	table = bpf_map_lookup_elem(&members, &zero);
	if (!table)
		return 0;
	node = node_of((__s32)table->slot[member_slot(last, first, s->member_seed)] - 1);
	return node && same_mac(source, &node->mac);
}

static __always_inline enum verdict decide(struct xdp_md *ctx, struct frame *f, const struct settings *s,
					    struct counts *row)
{
	__u32 now = second(row);
	struct ethernet *ethernet = bytes_at(ctx, 0, sizeof(*ethernet));
	const struct node *own = node_of(s->self);
	enum verdict verdict;
	struct node *node = NULL;
	struct mac mac;
	__s32 number;

	if (!own || !ethernet)
		return TRUNCATED;
	verdict = read_frame(ctx, f, s);
	if (verdict == NEIGHBOUR) {
		/* Members ask too: who wants to schedule looks for a rival first. */
		if (!is_active(s, now) || same_mac(&ethernet->source, &own->mac))
			return NEIGHBOUR;
		mac = own->mac;
		return f->end ? answer_solicitation(ctx, f->network, &mac) : answer_arp(ctx, f->network, &mac);
	}
	if (verdict != FORWARDED && verdict != PING && verdict != FRAGMENT)
		return verdict;
	if (!same_mac(&ethernet->destination, &own->mac))
		return OTHER_MAC;
	/* One hop: bounced between two schedulers a frame would live for ever, since no TTL is counted down. */
	if (sent_by_member(&ethernet->source, s))
		return ALREADY_SCHEDULED;
	if (verdict == FORWARDED) {
		number = node_of_client(f, s, now, &node);
	} else {
		number = verdict == PING ? s->self : node_of_fragment(f, now);
		node = node_of(number);
	}
	if (!node || (node->out && verdict != PING)) {
		if (verdict == FRAGMENT)
			return FRAGMENT;
		return is_active(s, now) ? NO_NODE : NOT_ACTIVE;
	}
	if (f->fragment_tag && verdict != FRAGMENT)
		remember_fragment(f, number, now);
	/* From here on it is a member's, so that the kernel guard passes it and no other scheduler takes it. */
	ethernet->source = own->mac;
	if (verdict == PING)
		return PING;
	row->frames[number & (MAX_NODES - 1)]++;
	if (number == s->self)
		return SELF;
	ethernet->destination = node->mac;
	return FORWARDED;
}

/* Keeps the start of the frame for who traces. Not static, as find_vip(). */
__noinline int capture(struct xdp_md *ctx, __u32 verdict, __u32 length)
{
	__u32 zero = 0, number, slot, kept = length < CAPTURE_BYTES ? length : CAPTURE_BYTES;
	struct settings *s = bpf_map_lookup_elem(&settings, &zero);
	struct capture *entry;

	if (!s || !kept)
		return 0;
	number = __sync_fetch_and_add(&s->captured, 1);
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
	__u32 zero = 0, cpu = bpf_get_smp_processor_id();
	const struct settings *s = bpf_map_lookup_elem(&settings, &zero);
	struct counts *row = bpf_map_lookup_elem(&counts, &cpu);
	struct frame f = { .length = ctx->data_end - ctx->data };
	enum verdict verdict;

	if (!s || !row || !s->size)
		return XDP_PASS;
	verdict = decide(ctx, &f, s, row);
	row->verdict[verdict & (VERDICT_SLOTS - 1)]++;
	if ((__s32)((__u32)row->second - s->capture_until) < 0)
		capture(ctx, verdict, bpf_xdp_get_buff_len(ctx));
	return action_of(verdict);
}

SEC("xdp.frags")
int dlba(struct xdp_md *ctx)
{
	return schedule(ctx);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
