/* SPDX-License-Identifier: MIT */
/* What a peer stores for a successor of this process: see store.h. */
#pragma once

#include "wg/state.h"

/** Store the peer's endpoint and the time of its handshakes. Call it after a change of the
 * endpoint's address, and after a handshake. */
void wg_peer_store(struct wg_peer *peer);

/** Use a stored record for the peer, before its first session. If there is none left, its sessions
 * end with this process. */
void wg_peer_claim_store(struct wg_device *dev, struct wg_peer *peer);
