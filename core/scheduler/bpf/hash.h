/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Hashes; core/scheduler/hash.ts gives the same values. */
#pragma once
#include <linux/types.h>

static __always_inline __u64 rotl64(__u64 x, int by)
{
	return x << by | x >> (64 - by);
}

struct sip {
	__u64 v0, v1, v2, v3;
};

static __always_inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl64(s->v1, 13) ^ s->v0;
	s->v0 = rotl64(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl64(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl64(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl64(s->v1, 17) ^ s->v2;
	s->v2 = rotl64(s->v2, 32);
}

static __always_inline void sip_word(struct sip *s, __u64 word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

/* SipHash-2-4 (Aumasson, Bernstein 2012) of a client: its address as in the packet (4 or 16 bytes), then its port. */
static __always_inline __u64 sip_client(const __u64 key[2], const __u32 *address, int words, __be16 port)
{
	struct sip s = {
		key[0] ^ 0x736f6d6570736575ULL,
		key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL,
		key[1] ^ 0x7465646279746573ULL,
	};

	if (words == 1) {
		sip_word(&s, address[0] | (__u64)port << 32 | 6ULL << 56);
	} else {
		sip_word(&s, address[0] | (__u64)address[1] << 32);
		sip_word(&s, address[2] | (__u64)address[3] << 32);
		sip_word(&s, port | 18ULL << 56);
	}
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* Slot of a MAC among the members: its first two octets and its last four as numbers, the first octet the lowest. The seed is odd. */
static __always_inline __u32 member_slot(__u32 first, __u32 last, __u32 seed)
{
	return (last ^ first * seed) * (seed * 0x9e3779b1u) >> 20;
}

/* A word more into one of the two halves of a fragment's hash. */
static __always_inline __u32 mix(__u32 hash, __u32 word, __u32 factor)
{
	hash = (hash ^ word) * factor;
	return hash ^ hash >> 15;
}
