/* SPDX-License-Identifier: MIT */
/* What a peer stores for a successor of this process: see store.h. */
#include "wg/stored.h"

#include <string.h>

void wg_peer_claim_store(struct wg_device *dev, struct wg_peer *peer)
{
	if (!peer->keys.stored)
		peer->keys.stored = wg_store_claim(&dev->store, peer->remote.public_key);
}

void wg_peer_store(struct wg_peer *peer)
{
	struct wg_store_details d = { .endpoint = peer->endpoint,
		.last_handshake_s = peer->last_handshake.sec,
		.last_handshake_ns = peer->last_handshake.nsec,
		.handshake_at = peer->handshake_at.ns };

	if (!peer->keys.stored)
		return;
	memcpy(d.newest_timestamp, peer->newest_timestamp, sizeof(d.newest_timestamp));
	wg_store_set_details(peer->keys.stored, &d);
}
