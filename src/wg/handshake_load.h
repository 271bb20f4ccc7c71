/* SPDX-License-Identifier: MIT */
/* Load meter: whether handshakes arrive too fast to be answered without a cookie. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/bucket.h"
#include "base/hash.h"
#include "base/mono.h"

#define WG_LOAD_PER_S 256 /* handshakes per second accepted without a cookie, sustained */
#define WG_LOAD_BURST 128 /* and in a burst */

/* The share of these for one source: an IPv4 address or an IPv6 /64. */
#define WG_LOAD_SOURCE_PER_S 20
#define WG_LOAD_SOURCE_BURST 5

/* Slots that count sources; two sources may share one. A power of two. */
#define WG_LOAD_PLACES 512

/* Cookie replies per second: sending them is the largest cost of a flood. */
#define WG_COOKIES_PER_S 2048
#define WG_COOKIES_BURST 1024

/* Cookie-verified handshakes per second under load: for all unknown sources together, and for all
 * recently authenticated addresses together. A thousand peers that reconnect at once all send
 * their cookies at once. */
#define WG_VERIFIED_PER_S 256
#define WG_VERIFIED_BURST 1024

#define WG_LOAD_HYSTERESIS NS_PER_S

/**
 * A leaky bucket of handshake messages, and the end of the load state that its overflow starts. A
 * source that sends more than its own share fills at most half of the bucket and does not overflow
 * it: only the flooding source needs a cookie, others do not. Many forged sources, each within its
 * share, overflow it.
 */
struct wg_handshake_load {
	uint64_t level_ns; /* work in the bucket, in nanoseconds of WG_LOAD_PER_S */
	struct mono updated;
	struct mono until; /* under load until then */
	struct hash_key key;
	struct bucket places[WG_LOAD_PLACES];
};

/** Initialise without load. */
void wg_load_init(struct wg_handshake_load *l, const struct rng *rng);

/** Account a handshake message with the source address `src` at `now`. Return: whether the source
 * has to prove its address with a cookie. */
bool wg_handshake_load_add(struct wg_handshake_load *l, const struct ip_addr *src, struct mono now);
