/* SPDX-License-Identifier: MIT */
/* Selects the destination of a peer's initiations, for peers with several addresses. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/mono.h"
#include "wg/peer.h"

/** Embedded in what knows several addresses of a peer; see struct path_peer. Both functions are
 * pure: they change the policy alone. */
struct endpoint_policy {
	/** An initiation is about to be sent to `peer`. Return: whether its endpoint is to be
	 * `ret_to` first; else `ret_to` is untouched. */
	bool (*turn)(struct endpoint_policy *p, const struct wg_peer *peer, struct mono now,
		struct endpoint *ret_to);

	/** The initiation was sent to the peer's endpoint. Return: when the policy has something to
	 * do, for engine.policy_due; MONO_NEVER: not now. */
	struct mono (*sent)(struct endpoint_policy *p, const struct wg_peer *peer, struct mono now);
};
