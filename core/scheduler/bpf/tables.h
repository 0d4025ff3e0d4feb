/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The tables that the program shares with user space. core/scheduler/tables.ts has the same layout, over the same memory: each map is an
 * array that is mapped into the process.
 */
#pragma once
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/* The way of a frame of a known client lies in one piece: of a program that is called once a frame much has left the nearest cache. */
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define UNASSIGNED -1
/* Seconds that another CPU's clock may be ahead. */
#define CLOCK_SLACK_S 8
#define MAX_NODES 256
#define MAX_VIPS 16
#define PORT_ROWS (MAX_VIPS * 2)
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
/* A MAC as a number, its first octet the lowest. */
#define MAC_MASK 0xffffffffffffULL

struct settings {
	/* User space's own. */
	__u32 magic, version, size, rows, epoch;
	/* Seconds after which a frame stamps its bucket anew. */
	__u32 stamp_every;
	/* Second of the boot clock until which VIPs are answered for and buckets assigned. */
	__u32 active_until;
	/* Seconds. */
	__u32 bucket_timeout;
	/* Server number of this node. */
	__u32 self;
	/* Highest server number + 1. */
	__u32 nodes;
	/* 1: buckets by SipHash of hash_key; 0: by the seed's sum. */
	__u32 keyed;
	/* Makes the members' slots differ; odd. */
	__u32 member_seed;
	__u64 hash_key[2];
	__u32 vips;
	/* User space's own. */
	__u32 engine;
	/* Second of the boot clock until which frames are kept in `captures`, and how many were. */
	__u32 capture_until, captured;
	/* Second of the boot clock until which frames go to the node that has their bucket. */
	__u32 forward_until, reserved;
	/* Network order; IPv4 as ::ffff:a.b.c.d. */
	__u32 vip[MAX_VIPS][4];
};

/* Four bytes, since most frames of a large table find their bucket in no cache; read, and assigned, as one word. */
struct bucket {
	/* UNASSIGNED in 16 bits, or a server number. */
	__u16 node;
	/* Seconds of the boot clock, modulo 2^16; up to stamp_every - 1 too early. */
	__u16 last_access;
};

/* The values of a mapped array are eight bytes apart. */
struct buckets {
	struct bucket bucket[2];
};

struct node {
	/* Share of new buckets; 0 gets none. */
	__u32 weight;
	/* Buckets assigned: the seed's "# IP Groups Assigned". */
	__s32 groups;
	/* A MAC; then an octet of 1 where the node is failed, disabled or not of the array: what it owns counts as unassigned. */
	__u64 mac_and_out;
};
#define OUT (1ULL << 48)

/* One row a CPU, so that no counter is shared. */
struct counts {
	/* The boot clock's second at that tick: the clock is read once a tick, not once a frame. */
	__u64 tick, second;
	__u64 verdict[VERDICT_SLOTS];
	__u64 frames[MAX_NODES];
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

/*
 * Variables: libbpf makes a map of one entry of each section. The program knows their place, so that to use them takes no look-up. The object
 * holds the content of all but .bss.
 */
struct settings settings SEC(".data.settings");
struct node nodes[MAX_NODES] SEC(".data.nodes");
struct members members SEC(".data.members");
struct ports ports[PORT_ROWS];

/* Entries of 1 are set when the program is loaded: by the table's size, by the machine's CPUs. */
MAPPED_ARRAY(buckets, struct buckets, 1);
MAPPED_ARRAY(counts, struct counts, 1);
MAPPED_ARRAY(fragments, struct fragment, FRAGMENT_SLOTS);
MAPPED_ARRAY(captures, struct capture, CAPTURE_SLOTS);
