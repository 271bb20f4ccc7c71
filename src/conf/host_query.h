/* SPDX-License-Identifier: MIT */
/* Queries about the host that the checks of a configuration make. */
#ifndef CONF_HOST_QUERY_H
#define CONF_HOST_QUERY_H

#include <net/if.h>

/** State of an interface of the host. */
enum conf_link {
	CONF_LINK_MISSING = 0, /* no interface of that name */
	CONF_LINK_FREE,	       /* exists, and is not a port of a bridge or bond of others */
	CONF_LINK_ENSLAVED,    /* is a port of the interface in `ret_master` */
	CONF_LINK_UNFIT,       /* cannot be bridged: not Ethernet, or itself a bridge */
	CONF_LINK_UNKNOWN,     /* the query failed */
};

/** Queries about the host, implemented by the caller, so that the check stays pure. */
struct conf_facts {
	/** The state of the interface `name`; writes the name of its master, if any, to
	 * `ret_master`. */
	enum conf_link (*link)(void *ctx, const char *name, char ret_master[static IF_NAMESIZE]);
	void *ctx;
};

#endif
