/* SPDX-License-Identifier: MIT */
/* What has become of each peer: up, down, at another endpoint, with another MTU.
 *
 * Theory of operation. The daemon queries the back end's peers at intervals and passes the answer
 * to peer_watch_look(), which compares it with the one before and reports the differences. All that
 * is used are the counters and times that both back ends have:
 *
 *   up     there is a session, and its packets come
 *   down   something was sent to it, and for the silence that is allowed (180 s, the life of a
 *          session's keys) no packet of a session has come back. The last handshake must be older
 *          still, by PEER_WATCH_GRACE: keepalives have no answer, but after 180 s the next one is a
 *          handshake, which has one
 *
 * So a peer to which nothing is sent is not down. This module is pure but for the memory that it
 * allocates when peers are added.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/bucket.h"
#include "base/must_check.h"

/** How long a peer may be silent, unless configured; and the life of a session's keys. Source: the
 * WireGuard paper §6.1, Reject-After-Time. */
#define PEER_WATCH_SILENCE (180 * NS_PER_S)

/** How much older its last handshake must be, at most, before it is down. */
#define PEER_WATCH_GRACE (15 * NS_PER_S)

/** Moves of an endpoint that are reported at once, and the interval at which another one is. */
#define PEER_WATCH_MOVES      10
#define PEER_WATCH_MOVE_AGAIN (60 * NS_PER_S)

/** What is known of a peer's state. */
enum peer_state {
	PEER_UNKNOWN = 0, /* it has not answered yet, and still may */
	PEER_UP,
	PEER_DOWN,
};

/** What happens to a peer. */
enum peer_change {
	PEER_CAME_UP,
	PEER_WENT_DOWN,
	PEER_MOVED,
	PEER_MTU_CHANGED,
};

/** One peer, as it was at the last look. */
struct watched_peer {
	struct backend_peer seen;
	enum peer_state state;
	enum peer_state handled; /* the state for which hooks ran last */
	struct mono answered; /* the last look at which it had sent something, or the first one */
	struct mono asked;    /* the first look since then at which something had been sent to it,
				    or MONO_NEVER */
	uint32_t mtu;	      /* the last that was known; 0: none yet */
	struct bucket moves;  /* that may be reported */
	unsigned unreported;  /* moves since the last that was */
	bool there;	      /* for a look: the back end still has it */
};

/** The peers of a site. Zero-initialised, it has none. */
struct peer_watch {
	struct watched_peer *v;
	size_t n;
	size_t up;	  /* how many of them are up */
	uint64_t silence; /* ns; 0: PEER_WATCH_SILENCE */
};

/** Something that has happened to a peer. */
struct peer_event {
	enum peer_change change;
	const struct watched_peer *peer; /* as it is now */
	struct endpoint before;		 /* of PEER_MOVED: its endpoint until now */
	unsigned unreported;		 /* of PEER_MOVED: earlier moves that were not reported */
	uint32_t mtu_before;		 /* of PEER_MTU_CHANGED */
	uint64_t silent_ns;		 /* of PEER_WENT_DOWN: how long nothing has come from it */
};

/**
 * Compare `n` peers of the back end, as they are at `now`, with those of the last look, and report
 * each difference by `report`, which must not look again.
 * Return: 0, or -ENOMEM and nothing has changed.
 */
MUST_CHECK int peer_watch_look(struct peer_watch *w, const struct backend_peer *peers, size_t n,
	struct mono now, void (*report)(void *ctx, const struct peer_event *event), void *ctx);

/** Write the states of the peers, for another program in this process. */
void peer_watch_save(const struct peer_watch *w, struct saved_state *state);

/** Begin with the states that were saved, so that what has not changed is not reported. Return: 0
 * or -ENOMEM. */
MUST_CHECK int peer_watch_restore(
	struct peer_watch *w, const struct saved_state *saved, struct mono now);

/** Free the memory. */
void peer_watch_fini(struct peer_watch *w);
