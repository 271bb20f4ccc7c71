/* SPDX-License-Identifier: MIT */
/* The paths to the peers: what the routing says of each, and whether the engine follows its MTU. */
#ifndef UNDERLAY_PEER_PATHS_H
#define UNDERLAY_PEER_PATHS_H

#include <stdbool.h>

#include "conf/model.h"
#include "netlink/changes.h"
#include "underlay/underlay.h"

/**
 * Whether the engine can follow the MTU of every peer's path: [Interface] MTU is auto, and there is
 * an address in the tunnel to probe for each peer: a tunnel's Remote, or a single host among its
 * AllowedIPs.
 */
bool peer_paths_can_follow(const struct conf_site *conf);

/**
 * Look up the route to each peer (`all`), or to those whose endpoint has moved, and begin to follow
 * its MTU; or, if that cannot be, set the MTU `wg_mtu` for all of them.
 */
void peer_paths_look_up(
	struct underlay *u, const struct conf_site *conf, unsigned wg_mtu, bool all);

/** Whether the news concern the path of a followed peer: then peer_paths_refresh() is to be
 * called. */
bool peer_paths_concerned(const struct underlay *u, const struct changes *d);

/** The routing has changed: ask it again for the MTU of each followed path. */
void peer_paths_refresh(struct underlay *u);

/**
 * The smallest MTU of all peers, of inner packets; `otherwise` without peers. `ret_family`: of that
 * peer's endpoint; untouched if there is none.
 */
unsigned peer_paths_smallest(const struct underlay *u, unsigned otherwise, uint16_t *ret_family);

#endif
