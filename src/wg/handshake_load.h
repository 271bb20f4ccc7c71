/* SPDX-License-Identifier: MIT */
/* Whether handshakes arrive faster than we care to answer them unproven. */
#ifndef WG_HANDSHAKE_LOAD_H
#define WG_HANDSHAKE_LOAD_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/bucket.h"
#include "base/hash.h"
#include "base/mono.h"

#define WG_LOAD_PER_S 256 /* handshakes a second that are taken without proof, lastingly */
#define WG_LOAD_BURST 128 /* and at once */

/* Of these, what any source is sure of: an IPv4 address or an IPv6 /64. */
#define WG_LOAD_SOURCE_PER_S 20
#define WG_LOAD_SOURCE_BURST 5

/* Places in which sources are counted: two may share one. A power of two. */
#define WG_LOAD_PLACES 512

/* Cookie replies a second: their sending is what a flood costs most. */
#define WG_COOKIES_PER_S 2048
#define WG_COOKIES_BURST 1024

/* Proven handshakes a second under load: of all strangers together, and of all peers' addresses.
 * A thousand peers that all come back at once come back with their cookies at once. */
#define WG_VERIFIED_PER_S 256
#define WG_VERIFIED_BURST 1024

#define WG_LOAD_HYSTERESIS NS_PER_S

/**
 * A leaky bucket of handshake messages, and until when its overflow counts. A source that sends
 * more than its own share may fill one half of it and does not make it overflow: so one that floods
 * has to prove itself, while others need not. Made-up sources overflow it, each within its share.
 */
struct wg_handshake_load {
	uint64_t level_ns; /* work in the bucket, in nanoseconds of WG_LOAD_PER_S */
	struct mono updated;
	struct mono until; /* under load until then */
	struct hash_key key;
	struct bucket places[WG_LOAD_PLACES];
};

/** Start without load. */
void wg_load_init(struct wg_handshake_load *l, const struct rng *rng);

/** Note a handshake message that came from `src` at `now`, or seemed to. Return: whether it has to
 * prove that. */
bool wg_handshake_load_add(struct wg_handshake_load *l, const struct ip_addr *src, struct mono now);

#endif
