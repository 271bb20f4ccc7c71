/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about routes: of tables, and lookups. */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/must_check.h"
#include "netlink/msg.h"

#define ROUTE_HOPS 8 /* next hops that are decoded; further ones are ignored */

/** A route, from a table or from a lookup. */
struct route_info {
	struct ip_prefix dst;
	uint32_t table;
	uint32_t ifindex;	   /* output interface; 0 = none, or several next hops */
	uint32_t hops[ROUTE_HOPS]; /* the output interfaces of several next hops */
	size_t n_hops;
	struct ip_addr gateway; /* family 0: on link */
	struct ip_addr source;	/* preferred source; family 0: none */
	uint32_t mtu;		/* bytes, configured or learnt; 0: the interface's */
	uint32_t metric;
	uint8_t type;	  /* RTN_UNICAST, RTN_LOCAL, RTN_UNREACHABLE … */
	uint8_t protocol; /* RTPROT_KERNEL, RTPROT_BOOT … */
	bool cloned;	  /* a cache entry, not a route of a table */
	bool learnt;	  /* an expiring cache entry: `mtu` may come from an ICMP error */
};

/** A route lookup: the properties of a packet. */
struct route_query {
	struct ip_addr dst;
	struct ip_addr src; /* family 0: not selected */
	uint32_t mark;
	uint32_t ifindex; /* 0: any */
	bool table;	  /* look in the table (Linux 4.13): -EHOSTUNREACH if it has no route by
			     `ifindex`, instead of assuming that the packet is for a neighbour */
};

/** Add the route "dst dev ifindex" to a table, as `ip route add` does. -EEXIST if present. Return:
 * `m`, as all encoders do. */
struct nl_msg *route_encode_add(
	struct nl_msg *m, const struct ip_prefix *dst, uint32_t ifindex, uint32_t table);

/** Delete that route. -ESRCH if absent. */
struct nl_msg *route_encode_delete(
	struct nl_msg *m, const struct ip_prefix *dst, uint32_t ifindex, uint32_t table);

/** Add the route that the kernel adds with an address: to its network, in the main table. -EEXIST
 * if there is one; of IPv4 also if it is by another interface, unless `beside`: then it is added
 * after those, as the kernel does. */
struct nl_msg *route_encode_connected(
	struct nl_msg *m, const struct ip_prefix *address, uint32_t ifindex, bool beside);

/** Add the route of the local table that the kernel adds with an address: it delivers packets to
 * it. -EEXIST if the interface has it. An IPv6 one has another metric than the kernel's, which
 * netlink cannot set, and stays when the address is deleted. */
struct nl_msg *route_encode_local(struct nl_msg *m, const struct ip_addr *addr, uint32_t ifindex);

/** Request all routes of a family in all tables. `ifindex`: 0, or only those by this interface:
 * -ENODEV if there is none. Kernels before 4.20 answer with all routes all the same. */
struct nl_msg *route_encode_dump(struct nl_msg *m, uint8_t family, uint32_t ifindex);

/** Look up the route of a packet; answered by one RTM_NEWROUTE. */
struct nl_msg *route_encode_get(struct nl_msg *m, const struct route_query *query);

/** Decode an RTM_NEWROUTE or RTM_DELROUTE. Return: 0, or -EBADMSG, with `ret` untouched. */
MUST_CHECK int route_decode(const struct nlmsghdr *nlh, struct route_info *ret);
