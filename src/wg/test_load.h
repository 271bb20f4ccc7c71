/* SPDX-License-Identifier: MIT */
/* For tests: a device under load. */
#pragma once

#include "wg/peer.h"

/** Put a device under load at `now`, and use up the shares of its peers: each initiation and
 * response that it receives at `now` requires a cookie. */
static inline void test_load_begin(struct wg_device *dev, struct mono now)
{
	dev->load.until = mono_add(now, 1);
	LIST_FOR_EACH(l, &dev->peers)
	{
		struct wg_peer *peer = CONTAINER_OF(l, struct wg_peer, link);

		while (bucket_take(&peer->own_initiations, now, WG_OWN_INITIATIONS_NS,
			WG_OWN_INITIATIONS_BURST))
			;
		while (bucket_take(
			&peer->own_responses, now, WG_OWN_RESPONSES_NS, WG_OWN_RESPONSES_BURST))
			;
	}
}

/** End the load. The shares stay used up. */
static inline void test_load_end(struct wg_device *dev)
{
	dev->load.until = MONO_NEVER;
}
