/* SPDX-License-Identifier: MIT */
/* Properties of this host that decide whether a configuration can be brought up on it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "netlink/query.h"
#include "netlink/wireless_nl.h"

/** Whether an interface can have IPv6 addresses. */
enum host_ipv6 {
	HOST_IPV6_ON = 0,
	HOST_IPV6_DISABLED, /* by the sysctl disable_ipv6 */
	HOST_IPV6_ABSENT,   /* the kernel has no IPv6 */
};

/**
 * A snapshot of the host, and queries about it, so that the rules stay pure. Interfaces are
 * identified by their ifindex; 0 means none.
 */
struct host_facts {
	struct link_list links;
	struct ifaddr_list addresses;
	char alias[LINK_ALIAS_LEN]; /* of what the site has created */
	bool runs;		    /* the site runs, so its interfaces exist */
	bool port_taken;	    /* ListenPort belongs to another program */
	bool no_resolvconf;	    /* there is no resolvconf(8), which sets name servers */
	/** The state of IPv6 for the interface `name`, which need not exist. */
	enum host_ipv6 (*ipv6)(void *ctx, const char *name);
	/** The interface by which a packet to `dst` leaves. */
	uint32_t (*route)(void *ctx, const struct ip_addr *dst);
	/** The route to exactly `dst` that the table has, if a second one without a metric would be
	 * refused; any metric if `any` is set. NULL: none. */
	const struct route_info *(*route_to)(
		void *ctx, const struct ip_prefix *dst, uint32_t table, bool any);
	/** The interface that has `name` as its alternative name. */
	uint32_t (*altname)(void *ctx, const char *name);
	/** What an interface is for a bridge if it is a wireless one. */
	enum wireless_role (*wireless)(void *ctx, const struct link_info *link);
	void *ctx;
};

/** The interface with that name, or NULL. */
const struct link_info *host_facts_link(const struct host_facts *facts, const char *name);

/** The interface that has the name only as an alternative one, or NULL. The kernel gives it to no
 * other interface. */
const struct link_info *host_facts_altname(const struct host_facts *facts, const char *name);

/** The interface with that ifindex, or NULL. */
const struct link_info *host_facts_index(const struct host_facts *facts, uint32_t ifindex);

/** The interface that a zone of IPv6 names, by its name or ifindex, or NULL. `zone` may be NULL. */
const struct link_info *host_facts_zone(const struct host_facts *facts, const char *zone);

/** Whether the site has created the interface: a bridge, or one of the kernel's WireGuard and L2TP,
 * with its alias; or, while the site runs, a TUN or TAP interface. */
bool host_facts_is_ours(const struct host_facts *facts, const struct link_info *link);
