/* SPDX-License-Identifier: MIT */
/* How many handshakes one source address may ask for while we are under load. */
#ifndef WG_RATELIMIT_H
#define WG_RATELIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bucket.h"
#include "base/mono.h"
#include "base/random.h"
#include "crypto/blake2s.h"

#define WG_RATELIMIT_PER_S 20
#define WG_RATELIMIT_BURST 5

/* How long a source is vouched for by an authentic handshake; cookies it may ask for meanwhile. */
#define WG_RECENT_NS	     (600 * NS_PER_S)
#define WG_RECENT_COOKIES_NS (NS_PER_S / 2)
#define WG_RECENT_COOKIES    4

/** One source: an IPv4 address or an IPv6 /64. */
struct wg_ratelimit_entry {
	uint8_t source[8];
	uint16_t family; /* 0: the slot is free */
	struct mono seen;
	uint64_t tokens_ns;    /* credit, in nanoseconds */
	struct mono recent;    /* a peer's handshake came from there: until then */
	struct bucket cookies; /* replies that it may be sent then */
};

/**
 * Token buckets in a set-associative table over `slots[cap]`, memory of the caller; `cap` is a
 * power of two, at least 8. A full set forgets the source that was heard longest ago, but only if
 * its bucket has filled up again; else the newcomer is refused, so that memory stays flat and
 * forgetting helps no flooder. Sources that peers were heard from lately are forgotten last: when
 * what all strangers together may ask for is spent, they are still served.
 */
struct wg_ratelimit {
	struct wg_ratelimit_entry *slots;
	size_t cap;
	uint8_t key[32]; /* of the hash, random */
};

/** Start an empty limiter in `slots[cap]`. */
void wg_ratelimit_init(struct wg_ratelimit *r, struct wg_ratelimit_entry *slots, size_t cap,
	const struct rng *rng);

/**
 * Whether one more handshake from `src`, which is proven to be there, is allowed at `now`; if so,
 * it is counted. `ret_recent`: whether a peer was heard from there lately.
 */
bool wg_ratelimit_allow(struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src,
	struct mono now, bool *ret_recent);

/** An authentic handshake has come from `src`. */
void wg_ratelimit_authenticated(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now);

/**
 * Whether `src`, which anybody may pretend to be, is to get a cookie though strangers get none: a
 * peer was heard from there lately, and it has not asked for too many.
 */
bool wg_ratelimit_cookie(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now);

#endif
