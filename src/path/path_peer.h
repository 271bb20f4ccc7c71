/* SPDX-License-Identifier: MIT */
/* A peer as the engine has it: the WireGuard peer, its path, and what waits for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/mono.h"
#include "l2tp/reassembly.h"
#include "path/endpoint_policy.h"
#include "path/notes.h"
#include "path/pending.h"
#include "path/pmtud.h"
#include "path/probe.h"
#include "queue/queue.h"
#include "wg/peer.h"

/** What was last logged about a route to a peer that leads back to us; underlay/ keeps it. */
struct path_route_log {
	struct ip_addr to;
	uint32_t other; /* the interface used instead; 0: none */
	struct mono at; /* when that was last so; MONO_NEVER: not yet */
};

/**
 * One peer, with the packets that wait for its handshake and what is to be done for it.
 *
 * If it begins with a cache line, data messages touch few lines: received ones the first, for the
 * note, and those of struct wg_peer, of which the first is here the third of the struct; sent ones
 * only the latter, as these begin with what sending needs.
 */
struct path_peer {
	struct rx_note received;
	struct list attention; /* in control.attention while `actions` is not empty */
	unsigned mtu;	       /* largest inner packet that reaches it in one datagram */
	unsigned whole_max;    /* longer packets are sent in fragments while `mtu` is a guess */
	unsigned train_max;    /* datagrams in a train to it at most */
	bool following;	       /* its path's MTU: see peer_pmtu.h */
	bool path_unknown;     /* its endpoint has moved: the driver looks up the route anew */
	struct tx_note sent;
	struct wg_peer wg;
	unsigned actions; /* set of enum wg_action, to be done by control_pump() */
	struct pmtud pmtud;
	struct probe probe;
	struct list follow;		/* in control.followed */
	struct endpoint_policy *policy; /* if the endpoint is a host name, else NULL */
	struct pending_queue pending;
	struct queue_peer queue; /* frames for a link that is too slow for them */
	struct reassembly_owner fragments;
	bool trains_reported; /* that its path loses long trains */
	struct path_route_log route_logged;
};

LINE_ASSERT(offsetof(struct path_peer, received.from) <= 64, "a note of receiving");
LINE_ASSERT(offsetof(struct path_peer, wg) % 64 == WG_PEER_PHASE, "see struct wg_peer");
LINE_ASSERT(offsetof(struct path_peer, mtu) / 64 == offsetof(struct path_peer, wg) / 64,
	"what sending needs");

/** The path_peer around a wg_peer. */
static inline struct path_peer *path_peer_of(struct wg_peer *wg)
{
	return CONTAINER_OF(wg, struct path_peer, wg);
}
