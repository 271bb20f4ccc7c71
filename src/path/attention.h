/* SPDX-License-Identifier: MIT */
/* Peers for which something is to be done, and what. */
#pragma once

#include "base/list.h"
#include "path/path_peer.h"

/** The peers with queued actions, longest first. */
struct attention {
	struct list peers;
};

/** Queue actions (a set of enum wg_action) for a peer; control_pump() runs them. 0 is allowed. */
static inline void attention_add(struct attention *a, struct path_peer *peer, unsigned actions)
{
	if (!actions)
		return;
	peer->actions |= actions;
	if (list_is_empty(&peer->attention))
		list_push_tail(&a->peers, &peer->attention);
}

/** The first peer with queued actions, or NULL. */
static inline struct path_peer *attention_first(struct attention *a)
{
	return list_is_empty(&a->peers) ? NULL
					: CONTAINER_OF(a->peers.next, struct path_peer, attention);
}

/** Take the actions of a peer out of the queue. Return: a set of enum wg_action. */
static inline unsigned attention_take(struct path_peer *peer)
{
	unsigned actions = peer->actions;

	peer->actions = 0;
	list_remove(&peer->attention);
	return actions;
}
