/* SPDX-License-Identifier: MIT */
/* Limit the handshakes per source address while we are under load. */
#pragma once

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

/* How long a source counts as recently authenticated after an authentic handshake; cookies that it
 * may request in that time. */
#define WG_RECENT_NS	     (600 * NS_PER_S)
#define WG_RECENT_COOKIES_NS (NS_PER_S / 2)
#define WG_RECENT_COOKIES    4

/** One source: an IPv4 address or an IPv6 /64. */
struct wg_ratelimit_entry {
	uint8_t source[8];
	uint16_t family; /* 0: the slot is free */
	struct mono seen;
	uint64_t tokens_ns;    /* credit, in nanoseconds */
	struct mono recent;    /* end of the time in which it counts as recently authenticated */
	struct bucket cookies; /* cookie replies that it may get in that time */
};

/**
 * Token buckets in a set-associative table over `slots[cap]`, memory of the caller; `cap` is a
 * power of two, at least 8. A full set evicts the least recently used source, but only if its
 * bucket has refilled; else the new source is refused, so memory is bounded and a flooder gains
 * nothing from eviction. Recently authenticated sources are evicted last: they are still served
 * when the shared budget of all unknown sources is used up.
 */
struct wg_ratelimit {
	struct wg_ratelimit_entry *slots;
	size_t cap;
	uint8_t key[32]; /* random key of the hash */
};

/** Initialise an empty limiter in `slots[cap]`. */
void wg_ratelimit_init(struct wg_ratelimit *r, struct wg_ratelimit_entry *slots, size_t cap,
	const struct rng *rng);

/**
 * Whether one more handshake from the verified address `src` is allowed at `now`; if so, it is
 * counted. `ret_recent`: whether a peer has recently authenticated from there.
 */
bool wg_ratelimit_allow(struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src,
	struct mono now, bool *ret_recent);

/** Record an authentic handshake from `src`. */
void wg_ratelimit_authenticated(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now);

/**
 * Whether to send a cookie to `src`, an address that may be forged, when unknown sources get none:
 * a peer has recently authenticated from there, and it has not requested too many.
 */
bool wg_ratelimit_cookie(
	struct blake2s *b, struct wg_ratelimit *r, const struct ip_addr *src, struct mono now);
