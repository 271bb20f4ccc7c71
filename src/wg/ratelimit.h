/* SPDX-License-Identifier: MIT */
/* How many handshakes one source address may ask for while we are under load. */
#ifndef WG_RATELIMIT_H
#define WG_RATELIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mono.h"
#include "base/random.h"
#include "crypto/blake2s.h"

#define WG_RATELIMIT_PER_S 20
#define WG_RATELIMIT_BURST 5

/** One source: an IPv4 address or an IPv6 /64. */
struct wg_ratelimit_entry {
	uint8_t source[8];
	uint16_t family; /* 0: the slot is free */
	struct mono seen;
	uint64_t tokens_ns; /* credit, in nanoseconds */
};

/**
 * Token buckets in a set-associative table over `slots[cap]`, memory of the caller; `cap` is a
 * power of two, at least 8. A full set forgets the source that was heard longest ago, but only if
 * its bucket has filled up again; else the newcomer is refused, so that memory stays flat and
 * forgetting helps no flooder.
 */
struct wg_ratelimit {
	struct wg_ratelimit_entry *slots;
	size_t cap;
	uint8_t key[32]; /* of the hash, random */
};

/** Start an empty limiter in `slots[cap]`. */
void wg_ratelimit_init(struct wg_ratelimit *r, struct wg_ratelimit_entry *slots, size_t cap,
	const struct rng *rng);

/** Whether one more handshake from `src` is allowed at `now`; if so, it is counted. */
bool wg_ratelimit_allow(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now);

#endif
