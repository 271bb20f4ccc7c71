/* SPDX-License-Identifier: MIT */
/* Whether handshakes arrive faster than we care to answer them unproven. */
#ifndef WG_LOAD_H
#define WG_LOAD_H

#include <stdbool.h>

#include "base/mono.h"

#define WG_LOAD_PER_S 256 /* handshakes a second that are taken without proof, lastingly */
#define WG_LOAD_BURST 128 /* and at once */

/* Cookie replies a second: their sending is what a flood costs most. */
#define WG_COOKIES_PER_S 2048
#define WG_COOKIES_BURST 1024

/* Proven handshakes a second under load: of all strangers together, and of all peers' addresses.
 * A thousand peers that all come back at once come back with their cookies at once. */
#define WG_PROVEN_PER_S 256
#define WG_PROVEN_BURST 1024

#define WG_LOAD_HYSTERESIS NS_PER_S

/** A leaky bucket of handshake messages, and until when its overflow counts. */
struct wg_load {
	uint64_t level_ns; /* work in the bucket, in nanoseconds of WG_LOAD_PER_S */
	struct mono updated;
	struct mono until; /* under load until then */
};

/** Note `n` handshake messages received at `now` (0 is allowed). Return: whether we are under
 * load. */
bool wg_load_note(struct wg_load *l, unsigned n, struct mono now);

#endif
