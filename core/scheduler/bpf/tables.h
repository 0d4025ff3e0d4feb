/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The tables that the program shares with user space. core/scheduler/tables.ts has the same layout, over the same memory: each map is an
 * array that is mapped into the process.
 */
#pragma once
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define UNASSIGNED -1
#define MAX_NODES 256
#define MAX_VIPS 16
#define MEMBER_SLOTS 4096
#define FRAGMENT_SLOTS 4096
#define VERDICT_SLOTS 32
#define CAPTURE_SLOTS 1024
#define CAPTURE_BYTES 240
#define PORT_BYTES (65536 / 8)

/* In the order of core/scheduler/verdicts.ts; the last two are counted by the pcap engine alone. */
enum verdict {
	FORWARDED,
	SELF,
	ALREADY_SCHEDULED,
	ANSWERED,
	NEIGHBOUR,
	PING,
	TRUNCATED,
	NOT_IP,
	VLAN,
	BAD_IP,
	OTHER_MAC,
	NOT_FOR_VIP,
	FRAGMENT,
	OTHER_PROTOCOL,
	OTHER_PORT,
	NO_NODE,
	NOT_ACTIVE,
	SEND_FAILED,
	BUFFER_FULL,
};

/* In halves, so that it is copied without regard to alignment. */
struct mac {
	__u16 part[3];
};

struct settings {
	/* User space's own. */
	__u32 magic, version, size, rows, epoch, reserved;
	/* Seconds of the boot clock until which VIPs are answered for and buckets assigned. */
	__u32 active_until;
	/* Seconds. */
	__u32 bucket_timeout;
	/* Server number of this node. */
	__u32 self;
	/* Highest server number + 1. */
	__u32 nodes;
	/* 1: buckets by SipHash of hash_key; 0: by the seed's sum. */
	__u32 keyed;
	/* Makes the members' slots differ. */
	__u32 member_seed;
	__u64 hash_key[2];
	__u32 vips;
	/* User space's own. */
	__u32 engine;
	/* Second of the boot clock until which frames are kept in `captures`, and how many were. */
	__u32 capture_until, captured;
	/* Network order; IPv4 as ::ffff:a.b.c.d. */
	__u32 vip[MAX_VIPS][4];
};

struct bucket {
	__s32 node;
	__u32 last_access;
};

struct node {
	/* Share of new buckets; 0 gets none. */
	__u32 weight;
	/* Buckets assigned: the seed's "# IP Groups Assigned". */
	__s32 groups;
	struct mac mac;
	/* 1: failed, disabled or not of the array; what it owns counts as unassigned. */
	__u8 out;
	__u8 reserved;
};

/* One row a CPU, so that no counter is shared. */
struct counts {
	__u64 verdict[VERDICT_SLOTS];
	__u64 frames[MAX_NODES];
	/* The boot clock's second at that tick: the clock is read once a tick, not once a frame. */
	__u64 tick, second;
};

/* A bit a port; index: VIP * 2, + 1 for UDP. */
struct ports {
	__u8 bits[PORT_BYTES];
};

/* Server number + 1 by hash of the MAC; no two members share a slot. */
struct members {
	__u16 slot[MEMBER_SLOTS];
};

/* The node of a first fragment; one word, so that it is written and read whole. */
struct fragment {
	__u32 tag;
	/* node << 24 | seconds of the boot clock & 0xffffff */
	__u32 seen;
};

/* A frame as it left, for `dlba trace`; `number` is written last. */
struct capture {
	__u32 number, verdict, length, kept;
	__u8 bytes[CAPTURE_BYTES];
};

#define MAPPED_ARRAY(map, value_type, entries)             \
	struct {                                           \
		__uint(type, BPF_MAP_TYPE_ARRAY);          \
		__uint(map_flags, BPF_F_MMAPABLE);         \
		__uint(max_entries, entries);              \
		__type(key, __u32);                        \
		__type(value, value_type);                 \
	} map SEC(".maps")

/* Entries of 1 are set when the program is loaded: by the table's size, by the machine's CPUs. */
MAPPED_ARRAY(settings, struct settings, 1);
MAPPED_ARRAY(buckets, struct bucket, 1);
MAPPED_ARRAY(nodes, struct node, MAX_NODES);
MAPPED_ARRAY(counts, struct counts, 1);
MAPPED_ARRAY(ports, struct ports, MAX_VIPS * 2);
MAPPED_ARRAY(members, struct members, 1);
MAPPED_ARRAY(fragments, struct fragment, FRAGMENT_SLOTS);
MAPPED_ARRAY(captures, struct capture, CAPTURE_SLOTS);
