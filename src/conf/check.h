/* SPDX-License-Identifier: MIT */
/* Configuration errors that involve more than one value. */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/model.h"
#include "conf/report.h"

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

/**
 * Check a parsed site and add problems to `report`. `public_key` is the public key of the site's
 * private key, or NULL if it has none. `facts` may be NULL: then checks that depend on the host are
 * skipped.
 */
void conf_check(const struct conf_site *site, const uint8_t *public_key,
	const struct conf_facts *facts, struct conf_report *report);

#endif
