/* SPDX-License-Identifier: MIT */
/* An engine with many peers and sessions, and batches of packets through it: for the benches. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path/engine.h"

#define HUB_BATCH    64 /* packets */
#define HUB_EACH_MAX 256
#define HUB_LEN_MAX  9000 /* bytes of an inner packet */

/** What a hub has. */
struct hub_sizes {
	size_t peers;
	size_t each;	 /* allowed IPs of a peer: 1 to HUB_EACH_MAX */
	size_t sessions; /* in all; the peers share them out. 0: packets of the TUN */
};

/** The other end of a peer: its keys and address, and the sessions as it has them. */
struct hub_client {
	struct wg_keypair keys;
	struct endpoint at;
};

/** The engine and the other ends. */
struct hub {
	struct engine e;
	struct tx_job job;
	struct hub_sizes sizes;
	struct path_peer *peers;
	struct l2tp_tunnel *tunnels; /* one for each peer, if there are sessions */
	struct path_session *sessions;
	struct hub_client *clients;
	struct l2tp_tunnel *far_tunnels; /* as the clients have them */
	struct l2tp_session *far_sessions;
	struct mono now;
};

/** A traffic pattern: to or from any of the first `among` peers (with sessions: of the first
 * `among` sessions), another one every `burst` packets. */
struct hub_mix {
	size_t among;
	unsigned burst;
};

/** Exit with a sentence unless `ok`. */
void hub_check(bool ok, const char *what);

/** Make a hub whose peers all have a session key. It lives until the process ends. */
struct hub *hub_new(const struct hub_sizes *sizes);

/** Nanoseconds of a batch's look-ups only: the peers of inner addresses. */
uint64_t hub_look_up(struct hub *h, const struct hub_mix *mix, size_t len);

/** Nanoseconds of sending a batch of packets (frames, if the hub has sessions) of `len` bytes. */
uint64_t hub_send(struct hub *h, const struct hub_mix *mix, size_t len);

/** Nanoseconds of receiving such a batch. */
uint64_t hub_receive(struct hub *h, const struct hub_mix *mix, size_t len);
