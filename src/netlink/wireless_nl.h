/* SPDX-License-Identifier: MIT */
/* Generic netlink messages of wireless interfaces: whether one can be a port of a bridge. */
#pragma once

#include <stdint.h>

#include "base/must_check.h"
#include "netlink/exchange.h"
#include "netlink/msg.h"

/** What a wireless interface is for a bridge. Clients send frames of their own address alone, so
 * the kernel refuses them as ports, unless they use addresses of four stations. */
enum wireless_role {
	WIRELESS_NONE = 0, /* no wireless interface */
	WIRELESS_UNKNOWN,
	WIRELESS_CLIENT, /* refused */
	WIRELESS_PORT,	 /* an access point, a mesh point, or a client with 4-address mode */
};

/** Request the description of an interface; `family`: the id of "nl80211". Return: `m`. */
struct nl_msg *wireless_nl_encode_get(struct nl_msg *m, uint16_t family, uint32_t ifindex);

/** Decode the description of an interface. Return: 0 and its role; or -EBADMSG, with `ret`
 * untouched. Source: net/wireless/util.c, where an interface changes its type. */
MUST_CHECK int wireless_nl_decode(
	const struct nlmsghdr *nlh, uint16_t family, enum wireless_role *ret);

/** Return: the role of an interface that is a wireless one; WIRELESS_UNKNOWN if the kernel gives no
 * answer. */
enum wireless_role wireless_nl_query(uint32_t ifindex);
