/* SPDX-License-Identifier: MIT */
/* Sticky source addresses: used while a route from them exists, cleared when the route changes.
 *
 * Theory of operation. A peer is answered from the address and by the interface at which its
 * datagrams arrive. That is right only if a route leads back by that interface. If none does
 * (asymmetric routing), the kernel, forced to use the interface, would look for a distant peer
 * among the neighbours. So datagrams are checked against the routing before they are sent
 * (sticky_source_check()): one route lookup per peer, cached until the kernel reports a change of
 * a route, rule, address or link, or until the firewall mark changes. If no route leads back from
 * a source by its interface, only the address is used if it belongs to another interface, such as
 * a router's loopback address; otherwise none of it is used, as in Linux: the network behind one
 * interface may not accept the address of another.
 *
 * A route that leads back to us, into the tunnel or the LAN segment (see selfroute.h), is avoided:
 * packets leave by another interface if one has a route. Otherwise packets into the tunnel are
 * dropped here, and packets into the LAN segment are dropped where they enter it (path/own.h),
 * because the bridge may have learned another port by then.
 */
#pragma once

#include "netlink/monitor.h"
#include "pkt/train.h"
#include "underlay/selfroute.h"
#include "underlay/underlay.h"

/** Allocate the cache of route lookups. Without it, sources are used unchecked. */
void sticky_source_open(struct underlay *u);

/** Free the cache. */
void sticky_source_close(struct underlay *u);

/** Invalidate all cached route lookups, because the routing may have changed. */
void sticky_source_invalidate(struct underlay *u);

/** For each train about to be sent, remove those parts of its sticky source that have no route;
 * drop trains that would return to us through the tunnel. */
void sticky_source_check(struct underlay *u, struct train_queue *q);

/** Where the route to a peer leads, for reports. */
struct sticky_source_view {
	enum leads leads;
	uint32_t route; /* ifindex of the route's interface; 0: none or unknown */
	uint32_t other; /* ifindex of the interface used instead; 0: none */
};

/** Look up the route to an endpoint, regardless of its sticky source. Lookups are rate-limited:
 * beyond the limit the answer is LEADS_OUT. */
struct sticky_source_view sticky_source_view(struct underlay *u, const struct endpoint *e);

/**
 * One of our datagrams, `own`, has entered a session or the TUN by `port`. Looks for another route
 * to that peer, unless the bridge only floods, and logs it.
 */
void sticky_source_found_own(
	struct underlay *u, const struct path_port *port, const struct own_datagram *own);

/**
 * Read the queued link and route events into a digest that follows the interface `ifindex` (0:
 * none). Clears the sticky source of each peer whose packets may now have to leave by another
 * interface or from another address. A change that does not affect a peer must not clear it: the
 * peer would see us roam, and a NAT on the path might drop the packets.
 */
void sticky_source_follow(
	struct underlay *u, struct monitor *n, uint32_t ifindex, struct changes *ret);
