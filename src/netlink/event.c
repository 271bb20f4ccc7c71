/* SPDX-License-Identifier: MIT */
/* Kernel events about interfaces, addresses, routes and rules, decoded into one struct. */
#include "netlink/event.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

uint32_t nl_event_groups(void)
{
	return RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
	       RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | 1U << (RTNLGRP_IPV6_RULE - 1);
}

static int decode_link(const struct nlmsghdr *nlh, struct nl_event *event)
{
	struct ifinfomsg i;

	/* The kernel reports a bridge's ports in the same messages, under AF_BRIDGE: a port that
	 * leaves its bridge is not a deleted interface. */
	if (nl_msg_fixed(nlh, &i, sizeof(i)) < 0)
		return -EBADMSG;
	if (i.ifi_family == AF_BRIDGE && nlh->nlmsg_type == RTM_NEWLINK)
		event->kind = NL_EVENT_PORT;
	else if (i.ifi_family != AF_UNSPEC)
		return -ENOMSG;
	else
		event->kind = nlh->nlmsg_type == RTM_NEWLINK ? NL_EVENT_LINK : NL_EVENT_LINK_GONE;
	return link_decode(nlh, &event->link);
}

static int decode_route(const struct nlmsghdr *nlh, struct nl_event *event)
{
	struct rtmsg r;

	if (nl_msg_fixed(nlh, &r, sizeof(r)) < 0)
		return -EBADMSG;
	if ((r.rtm_family != AF_INET && r.rtm_family != AF_INET6) || r.rtm_flags & RTM_F_CLONED)
		return -ENOMSG;
	event->kind = nlh->nlmsg_type == RTM_NEWROUTE ? NL_EVENT_ROUTE : NL_EVENT_ROUTE_GONE;
	return route_decode(nlh, &event->route);
}

/* The rule's content is not needed: any route of the family may have changed. */
static int decode_rule(const struct nlmsghdr *nlh, struct nl_event *event)
{
	struct fib_rule_hdr r;

	if (nl_msg_fixed(nlh, &r, sizeof(r)) < 0)
		return -EBADMSG;
	if (r.family != AF_INET && r.family != AF_INET6)
		return -ENOMSG;
	event->kind = NL_EVENT_RULE;
	event->rule_family = r.family;
	return 0;
}

int nl_event_decode(const struct nlmsghdr *nlh, struct nl_event *ret)
{
	struct nl_event event = { .kind = NL_EVENT_LINK };
	int err;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		err = decode_link(nlh, &event);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		event.kind =
			nlh->nlmsg_type == RTM_NEWADDR ? NL_EVENT_ADDRESS : NL_EVENT_ADDRESS_GONE;
		err = ifaddr_decode(nlh, &event.address);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		err = decode_route(nlh, &event);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		err = decode_rule(nlh, &event);
		break;
	default: /* other message types */
		return -ENOMSG;
	}
	if (err == 0)
		*ret = event;
	return err;
}

bool nl_event_link_runs(const struct link_info *link)
{
	return (link->flags & IFF_UP) && (link->flags & IFF_RUNNING);
}
