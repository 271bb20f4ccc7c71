/* SPDX-License-Identifier: MIT */
/* Mistakes in a configuration that only show when its values are held together. */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/model.h"
#include "conf/report.h"

/** What the machine says about an interface. */
enum conf_link {
	CONF_LINK_MISSING = 0, /* no interface of that name */
	CONF_LINK_FREE,	       /* exists, and is in no bridge or bond but our own */
	CONF_LINK_ENSLAVED,    /* is a port of the interface whose name is handed back */
	CONF_LINK_UNFIT,       /* no Ethernet interface, or itself a bridge: cannot be bridged */
	CONF_LINK_UNKNOWN,     /* could not be asked */
};

/** Questions about the machine, answered by whoever may ask it, so that the check stays pure. */
struct conf_facts {
	/** The state of the interface `name`; the name of its master, if any, into `ret_master`. */
	enum conf_link (*link)(void *ctx, const char *name, char ret_master[static IF_NAMESIZE]);
	void *ctx;
};

/**
 * Check a parsed site, adding to `report`. `public_key` is the public key of the site's own private
 * key, or NULL if it has none. `facts` may be NULL: then nothing that depends on the machine is
 * checked.
 */
void conf_check(const struct conf_site *site, const uint8_t *public_key,
	const struct conf_facts *facts, struct conf_report *report);

#endif
