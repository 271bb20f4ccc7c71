/* SPDX-License-Identifier: MIT */
/* A snapshot of the host's network: interfaces, addresses, routes, rules. */
#pragma once

#include <stdbool.h>

#include "base/must_check.h"
#include "netlink/query.h"

/** A snapshot. Index 0 of an array is IPv4, index 1 is IPv6; a family that the kernel does not have
 * has empty lists. Zero is empty; free it with view_fini(). */
struct host_view {
	struct link_list links;
	struct ifaddr_list addresses;
	struct route_list routes[2];
	struct rule_list rules[2];
};

/** Query the interfaces and addresses of the kernel. Return: 0 and a snapshot to free, or
 * -errno. */
MUST_CHECK int view_take(struct nl_socket *nl, struct host_view *ret);

/** Add the routes to one interface: the whole tables can be large. Return: 0; or -errno, and the
 * snapshot is still to be freed. */
MUST_CHECK int view_take_routes(struct nl_socket *nl, uint32_t ifindex, struct host_view *view);

/** Add the policy rules. Return: as above. */
MUST_CHECK int view_take_rules(struct nl_socket *nl, struct host_view *view);

/** Free a snapshot and make it empty. */
void view_fini(struct host_view *view);

/** The interface of that name, or NULL. */
const struct link_info *view_link(const struct host_view *view, const char *name);

/** The interface with that index, or NULL; also for 0. */
const struct link_info *view_link_index(const struct host_view *view, uint32_t ifindex);
