/* SPDX-License-Identifier: MIT */
/* Kernel events about interfaces, addresses, routes and rules, decoded into one struct. */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must_check.h"
#include "netlink/ifaddr.h"
#include "netlink/link.h"
#include "netlink/route.h"

/** Kind of an event. */
enum nl_event_kind {
	NL_EVENT_LINK = 0,     /* an interface was added or changed: see `link` */
	NL_EVENT_LINK_GONE,    /* see `link` */
	NL_EVENT_PORT,	       /* settings or state of a bridge's port have changed: see `link` */
	NL_EVENT_ADDRESS,      /* an address was added or changed: see `address` */
	NL_EVENT_ADDRESS_GONE, /* see `address` */
	NL_EVENT_ROUTE,	       /* a route was added or changed: see `route` */
	NL_EVENT_ROUTE_GONE,   /* see `route` */
	NL_EVENT_RULE,	       /* a policy rule was added or removed: see `rule_family` */
};

/** One event. */
struct nl_event {
	enum nl_event_kind kind;
	union {
		struct link_info link;
		struct ifaddr_info address;
		struct route_info route;
		uint16_t rule_family;
	};
};

/** The multicast groups of these events, for nl_socket_open_events(). */
uint32_t nl_event_groups(void);

/**
 * Decode one message of an event socket.
 * Return: 0, -ENOMSG if it is none of these kinds (ignore it), or -EBADMSG.
 */
MUST_CHECK int nl_event_decode(const struct nlmsghdr *nlh, struct nl_event *ret);

/** Whether an interface can carry traffic: administratively up, and with carrier. */
bool nl_event_link_runs(const struct link_info *link);
