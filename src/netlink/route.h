/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about routes: those of tables, and the one that a packet would take. */
#ifndef NETLINK_ROUTE_H
#define NETLINK_ROUTE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "netlink/msg.h"

/** A route, in a table or as the answer to "how would this packet go". */
struct route_info {
	struct ip_prefix dst;
	uint32_t table;
	uint32_t ifindex;	/* the interface it leaves by; 0 = none, or several next hops */
	struct ip_addr gateway; /* family 0: on link */
	struct ip_addr source;	/* preferred source; family 0: not said */
	uint32_t mtu;		/* bytes, the route's own or learnt; 0: the interface's */
	uint32_t metric;
	uint8_t type;	  /* RTN_UNICAST, RTN_LOCAL, RTN_UNREACHABLE … */
	uint8_t protocol; /* RTPROT_KERNEL, RTPROT_BOOT … */
	bool cloned;	  /* a cache entry, not a route of the table */
	bool learnt;	  /* and one that expires: `mtu` may be what an ICMP message said */
};

/** What a packet to a host looks like to the routing. */
struct route_query {
	struct ip_addr dst;
	struct ip_addr src; /* family 0: not chosen yet */
	uint32_t mark;
	uint32_t ifindex; /* 0: any */
	bool table;	  /* what the table has (Linux 4.13): -EHOSTUNREACH if there is no route
			     by `ifindex`, where a packet would be taken to be for a neighbour */
};

/** Add the route "dst dev ifindex" to a table, as `ip route add` does. -EEXIST if there is one.
 * Return: `m`, as all encoders do. */
struct nl_msg *route_encode_add(
	struct nl_msg *m, const struct ip_prefix *dst, uint32_t ifindex, uint32_t table);

/** Delete that route. -ESRCH if there is none. */
struct nl_msg *route_encode_delete(
	struct nl_msg *m, const struct ip_prefix *dst, uint32_t ifindex, uint32_t table);

/** Ask for all routes of a family, all tables. */
struct nl_msg *route_encode_dump(struct nl_msg *m, uint8_t family);

/** Ask which way a packet would take; answered by one RTM_NEWROUTE. */
struct nl_msg *route_encode_get(struct nl_msg *m, const struct route_query *query);

/** Read an RTM_NEWROUTE or RTM_DELROUTE. Return: 0, or -EBADMSG; `ret` is untouched then. */
int route_decode(const struct nlmsghdr *nlh, struct route_info *ret);

#endif
