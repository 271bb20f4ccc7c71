/* SPDX-License-Identifier: MIT */
/* Kernel queries for interfaces, addresses, routes and rules, returned as structs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"
#include "netlink/exchange.h"
#include "netlink/ifaddr.h"
#include "netlink/link.h"
#include "netlink/neigh.h"
#include "netlink/route.h"
#include "netlink/rule.h"

/** A list of interfaces; free `v`. */
struct link_list {
	struct link_info *v;
	size_t n;
};

/** A list of addresses; free `v`. */
struct ifaddr_list {
	struct ifaddr_info *v;
	size_t n;
};

/** A list of routes; free `v`. */
struct route_list {
	struct route_info *v;
	size_t n;
};

/** A list of rules; free `v`. */
struct rule_list {
	struct rule_info *v;
	size_t n;
};

/** The interface with that name; alternative names, as of `ip link property`, are none. Return: 0,
 * -ENODEV, or another -errno. */
MUST_CHECK int query_link(struct nl_socket *nl, const char *name, struct link_info *ret);

/** The interface with that name or alternative name. Return: 0, -ENODEV, or another -errno. */
MUST_CHECK int query_link_any_name(struct nl_socket *nl, const char *name, struct link_info *ret);

/** The interface with that index. Return: 0, -ENODEV, or another -errno. */
MUST_CHECK int query_link_index(struct nl_socket *nl, uint32_t ifindex, struct link_info *ret);

/** The counters of the interface with that name. Return: 0, -ENODEV, or another -errno. */
MUST_CHECK int query_link_stats(struct nl_socket *nl, const char *name, struct link_stats *ret);

/** All interfaces. Return: 0 and a list to free, or -errno. */
int query_links(struct nl_socket *nl, struct link_list *ret);

/** All addresses of a family (AF_UNSPEC: both). Return: 0 and a list to free, or -errno. */
MUST_CHECK int query_addresses(struct nl_socket *nl, uint8_t family, struct ifaddr_list *ret);

/** All routes of a family in all tables, without cache entries. Return: 0 and a list to free, or
 * -errno. */
MUST_CHECK int query_routes(struct nl_socket *nl, uint8_t family, struct route_list *ret);

/** Append the routes of a family in all tables whose output interface is `ifindex`, if there is
 * such an interface. The list, empty at first, is to be freed after an error, too. Return: 0 or
 * -errno. */
MUST_CHECK int query_routes_by(
	struct nl_socket *nl, uint8_t family, uint32_t ifindex, struct route_list *ret);

/** All rules of a family, in order of evaluation. Return: 0 and a list to free, or -errno. */
MUST_CHECK int query_rules(struct nl_socket *nl, uint8_t family, struct rule_list *ret);

/**
 * Look up the route of a packet, with the preferred source and the MTU of the next hop: the route's
 * configured MTU, else the interface's. MTUs that the kernel learnt from ICMP errors are ignored,
 * because they can be forged.
 * Return: 0; -ENETUNREACH, -EHOSTUNREACH or -EACCES if there is none; or another -errno.
 */
MUST_CHECK int query_route(
	struct nl_socket *nl, const struct route_query *query, struct route_info *ret);

/**
 * The neighbour of an interface. Return: 0; -ENOENT if it is not known, or known without an
 * Ethernet address (not resolved, or resolving has failed); or another -errno.
 */
int query_neighbour(
	struct nl_socket *nl, uint32_t ifindex, const struct ip_addr *addr, struct neigh_info *ret);

/**
 * The port behind which a bridge has learned an Ethernet address, in a VLAN (0: none). Return: 0
 * and the ifindex of the port, or of the bridge itself for an address of its own; -ENOENT if it has
 * not learned it and would flood; -EOPNOTSUPP: no bridge of the kernel's, or before Linux 5.0; or
 * another -errno.
 */
int query_bridge_port(struct nl_socket *nl, uint32_t bridge, const uint8_t mac[static LINK_MAC_LEN],
	uint16_t vlan, uint32_t *ret_ifindex);

/**
 * The port behind which a bridge has learned an Ethernet address, for frames that enter or leave it
 * by `by`, one of its ports or the bridge itself, with the tag of a VLAN (0: none). If the bridge
 * filters VLANs, frames without a tag are in the VLAN that `by` has for them. Return: as
 * query_bridge_port().
 */
int query_bridge_port_by(struct nl_socket *nl, uint32_t bridge, uint32_t by,
	const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan, uint32_t *ret_ifindex);

/** As query_bridge_port_by(), but return the whole entry: a port, or the bridge itself. */
int query_bridge_entry_by(struct nl_socket *nl, uint32_t bridge, uint32_t by,
	const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan, struct neigh_info *ret);
