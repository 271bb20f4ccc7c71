/* SPDX-License-Identifier: MIT */
/* Questions to the kernel about interfaces, addresses, routes and rules, answered as structs. */
#ifndef NETLINK_QUERY_H
#define NETLINK_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "netlink/exchange.h"
#include "netlink/ifaddr.h"
#include "netlink/link.h"
#include "netlink/route.h"
#include "netlink/rule.h"

/** A list of answers; `v` is to be freed. */
struct link_list {
	struct link_info *v;
	size_t n;
};

/** A list of answers; `v` is to be freed. */
struct ifaddr_list {
	struct ifaddr_info *v;
	size_t n;
};

/** A list of answers; `v` is to be freed. */
struct route_list {
	struct route_info *v;
	size_t n;
};

/** A list of answers; `v` is to be freed. */
struct rule_list {
	struct rule_info *v;
	size_t n;
};

/** The interface of that name. Return: 0, -ENODEV, or another -errno. */
int query_link(struct nl_socket *nl, const char *name, struct link_info *ret);

/** The interface of that index. Return: 0, -ENODEV, or another -errno. */
int query_link_index(struct nl_socket *nl, uint32_t ifindex, struct link_info *ret);

/** All interfaces. Return: 0 and a list to free, or -errno. */
int query_links(struct nl_socket *nl, struct link_list *ret);

/** All addresses of a family (AF_UNSPEC: both). Return: 0 and a list to free, or -errno. */
int query_addresses(struct nl_socket *nl, uint8_t family, struct ifaddr_list *ret);

/** All routes of a family in all tables, cache entries left out. Return: 0 and a list to free, or
 * -errno. */
int query_routes(struct nl_socket *nl, uint8_t family, struct route_list *ret);

/** All rules of a family, in the order they are asked. Return: 0 and a list to free, or -errno. */
int query_rules(struct nl_socket *nl, uint8_t family, struct rule_list *ret);

/**
 * The way a packet would take now, with the preferred source and the MTU of its first hop: the
 * configured one of the route, else that of the interface. What the kernel has learnt from ICMP
 * messages is left out: these can be forged.
 * Return: 0, -ENETUNREACH, -EHOSTUNREACH or -EACCES if there is none, or another -errno.
 */
int query_route(struct nl_socket *nl, const struct route_query *query, struct route_info *ret);

#endif
