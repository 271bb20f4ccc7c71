/* SPDX-License-Identifier: MIT */
/* The MTUs of the paths to the peers, from the routing, and whether the engine probes them. */
#pragma once

#include <stdbool.h>

#include "conf/model.h"
#include "netlink/changes.h"
#include "underlay/underlay.h"

/**
 * Whether the engine can follow the path MTU of every peer: [Interface] MTU is auto, and each peer
 * has an address in the tunnel to probe: a tunnel's Remote, or a single host in its AllowedIPs.
 */
bool peer_paths_can_follow(const struct conf_site *conf);

/**
 * Look up the route to each peer (`all`), or to those whose endpoint has moved, and start to follow
 * its MTU; if that is not possible, set the MTU `wg_mtu` for all of them.
 */
void peer_paths_look_up(
	struct underlay *u, const struct conf_site *conf, unsigned wg_mtu, bool all);

/** Whether the changes affect the path of a followed peer: then call peer_paths_refresh(). */
bool peer_paths_concerned(const struct underlay *u, const struct changes *d);

/** The routing has changed: query the route MTU of each followed path again. */
void peer_paths_refresh(struct underlay *u);

/**
 * Return: the smallest inner MTU of all peers, or `otherwise` without peers. `ret_family`: the
 * family of that peer's endpoint; untouched if there is none.
 */
unsigned peer_paths_smallest(const struct underlay *u, unsigned otherwise, uint16_t *ret_family);
