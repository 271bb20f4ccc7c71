/* SPDX-License-Identifier: MIT */
/* The kernel's news about interfaces, addresses, routes and rules, as one kind of event. */
#ifndef NETLINK_NOTIFY_H
#define NETLINK_NOTIFY_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "netlink/ifaddr.h"
#include "netlink/link.h"
#include "netlink/route.h"

/** What happened. */
enum notify_kind {
	NOTIFY_LINK = 0,     /* an interface is new or changed: see `link` */
	NOTIFY_LINK_GONE,    /* see `link` */
	NOTIFY_ADDRESS,	     /* an interface has an address, or it changed: see `address` */
	NOTIFY_ADDRESS_GONE, /* see `address` */
	NOTIFY_ROUTE,	     /* a route is new or changed: see `route` */
	NOTIFY_ROUTE_GONE,   /* see `route` */
	NOTIFY_RULE,	     /* a rule of policy routing came or went: see `rule_family` */
};

/** One piece of news. */
struct notify_event {
	enum notify_kind kind;
	union {
		struct link_info link;
		struct ifaddr_info address;
		struct route_info route;
		uint16_t rule_family;
	};
};

/** The multicast groups that bring this news: for nl_socket_open_news(). */
uint32_t notify_groups(void);

/**
 * Read one message of a news socket.
 * Return: 0, -ENOMSG if it is none of these kinds (ignore it), or -EBADMSG.
 */
int notify_decode(const struct nlmsghdr *nlh, struct notify_event *ret);

/** Whether an interface can carry traffic: set up, and with a carrier. */
bool notify_link_runs(const struct link_info *link);

#endif
