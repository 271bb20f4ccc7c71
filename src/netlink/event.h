/* SPDX-License-Identifier: MIT */
/* Kernel events about interfaces, addresses, routes and rules, decoded into one struct. */
#ifndef NETLINK_EVENT_H
#define NETLINK_EVENT_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must_check.h"
#include "netlink/ifaddr.h"
#include "netlink/link.h"
#include "netlink/route.h"

/** Kind of an event. */
enum notify_kind {
	NOTIFY_LINK = 0,     /* an interface was added or changed: see `link` */
	NOTIFY_LINK_GONE,    /* see `link` */
	NOTIFY_ADDRESS,	     /* an address was added or changed: see `address` */
	NOTIFY_ADDRESS_GONE, /* see `address` */
	NOTIFY_ROUTE,	     /* a route was added or changed: see `route` */
	NOTIFY_ROUTE_GONE,   /* see `route` */
	NOTIFY_RULE,	     /* a policy rule was added or removed: see `rule_family` */
};

/** One event. */
struct notify_event {
	enum notify_kind kind;
	union {
		struct link_info link;
		struct ifaddr_info address;
		struct route_info route;
		uint16_t rule_family;
	};
};

/** The multicast groups of these events, for nl_socket_open_news(). */
uint32_t notify_groups(void);

/**
 * Decode one message of an event socket.
 * Return: 0, -ENOMSG if it is none of these kinds (ignore it), or -EBADMSG.
 */
MUST_CHECK int notify_decode(const struct nlmsghdr *nlh, struct notify_event *ret);

/** Whether an interface can carry traffic: administratively up, and with carrier. */
bool notify_link_runs(const struct link_info *link);

#endif
