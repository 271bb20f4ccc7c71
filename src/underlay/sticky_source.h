/* SPDX-License-Identifier: MIT */
/* Sticky source addresses: kept as long as they serve, forgotten when the way has changed.
 *
 * Theory of operation. A peer is answered from the address and by the interface that it was heard
 * at. That is right only where a route leads back by that interface; where none does (what comes in
 * here may have to go out there), the kernel, told to use it, would look for a far peer among the
 * neighbours. So what is about to be sent is held against the routing first
 * (sticky_source_check()): one question for each peer's way, its answer kept until the kernel tells
 * of another route, rule, address or link, or the firewall mark changes. Of a source without a way
 * back only the address is used if it lives on another interface, as that of a router's loopback
 * does; if not, nothing of it, as in Linux: the network that one interface leads to may not take
 * the other's address.
 *
 * A route that leads back to us, into the tunnel or the segment (see selfroute.h), is avoided:
 * packets leave by another interface, if one has a route. If none has, what leads into the tunnel
 * is dropped here, and what leads into the segment where it enters it (path/own.h), since the
 * bridge may have learned another port by then.
 */
#ifndef UNDERLAY_STICKY_SOURCE_H
#define UNDERLAY_STICKY_SOURCE_H

#include "netlink/monitor.h"
#include "pkt/train.h"
#include "underlay/selfroute.h"
#include "underlay/underlay.h"

/** Make room for what the routing says. Without it sources are used as they are. */
void sticky_source_open(struct underlay *u);

/** Give it back. */
void sticky_source_close(struct underlay *u);

/** Forget what the routing said, as it may say otherwise now. */
void sticky_source_invalidate(struct underlay *u);

/** Take from each train about to be sent what there is no way for of its sticky source; drop those
 * that would come back to us by the tunnel. */
void sticky_source_check(struct underlay *u, struct train_queue *q);

/** Where the route to a peer leads, for reports. */
struct sticky_source_view {
	enum leads leads;
	uint32_t route; /* the ifindex of the route's interface; 0: none, or not known */
	uint32_t other; /* of the interface used instead; 0: none */
};

/** Look up the route to an endpoint, whatever its sticky source. Lookups are limited: beyond the
 * limit the answer is LEADS_OUT. */
struct sticky_source_view sticky_source_view(struct underlay *u, const struct endpoint *e);

/**
 * A datagram of ours has entered a session or the TUN: handle what engine.own holds, and clear it.
 * Looks for another route to that peer, unless the bridge only floods, and logs it.
 */
void sticky_source_found_own(struct underlay *u);

/**
 * Take in the news that has come, into a digest that follows the interface `ifindex` (0: none).
 * Each peer whose packets may have to leave by another interface or from another address now loses
 * its sticky source. A change that does not concern it must not: the peer would see us roam, and a
 * NAT on the way might not know us.
 */
void sticky_source_follow(
	struct underlay *u, struct monitor *n, uint32_t ifindex, struct changes *ret);

#endif
